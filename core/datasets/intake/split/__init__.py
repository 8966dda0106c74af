"""Which pictures of a set are learnt from, chosen on and tested on: by its own split or by groups."""
