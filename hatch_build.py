"""Put the models into the wheel: every card of `models/` and the files that lie beside it, not their training."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ModelFiles(BuildHookInterface):  # type: ignore[type-arg]
    """Maps `models/` to `stepcheck/models/` of the wheel; an editable installation reads the tree itself."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files to hatchling, which fails if one is missing."""
        if version == "editable":
            return
        root = Path(self.root)
        for path in _shipped(root / "models"):
            build_data["force_include"][str(path)] = f"stepcheck/{path.relative_to(root).as_posix()}"


def _shipped(models: Path) -> Iterator[Path]:
    for card in sorted(models.glob("**/*.toml")):
        yield card
        data = tomllib.loads(card.read_text(encoding="utf-8"))
        files, origin = data.get("files", {}), data.get("origin", {})
        yield from (card.parent / files[key] for key in ("backbone", "head", "adapter") if key in files)
        beside = (origin[key] for key in ("head", "adapter") if key in origin)
        yield from (card.parent / source["file"] for source in beside if not source.get("repository"))
