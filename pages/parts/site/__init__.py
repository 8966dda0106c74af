"""What the page Settings is drawn from."""
