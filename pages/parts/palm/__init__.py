"""What the page Screen palm is drawn from."""
