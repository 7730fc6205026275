"""What a reward model is: its card, its prompt, how rows become rewards, what rewards mean. No llama.cpp here."""
