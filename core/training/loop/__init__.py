"""The training loop: settings, order of examples, checkpoints, history, rate finder."""
