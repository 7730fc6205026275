"""What llama.cpp reads: writing a backbone in any weight type, and reading a file's header with bounds."""
