"""The figures of the papers, read from published.toml, which is data and says where each comes from."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

TABLES = Path(__file__).with_name("published.toml")


class Counts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Cases of a subset with a wrong step, without, and with one though the answer is right."""

    error: int
    correct: int
    right_answer: int

    @property
    def cases(self) -> int:
        """The cases of a subset, wrong and right ones together."""
        return self.error + self.correct


class ProcessBenchRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model's figures in per cent, in the order of the table's subsets; empty where only the average is reported."""

    model: str
    average: float
    f1: tuple[float, ...] = ()
    error_acc: tuple[float, ...] = ()
    correct_acc: tuple[float, ...] = ()
    kind: Literal["prm", "critic"] = "prm"
    source: str = ""
    """Where it comes from, where that is not the table's source; what is disputed is said there too."""

    @property
    def greedy(self) -> bool:
        """Whether it is that of a critic's single greedy critique, of interest beside critics only."""
        return self.kind == "critic" and self.model.endswith("(greedy)")


class ProcessBenchTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """ProcessBench's table as the papers print it."""

    source: str
    note: str
    subsets: tuple[str, ...]
    counts: dict[str, Counts]
    rows: tuple[ProcessBenchRow, ...]


class BestOfNRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Per cent right of a way to choose, in the order of the table's tasks; empty where only the average is known."""

    model: str
    average: float
    accuracy: tuple[float, ...] = ()


class BestOfNTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Best-of-N's table as the paper prints it."""

    source: str
    note: str
    n: int
    tasks: tuple[str, ...]
    rows: tuple[BestOfNRow, ...]


class Tables(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything in the file."""

    processbench: ProcessBenchTable
    bestofn: BestOfNTable


@cache
def tables() -> Tables:
    """Read the published tables."""
    return msgspec.convert(tomllib.loads(TABLES.read_text(encoding="utf-8")), Tables, strict=False)


def same_model(name: str, published: str) -> bool:
    """Tell whether a model here is one of the table: its name, or that with the type of its weights behind it.

    A published row may say how a critic was drawn, `(greedy)` or `(maj@8)`; then ours must have been drawn so, and ours
    is greedy where it says nothing.
    """
    (ours, drawn), (theirs, wanted) = _parted(name), _parted(published)
    return (ours == theirs or ours.startswith(f"{theirs}-")) and wanted in ("", drawn or "greedy")


def _parted(name: str) -> tuple[str, str]:
    """Part a model's name, without its owner's, from how it was drawn."""
    model, drawn = re.fullmatch(r"(.*?)(?: \((greedy|maj@\d+)\))?", name.lower(), re.DOTALL).groups()  # type: ignore[union-attr]  # (matches any text)
    return model.rsplit("/", 1)[-1], drawn or ""
