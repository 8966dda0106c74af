"""Invented cases in a store of their own: to try everything, and to show it to somebody."""
