"""Models on disk. Imports go down its rooms only: pull, library, convert, gguf, checkpoint, disk, net."""
