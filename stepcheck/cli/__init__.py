"""The command line: one file per command group, one sink for output, one boundary for errors."""
