"""The terminal app: the steps of a solution, judged while you read and write.

app.py        the app: which screen, which theme, what happens at the end
desk.py       what screens may ask of it
judging/      the open documents and what is known of them; the thread that judges; what is seen of one, as a value
files/        reading, saving, exporting
parts/        what screens share: rows with a cursor, the top line, questions, the keys
documents/    many solutions: the list
candidates/   Best-of-N: the candidates of one problem side by side
models/       the models on this machine, and fetching more
solution/     one solution; edit/ changes its steps, critique/ asks a critic about them
runs/         an app of its own: the cases of a kept run
job.py        background work: its thread, its edge, its identity
commands.py   what the command palette finds
colours.py    themes, and the last boundary for text and colour
sizes.py      at which sizes of the terminal the layout changes
keys.py       the keys that every screen knows, and how they are remapped
terminal.py   whether there is a terminal, and standard input beside it

Imports go down: app, commands, the screens, files, parts, desk, judging. What is shown is a function of a `View`. A
message stands beside the thread that says it; whoever started the thread hears it, in the app's own, and publishes what
has changed; screens subscribe.
"""
