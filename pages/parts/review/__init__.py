"""What the pages Review and Worklist are drawn from."""
