"""The class of a white cell, its uncertainty, its attributes and the known cells nearest to it."""
