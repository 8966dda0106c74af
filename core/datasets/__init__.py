"""One file per public set; splits that do not leak."""
