"""Shapes of red cells in a review: what they propose, and the cells behind it."""
