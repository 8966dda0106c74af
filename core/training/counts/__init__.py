"""Training the counters: count maps and the paper's count regressor."""
