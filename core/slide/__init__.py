"""What is said of a whole slide: blood count, differential, cell sizes, tables for people."""
