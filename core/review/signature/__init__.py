"""Signing a case, what blocks it, and computing a signed finding again."""
