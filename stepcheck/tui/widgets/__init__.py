"""Widgets: one a file. Each shows a value that it is given, and says by a message what a person did."""
