"""Learning the shapes of red cells."""
