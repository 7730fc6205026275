"""The terminal app: the steps of a solution, judged while you read and write.

app.py        the app: which screen, which theme, what happens at the end
dialogs.py    what the app asks: saving, exporting, leaving; downloads.py: fetching a model
session.py    what all screens share: documents, results, threshold, the scorer
job.py        background work: its thread, its edge, its identity
scoring.py    the thread that runs the checker; it posts messages and touches no widget
reading.py    the threads that read and watch files
messages.py   what threads say
sight.py      what is seen of one solution: a value, and pure functions of it
editing.py    a change of steps → a new document; undo and redo
groups.py     documents that answer one problem; answers.py is the seam for their final answers
shelf.py      the seam to the models on this machine; pulling.py the one to downloads
commands.py   what the command palette finds
export.py     what is seen → a file
colours.py    themes, and the last boundary for text and colour
keys.py       the keys that every screen knows, and how they are remapped
terminal.py   whether there is a terminal, and standard input beside it
screens/      one screen a file
widgets/      one widget a file
runs/         an app of its own: the cases of a kept run

What is shown is a function of a `Sight`; workers post messages, only handlers touch widgets.
"""
