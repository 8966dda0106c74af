"""Locate and count the cells of a field."""
