"""Best-of-N: the candidates of one problem side by side."""
