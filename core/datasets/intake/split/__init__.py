"""Which pictures of a set are learnt from, chosen on and tested on: its own split, or groups."""
