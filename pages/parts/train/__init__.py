"""What the pages Fine-tune and Models are drawn from."""
