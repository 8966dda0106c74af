"""What outlives a process: SQLite beside the runs by default, PostgreSQL by URL."""
