"""Training the white-cell classifier and fitting its uncertainty."""
