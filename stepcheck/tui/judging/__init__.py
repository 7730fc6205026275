"""What is judged: the open documents, what is known of them, and the thread that judges."""
