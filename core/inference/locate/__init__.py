"""Where the cells of a field are, and how many."""
