"""The loop, its recipes, augmentation and checkpoints."""
