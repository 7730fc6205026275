"""The only door to the network: a repository's list, its files by name and range, and who watches a download."""
