"""Judges on Ray: many engines, on this machine or on a cluster.

batches.py   Judge: a class for one's own pipeline of Ray Data
opening.py   what an actor judges with
tables.py    results as a column or a file of Arrow
parts.py     files → parts that actors judge apart
folder.py    where the results go: what is there, and what it belongs to
worker.py    the actor: judges parts, writes a file for each
cluster.py   a cluster of this machine's, or one that runs
spread.py    parts → actors, and what is lost → others

Ray itself is imported where it is used: the extra `ray` brings it.
"""

from stepcheck.ray.batches import Judge

__all__ = ["Judge"]
