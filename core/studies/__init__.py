"""Published papers repeated and constants fitted once. Imported by commands only."""
