"""The boxes of one field: the drawing that takes the mouse, and the tools beside it."""
