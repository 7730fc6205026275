"""Benches: many labelled cases through the checker, kept, measured, and set beside what was published.

metrics.py       ProcessBench: error and correct accuracy, F1, thresholds
statistics.py    intervals, paired tests, calibration
estimators.py    Best-of-N: which candidate is chosen, and how often it is right
best.py          a Best-of-N run's rows → figures
problems.py      a Best-of-N run's rows → problems with their candidates
published.py     the tables of the papers, as data
cases.py         a case of a bench, and the rows it becomes
processbench.py  files → ProcessBench cases
bestofn.py       files → problems with candidates, graded
runs/            runs on disk: one folder, one SQLite file
runner.py        cases → judge → run
tally.py         figures while a run goes on
results.py       a ProcessBench run's rows → figures
comparing.py     two runs, paired
evidence.py      what the evidence adds to a run's verdicts
oracle.py        a model's rewards against those that its authors tell
fidelity.py      what fewer bits cost
"""
