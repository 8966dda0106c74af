"""Adapting the white-cell classifier to a laboratory by a few of its cells."""
