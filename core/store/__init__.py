"""The database: SQLite beside the runs by default, PostgreSQL by URL."""
