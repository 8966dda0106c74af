"""Reading, quality, stain and the synthetic smear."""
