"""Names for the shell's completion. Never raises: a broken card or setting must not break a person's prompt."""

import contextlib


def models(incomplete: str) -> list[str]:
    """Return the names of cards that begin so."""
    with contextlib.suppress(Exception):
        from stepcheck import config
        from stepcheck.hub.disk.store import list_models

        names = {entry.name for entry in list_models(config.load().models_dir)}
        return sorted(name for name in names if name.lower().startswith(incomplete.lower()))
    return []
