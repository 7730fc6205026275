"""Benches: many labelled cases through the checker, kept, measured, and set beside what was published.

metrics.py       ProcessBench: error and correct accuracy, F1, thresholds
statistics.py    intervals, paired tests, calibration
selection.py     Best-of-N: which candidate is chosen, and how often it is right
published.py     the tables of the papers, as data
cases.py         a case of a bench, and the rows it becomes
processbench.py  files → ProcessBench cases
bestofn.py       files → problems with candidates, graded
runs/            runs on disk: one folder, one SQLite file
runner.py        cases → checker → run
results.py       a run's rows → figures
"""
