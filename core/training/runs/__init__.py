"""Training runs: queued, started in a process, watched, compared."""
