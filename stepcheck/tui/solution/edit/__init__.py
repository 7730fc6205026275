"""Changing steps."""
