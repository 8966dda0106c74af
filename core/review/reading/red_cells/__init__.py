"""The shapes of a case's red cells: as readers corrected them, and what they come to."""
