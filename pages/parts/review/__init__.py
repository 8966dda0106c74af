"""What the page Review is drawn from."""
