"""One solution: its steps, its verdict, and what a person does with them."""
