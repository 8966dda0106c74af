"""Boxes of fields in the formats that labelling programs write."""
