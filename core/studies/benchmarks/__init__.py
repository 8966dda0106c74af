"""How long things take: each step of an analysis, the training loop, the screens."""
