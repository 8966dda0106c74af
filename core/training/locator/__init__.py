"""Training the cell locator."""
