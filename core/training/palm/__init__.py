"""Training the palm classifier."""
