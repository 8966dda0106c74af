"""``python -m core cases``: the commands of reviewed cases."""
