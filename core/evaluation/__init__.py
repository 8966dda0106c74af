"""Metrics and intervals, each checked against something independent."""
