"""Models on this machine: cards found by name or path, their files, and the check that the files are the right ones.

Owns where models live: built-in cards beside the package, the user's own in a folder of theirs, files always next to
their card. Refuses a card whose file names lead out of its folder, and files whose sha256 is not the card's.
"""

import difflib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final

from stepcheck.errors import CardError, ModelError, ModelNotFoundError
from stepcheck.prm.card import ModelCard, read_card

REMEMBERED: Final = 1 << 26
"""Files of at least 64 MB are hashed again only when size, times or inode changed; smaller ones every time."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is ready to load."""

    card: ModelCard
    card_path: Path
    backbone: Path
    head: Path


@dataclass(frozen=True, slots=True)
class Listed:
    """A card that was found: readable or not, with files or without."""

    path: Path
    built_in: bool
    card: ModelCard | None = None
    error: CardError | None = None

    @property
    def name(self) -> str:
        """What `find` knows it by."""
        return self.card.name if self.card else self.path.stem

    @property
    def ready(self) -> bool:
        """Whether its files are there; says nothing about their content."""
        if self.card is None or self.card.files is None:
            return False
        folder = self.path.parent
        return (folder / self.card.files.backbone).is_file() and (folder / self.card.files.head).is_file()


def builtin_dir() -> Path:
    """Return the folder of the built-in cards: in the installed package, or beside it in the source tree."""
    package = Path(__file__).parent.parent
    inside = package / "models"
    return inside if inside.is_dir() else package.parent / "models"


def user_dir() -> Path:
    """Return the folder of the user's own models; it need not exist."""
    from platformdirs import user_data_path

    return user_data_path("stepcheck", appauthor=False) / "models"


def list_models(models_dir: Path | None = None) -> list[Listed]:
    """Return every card, the user's own first: `*.toml` in the folder and one level below it."""
    return [*_cards(models_dir or user_dir(), built_in=False), *_cards(builtin_dir(), built_in=True)]


def _cards(folder: Path, *, built_in: bool) -> Iterator[Listed]:
    """Read the cards of a folder; hidden folders hold conversions under way."""
    for path in sorted([*folder.glob("*.toml"), *folder.glob("[!.]*/*.toml")]):
        yield _listed(path, built_in=built_in)


def _listed(path: Path, *, built_in: bool) -> Listed:
    try:
        return Listed(path, built_in, card=read_card(path))
    except CardError as error:
        return Listed(path, built_in, error=error)


def find(name: str, models_dir: Path | None = None) -> Model:
    """Find a model by its card's name, or by the path of a card or of a folder with one card.

    Raises:
        ModelNotFoundError: there is none; the message names the nearest and says how to get one.
        CardError: the card cannot be read.
        ModelError: its files are missing or lie outside its folder.
    """
    listed = find_card(name, models_dir)
    if listed.card is None:
        raise listed.error or CardError(f"{listed.path}: cannot be read")
    return _open(listed.path, listed.card)


def find_card(name: str, models_dir: Path | None = None) -> Listed:
    """Find a card as `find` does, whether or not its files are there; one with files goes before one without.

    Raises:
        ModelNotFoundError: there is none.
    """
    path = Path(name)
    if "/" in name or os.sep in name or path.suffix == ".toml":
        return _at(path)
    listed = list_models(models_dir)
    named = [entry for entry in listed if entry.name == name]
    if named:
        return next((entry for entry in named if entry.ready), named[0])
    if path.is_dir():
        return _at(path)
    raise ModelNotFoundError(_unknown(name, listed))


def _at(path: Path) -> Listed:
    """Read the card at a path, or the only card of a folder."""
    if path.is_dir():
        cards = sorted(path.glob("*.toml"))
        if len(cards) != 1:
            found = ", ".join(card.name for card in cards) or "none"
            raise ModelNotFoundError(f"{path}: expected one model card (*.toml) in this folder, found {found}")
        path = cards[0]
    if not path.is_file():
        raise ModelNotFoundError(f"{path}: there is no such model card")
    return _listed(path, built_in=False)


def _unknown(name: str, listed: list[Listed]) -> str:
    names = sorted({entry.name for entry in listed})
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"; did you mean '{near[0]}'?" if near else "."
    return f"no model is named '{name}'{hint} Known: {', '.join(names) or 'none'}. See: stepcheck models list"


def _open(path: Path, card: ModelCard) -> Model:
    if card.files is None:
        origin = f" of {card.origin.repository}" if card.origin else ""
        raise ModelNotFoundError(
            f"{card.name}: its weights are not on this machine. Get the checkpoint{origin} as a folder, then:"
            f" stepcheck models convert DIR --card {card.name} --to q4_k_m"
        )
    backbone = _inside(path, "files.backbone", card.files.backbone)
    return Model(card, path, backbone, _inside(path, "files.head", card.files.head))


def _inside(card_path: Path, key: str, name: str) -> Path:
    """Resolve a card's file name, which must stay in the card's folder, links included."""
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    if (
        not name
        or posix.is_absolute()
        or windows.is_absolute()
        or windows.drive
        or ".." in windows.parts
        or "\0" in name
    ):
        raise CardError(f"{card_path}: key '{key}': {name!r} leads out of the card's folder")
    folder = card_path.parent.resolve()
    path = (folder / name).resolve()
    if not path.is_relative_to(folder):
        raise CardError(f"{card_path}: key '{key}': {name!r} is a link that leads out of the card's folder")
    if not path.is_file():
        raise ModelError(f"{path}: is not there, though {card_path.name} names it; convert the checkpoint again")
    return path


def verify(model: Model, *, remember: Path | None = None) -> None:
    """Check that both files are those that the card names.

    Large files that did not change since they were last hashed are taken as they are; `remember` is the file that keeps
    their hashes (by default in the user's cache).

    Raises:
        ModelError: a file's sha256 is another; the message names file, expected and actual hash.
    """
    files = model.card.files
    if files is None:
        raise ModelError(f"{model.card_path}: the card names no files")
    for path, expected in ((model.backbone, files.backbone_sha256), (model.head, files.head_sha256)):
        actual = _sha256(path, remember)
        if actual != expected:
            raise ModelError(
                f"{path}: is not the file that {model.card_path.name} names: sha256 expected {expected},"
                f" actual {actual}; it was changed or damaged: convert it again"
            )


def sha256_of(path: Path) -> str:
    """Return a file's sha256; a large one that did not change is not hashed again."""
    return _sha256(path, None)


def _sha256(path: Path, remember: Path | None) -> str:
    try:
        state = path.stat()
        if state.st_size < REMEMBERED:
            return _hash(path)
        stamp = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
        memory = remember or _memory()
        known = _recall(memory)
        entry = known.get(str(path))
        if isinstance(entry, dict) and entry.get("stamp") == stamp and isinstance(entry.get("sha256"), str):
            return str(entry["sha256"])
        actual = _hash(path)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    _keep(memory, known | {str(path): {"stamp": stamp, "sha256": actual}})
    return actual


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _memory() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("stepcheck", appauthor=False) / "hashes.json"


def _recall(memory: Path) -> dict[str, object]:
    """Read what was hashed before; a file that is missing or damaged costs only the time to hash again."""
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}


def _keep(memory: Path, known: dict[str, object]) -> None:
    """Write it back whole; where that is not possible, nothing is remembered."""
    part = None
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=memory.parent, prefix=".hashes-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(known, file)
        Path(part).replace(memory)
    except OSError:
        if part is not None:
            Path(part).unlink(missing_ok=True)
