"""What the review keeps: store, ledger, pictures, rows, and the integrity check."""
