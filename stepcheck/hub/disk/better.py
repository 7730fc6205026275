"""What to say to somebody who judges with the demonstration: that there is a better judge, and how to have it.

Owns which model that is. Says nothing where another model judges; looks at the models folder only, never at the hub.
"""

from functools import lru_cache
from pathlib import Path
from typing import Final

from stepcheck.errors import ModelError
from stepcheck.hub.disk.store import find, user_dir

DEMONSTRATION: Final = "nano"
BETTER: Final = "stepcheck-0.5B"


def better_judge(name: str, models_dir: Path | None) -> str:
    """Return how to have a better judge than the model `name`: by a pull, or as it is here; empty if it is another."""
    if name != DEMONSTRATION:
        return ""
    folder = models_dir or user_dir()
    try:
        changed = folder.stat().st_mtime_ns
    except OSError:
        changed = 0
    return f"--model {BETTER}" if _is_here(folder, changed) else f"stepcheck models pull {BETTER}"


@lru_cache(maxsize=4)
def _is_here(folder: Path, _changed: int) -> bool:
    """Look once for every state of the folder: the app asks whenever it draws its note."""
    try:
        find(BETTER, folder)
    except ModelError:
        return False
    return True
