"""What the page Analyse smear is drawn from."""
