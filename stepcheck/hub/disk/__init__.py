"""Models on this machine: found, named, hashed, locked. Knows no checkpoint and asks no network."""
