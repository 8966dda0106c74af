"""Comparing a challenger with the live model, promoting it and rolling back."""
