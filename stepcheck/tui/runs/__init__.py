"""`stepcheck runs view`: a run's cases, filtered by how they ended, and each with its steps, label and prediction.

browsing.py  what is listed: a value, and pure functions of it
app.py       the app
rows.py      the list of cases
listing.py   the screen with all cases
case.py      the screen with one case
about.py     what is said of a case
"""

from stepcheck.tui.runs.app import RunBrowser

__all__ = ["RunBrowser"]
