"""What this machine can do: memory, processor, speed, and advice about them. Owns no models."""
