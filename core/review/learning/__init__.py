"""What verified cells teach: the labelling queue, doubtful labels, training sets."""
