"""Reading, watching, saving and exporting."""
