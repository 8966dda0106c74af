"""Getting acquainted with a laboratory: its fields, the cells to name first, the adaptation."""
