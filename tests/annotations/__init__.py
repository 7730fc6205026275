"""What a type checker says of the public API: checked with everything else, and run by `tests/test_api.py`."""
