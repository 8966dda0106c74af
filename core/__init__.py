"""Hemadesk: blood-smear and palm photographs become findings a person can check."""

__version__ = "0.1.0"
