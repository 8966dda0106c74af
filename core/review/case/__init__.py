"""Cases: their life, the worklist, their history and how long they take."""
