"""`stepcheck runs view`: a run's cases, filtered by how they ended, and each with its steps, label and prediction.

browsing.py  what is listed: a value, and pure functions of it
app.py       the app
listing.py   the screen with all cases
case.py      the screen with one case
steps.py     the widget that shows a case's steps
"""

from stepcheck.tui.runs.app import RunBrowser

__all__ = ["RunBrowser"]
