"""Judges elsewhere: stepcheck's own server, or vLLM's `/pooling`, behind the same seam as a model on this machine."""
