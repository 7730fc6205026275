"""Prompts in, rows of hidden state out. Knows no maths, no Markdown and no thresholds."""
