"""Work that runs in a process of its own: lock, heartbeat, progress, order to stop, result."""
