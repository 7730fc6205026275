"""What screens share: rows with a cursor, the top line, questions, the keys."""
