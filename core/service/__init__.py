"""The door for other programs: the answers of the command line and the cases, over HTTP."""
