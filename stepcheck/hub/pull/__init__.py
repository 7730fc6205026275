"""Pulling: what would be done, the doing of it, and the pins that it is held to."""
