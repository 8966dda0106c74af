"""How long cases are kept, copies of them before, and how one is erased for good."""
