"""Models on this machine: cards found by name or path, their files, and the check that the files are the right ones.

Owns where models live: built-in cards beside the package, the user's own in a folder of theirs, files always next to
their card. Refuses a card whose file names lead out of its folder, and files whose sha256 is not the card's.
"""

import difflib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath, PureWindowsPath

from stepcheck.errors import CardError, ModelError, ModelNotFoundError, UsageError
from stepcheck.hub.disk import hashes
from stepcheck.hub.disk.lock import Lock, read_lock
from stepcheck.prm.card import ModelCard, Source, read_card
from stepcheck.prm.families import family_of, runs
from stepcheck.prm.weights import Pinned, Role, Weights


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is ready to load."""

    card: ModelCard
    card_path: Path
    weights: Weights

    @property
    def backbone(self) -> Path:
        """The GGUF that llama.cpp loads."""
        return self.weights["backbone"].path


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
        return all((folder / name).is_file() for name in self.card.files.pinned)


def builtin_dir() -> Path:
    """Return the folder of the built-in cards: in the installed package, or beside it in the source tree."""
    package = Path(__file__).parent.parent.parent
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
        if built_in and path.exists():
            state = path.stat()
            yield _built_in(path, (state.st_size, state.st_mtime_ns, state.st_ino))
        else:
            yield _listed(path, built_in=built_in)


@lru_cache(maxsize=256)
def _built_in(path: Path, _state: tuple[int, int, int]) -> Listed:
    """A card that came with the package is read once, for they are looked through again and again."""
    return _listed(path, built_in=True)


def _listed(path: Path, *, built_in: bool) -> Listed:
    try:
        return Listed(path, built_in, card=read_card(path))
    except CardError as error:
        return Listed(path, built_in, error=error)


def shipped(card: ModelCard) -> dict[Role, Path]:
    """Return the files that are shipped beside a built-in card, by role; none of a card from elsewhere.

    Raises:
        ModelError: one is not there, or is not the one that the card names.
    """
    origin, found = card.origin, dict[Role, Path]()
    sources: dict[Role, Source | None] = {"head": origin.head, "adapter": origin.adapter} if origin else {}
    named = {role: source for role, source in sources.items() if source and not source.repository}
    if not named:
        return found
    place = next((each.path.parent for each in _cards(builtin_dir(), built_in=True) if each.card == card), None)
    if place is None:
        raise ModelError(f"{card.name}: 'origin' names files without a repository, which only built-in cards have")
    for role, source in named.items():
        path = found[role] = place / source.file
        actual = hashes.sha256(path)
        if actual != source.sha256:
            raise ModelError(f"{path}: was changed: sha256 expected {source.sha256}, actual {actual}: reinstall it")
    return found


def find(name: str, models_dir: Path | None = None) -> Model:
    """Find a model by its card's name, `NAME:TYPE`, or by the path of a card or of a folder with one card.

    The name of a card without files finds the model that was made with it, if there is just one.

    Raises:
        ModelNotFoundError: there is none; the message names the nearest and says how to get one.
        CardError: the card cannot be read.
        ModelError: its files are missing or lie outside its folder.
    """
    listed = find_card(name, models_dir)
    if listed.card is None:
        raise listed.error or CardError(f"{listed.path}: cannot be read")
    if listed.card.files is None:
        listed = _only_variant(listed.card, models_dir)
    return _open(listed.path, listed.card or read_card(listed.path))


def variants(name: str, models_dir: Path | None = None) -> list[Listed]:
    """Return the models with files that were made with the card `name`."""
    return [entry for entry in list_models(models_dir) if entry.ready and entry.card and entry.card.base == name]


def _only_variant(card: ModelCard, models_dir: Path | None) -> Listed:
    """A card without files stands for the one model that was made with it."""
    made = variants(card.name, models_dir)
    if len(made) > 1:
        raise ModelError(f"{card.name}: is here in several types; choose one: {', '.join(e.name for e in made)}")
    if not made and not runs(card):
        raise ModelError(
            f"{card.name}: this version cannot run a model that is read by '{card.readout.kind}'; its card is here for"
            " its published figures"
        )
    if not made:
        origin = f" ({card.origin.repository})" if card.origin else ""
        how = "pull" if card.origin else "convert DIR --to q4_k_m --card"
        raise ModelNotFoundError(
            f"{card.name}: its weights{origin} are not on this machine."
            f" Get them with: stepcheck models {how} {card.name}"
        )
    return made[0]


def find_card(name: str, models_dir: Path | None = None) -> Listed:
    """Find a card as `find` does, whether or not its files are there; one with files goes before one without.

    Raises:
        ModelNotFoundError: there is none.
    """
    if not name.strip():
        raise UsageError("the name of a model is empty; see: stepcheck models list")
    path = Path(name)
    if "/" in name or os.sep in name or path.suffix == ".toml":
        return _at(path)
    listed = list_models(models_dir)
    card_name, colon, weight_type = name.partition(":")
    wanted = f"{card_name}-{weight_type.lower()}" if colon else name
    named = [entry for entry in listed if entry.name == wanted]
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
    """Say how to get a model that is known and not here, else what is nearest."""
    for entry in listed:
        kind = name.removeprefix(entry.name).lstrip(":-").lower() if name.startswith(entry.name) else ""
        if entry.card and kind in entry.card.memory and runs(entry.card):
            return f"{name}: is not on this machine. Get it with: stepcheck models pull {entry.name}:{kind}"
    names = sorted({entry.name for entry in listed})
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"Known: {', '.join(names) or 'none'}."
    return f"no model is named '{name}'; {hint} See: stepcheck models list"


def _open(path: Path, card: ModelCard) -> Model:
    if card.files is None:
        raise ModelError(f"{path}: the card names no files")
    lock, files = read_lock(path.parent), card.files
    backbone = Pinned(_inside(path, "files.backbone", files.backbone, lock), files.backbone_sha256)
    beside = Pinned(_inside(path, "files.head", files.head, lock), files.head_sha256)
    parts: dict[Role, Pinned] = {"backbone": backbone, family_of(card.readout).beside: beside}
    if files.adapter:
        parts["adapter"] = Pinned(_inside(path, "files.adapter", files.adapter, lock), files.adapter_sha256)
    return Model(card, path, Weights(parts))


def _inside(card_path: Path, key: str, name: str, lock: Lock) -> Path:
    """Resolve a card's file name, which must stay in the card's folder, links included but those that `import` made."""
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
    imported = {link for kept in lock.models.values() for file, link in kept.links.items() if file == name}
    if not path.is_relative_to(folder) and str(path) not in imported:
        raise CardError(f"{card_path}: key '{key}': {name!r} is a link that leads out of the card's folder")
    if not path.is_file():
        raise ModelError(f"{path}: is not there, though {card_path.name} names it; pull or convert the model again")
    return path


@dataclass(frozen=True, slots=True)
class Damage:
    """A file that is not the one that was pinned; `link` is where it lies in the models folder."""

    file: Path
    link: Path
    expected: str
    actual: str
    by: str
    """Who names the expected hash: the card or the lock file."""


def verify(model: Model, *, remember: Path | None = None) -> None:
    """Check that all files are those that the card names, and the lock file beside it.

    Large files that did not change since they were last hashed are taken as they are; `remember` is the file that keeps
    their hashes (by default in the user's cache).

    Raises:
        ModelError: a file's sha256 is another; the message names file, expected and actual hash.
    """
    for damage in damages(model, remember=remember):
        raise ModelError(
            f"{damage.file}: is not the file that {damage.by} names: sha256 expected {damage.expected},"
            f" actual {damage.actual}; it was changed or damaged: pull or convert it again"
        )


def damages(model: Model, *, remember: Path | None = None, anew: bool = False) -> Iterator[Damage]:
    """Yield every file of a model that is not the pinned one; `anew` reads all of them, changed or not.

    Raises:
        ModelError: a file cannot be read, or the card names none.
    """
    files, folder = model.card.files, model.card_path.parent
    if files is None:
        raise ModelError(f"{model.card_path}: the card names no files")
    lock = read_lock(folder)
    kept = lock.models.get(model.card.name)
    for part, name in zip(model.weights.parts.values(), files.pinned, strict=True):
        pinned = kept.files.get(name) if kept else None
        actual = hashes.sha256(part.path, remember=remember, anew=anew)
        for expected, by in ((part.sha256, model.card_path.name), (pinned, "the lock file")):
            if expected not in {None, actual}:
                yield Damage(part.path, folder / name, str(expected), actual, by)
                break
