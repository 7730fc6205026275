"""The models on this machine, and fetching more."""
