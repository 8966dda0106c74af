"""What the red cells of a slide come to: shares of shapes, proposed grades, sizes."""
