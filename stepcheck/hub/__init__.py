"""Models on disk: found, converted, quantized."""
