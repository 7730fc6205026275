"""Reward functions and scorers for frameworks that train and evaluate; none is imported before it is used."""
