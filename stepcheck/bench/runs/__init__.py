"""Runs on disk: one folder per run, with one SQLite file in it.

manifest.py  what a run is: model, data, settings; and in what two of them differ
store.py     the file: reading rows
writing.py   the file: writing rows, so that nothing is lost
lock.py      one writer at a time
folder.py    where runs are, and their names
merging.py   shards → one run
"""
