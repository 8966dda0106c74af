"""Grad-CAM maps."""
