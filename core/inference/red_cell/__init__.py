"""The shape of red cells, and what is measured on them."""
