"""What the page Agreement and Lab acceptance are drawn from."""
