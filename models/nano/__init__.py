"""The built-in model: how its data is written, how it is trained and measured. Nothing here is needed to use it."""
