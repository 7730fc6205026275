"""Thin clients of frameworks that train and evaluate. None imports its framework; each says which of its forms it fits.

rewards.py    pairs of a problem and a completion → a number each, or the reason why there is none
trl.py        TRL: a reward function
openrlhf.py   OpenRLHF: a reward function in a file, and its remote reward model over HTTP
verl.py       verl: `compute_score`, for one and for a batch
inspect.py    inspect: a scorer; `stepcheck runs export --format inspect` is for its `precomputed_scores`
"""
