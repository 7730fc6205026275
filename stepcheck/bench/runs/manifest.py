"""What a run is: which model, on which data, with which settings, by what, where and when.

Owns the comparison that a resumed run must pass: everything that could change a reward, a grade or the choice of cases
must be what it was. The machine and the time may differ, and are kept for every session.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from stepcheck.bench.data import Selection, Subset
from stepcheck.errors import RunChangedError
from stepcheck.judge import Identity

FORMAT = 1
Kind = Literal["processbench", "bestofn"]


class DataPart(msgspec.Struct, frozen=True):
    """A subset: its name, where it was read from, the sha256 of that file, its problems, and the cases to be done."""

    name: str
    file: str
    sha256: str
    problems: int
    cases: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything but the rows. `card` is the model's card as it was, with the hashes of its files.

    `judge` is what no card says of who judged: name, address, votes, sampling. `threshold` is None where a judge named
    the steps itself.
    """

    format: int = FORMAT
    bench: Kind
    name: str
    card: dict[str, Any] = {}
    judge: dict[str, Any] = {}
    threshold: float | None
    tuned_on: str | None = None
    data: tuple[DataPart, ...]
    selection: Selection = Selection()
    settings: dict[str, Any] = {}
    versions: dict[str, str] = {}
    machine: dict[str, Any] = {}
    command: tuple[str, ...] = ()
    created: str = ""

    @property
    def model(self) -> str:
        """The name of the model that judges in this run."""
        return str(self.judge.get("name") or self.card.get("name", ""))

    @property
    def cases(self) -> int:
        """How many rows the finished run has."""
        return sum(part.cases for part in self.data)

    @property
    def notice(self) -> str:
        """What must be said with every result of this model."""
        return str(self.judge.get("notice") or self.card.get("notice", ""))


BINDING: Final[Mapping[Kind, tuple[str, ...]]] = {
    "processbench": ("stepcheck", "llama-cpp-python"),
    "bestofn": ("stepcheck", "llama-cpp-python", "math-verify"),
}
"""Versions that can change a reward, or in Best-of-N a grade; the others are only noted."""


def to_parts(subsets: list[Subset]) -> tuple[DataPart, ...]:
    """Describe the data of a run: each subset's file, hash and choice of cases."""
    return tuple(
        DataPart(subset.name, _utf8(str(subset.path)), subset.sha256, len(subset.entries), subset.cases)
        for subset in subsets
    )


def identity(manifest: Manifest) -> dict[str, Any]:
    """Return all that must stay the same, by path, e.g. `card.files.backbone_sha256`."""
    parts = {part.name: {"sha256": part.sha256} for part in manifest.data}
    versions = {name: manifest.versions.get(name) for name in BINDING[manifest.bench]}
    whole = {
        "bench": manifest.bench,
        "card": manifest.card,
        "judge": manifest.judge,
        "threshold": manifest.threshold,
        "tuned_on": manifest.tuned_on,
        "data": parts,
        "selection": msgspec.to_builtins(manifest.selection),
        "settings": manifest.settings,
        "versions": versions,
    }
    return dict(_flat(whole, ""))


def describe_judge(identity: Identity) -> tuple[dict[str, Any], dict[str, Any]]:
    """Lay out who judges: the card, and what no card says."""
    usual: dict[str, Any] = {"notice": "", "hashes": {}, "adapter": "", "votes": None, "sampling": None}
    usual |= {"address": "", "server": ""}
    if identity.card is None:
        usual |= {"name": None, "sha256": ""}
    said = {name: getattr(identity, name) for name in usual}
    if identity.card is not None:
        del said["notice"]  # the card's, and what this machine adds to it
    more = {name: msgspec.to_builtins(value) for name, value in said.items() if value != usual[name]}
    return (msgspec.to_builtins(identity.card) if identity.card else {}), more


def without_make_up(manifest: Manifest) -> Manifest:
    """Take a critic for one: version 0.1.0 dressed it up with a card, a threshold and rewards of 1 and 0."""
    if dict(manifest.card.get("readout") or {}).get("kind") != "critic" or manifest.judge:
        return manifest
    judge = {"name": manifest.card["name"], "asked": manifest.card.get("title", "")}
    return msgspec.structs.replace(manifest, card={}, judge=judge, threshold=None)


def differences(old: Manifest, new: Manifest) -> list[str]:
    """Say in what two runs differ, one phrase each: what, as it was, as it is.

    A version that one of them does not know cannot be told to be another.
    """
    was, now = identity(old), identity(new)
    untold = {path for path in (*was, *now) if path.startswith("versions.") and None in (was.get(path), now.get(path))}
    return [
        f"{path} was {_short(was.get(path))}, is {_short(now.get(path))}"
        for path in dict.fromkeys((*was, *now))
        if was.get(path) != now.get(path) and path not in untold
    ]


def check_same(old: Manifest, new: Manifest) -> None:
    """Refuse to go on with another model, other data or other settings.

    Raises:
        RunChangedError: names every difference.
    """
    found = differences(old, new)
    if found:
        raise RunChangedError(
            f"run {old.name!r} was begun otherwise: {'; '.join(found)}. Nothing was changed: repeat the command as it "
            "was, or begin another run with --run NAME"
        )


def fingerprint(manifest: Manifest) -> str:
    """Return eight hexadecimal digits of what must stay the same: they tell runs apart that nobody named."""
    return hashlib.sha256(msgspec.json.encode(identity(manifest), order="sorted")).hexdigest()[:8]


def _flat(value: Any, path: str) -> list[tuple[str, Any]]:  # noqa: ANN401 (any JSON)
    if isinstance(value, dict) and value:
        return [pair for key, inner in value.items() for pair in _flat(inner, f"{path}.{key}" if path else str(key))]
    return [(path, list(value) if isinstance(value, tuple) else value)]


def _short(value: Any) -> str:  # noqa: ANN401 (any JSON)
    """Word a value in a sentence; long texts and hashes by their beginning."""
    words = "not there" if value is None else repr(value)
    return words if len(words) <= 80 else f"{words[:60]}…"  # noqa: PLR2004 (a line)


def _utf8(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
