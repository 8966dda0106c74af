"""Architectures and weights: build, save, load, find."""
