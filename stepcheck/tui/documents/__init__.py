"""Many solutions: the list."""
