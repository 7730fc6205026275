"""`stepcheck models fidelity`: what a weight type costs, measured on this machine against the same model in 16 bits."""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stepcheck.cli import groups, options
from stepcheck.cli.complete import models as complete
from stepcheck.cli.output import json_text, opened, say
from stepcheck.errors import InputError, ModelError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepcheck.bench.fidelity import Fidelity
    from stepcheck.document import Document
    from stepcheck.hub.disk.store import Model
    from stepcheck.hub.gguf.quantize import WeightType
    from stepcheck.judge import Judged

EXACT = ("bf16", "f16", "f32")


def fidelity(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A model, or its card's name.", autocompletion=complete)],
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE…]", help="Documents, as `score` reads them.")
    ] = None,
    *,
    types: Annotated[str, typer.Option(metavar="TYPE,…", help="The types to compare.")] = "q8_0,q4_k_m",
    models_dir: groups.ModelsDir = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Compare a model's rewards in fewer bits with those in 16, on documents or on a small set of our own.

    Its 16-bit form must be here. A type that is not is made of it for the occasion. Says how many steps get the other
    verdict, how far rewards are apart, and how many first errors are elsewhere.
    """
    from stepcheck.hub.disk.store import user_dir

    folder = groups.settle({"models_dir": models_dir}).models_dir or user_dir()
    wanted = _types(types)
    exact = _exact(name, folder)
    documents = _documents(files)
    tell = (lambda _words: None) if quiet else say
    tell(f"{exact.card.name}: judging {len(documents)} documents")
    ours = _judged(exact.card_path, documents)
    found = []
    for kind in wanted:
        tell(f"{kind}: judging the same")
        with _in_type(exact, kind, folder) as path:
            found.append(_compared(ours, _judged(path, documents), kind.value))
    with opened(None) as sink:
        rows = [asdict(each) for each in found]
        told = {"model": exact.card.name, "types": rows}
        sink.write(json_text(told) if as_json else table(exact.card.name, found))


def _compared(exact: "Sequence[Judged | None]", other: "Sequence[Judged | None]", kind: str) -> "Fidelity":
    from stepcheck.bench.fidelity import compare

    return compare(exact, other, kind)


def _types(text: str) -> "list[WeightType]":
    from stepcheck.hub.gguf.quantize import WeightType

    known = [kind.value for kind in WeightType]
    wanted = [word.strip().lower() for word in text.split(",") if word.strip()]
    for word in wanted:
        if word not in known:
            raise UsageError(f"--types: no weight type is named '{word}'; known are {', '.join(known)}")
    if not wanted:
        raise UsageError("--types: name a weight type, e.g. q4_k_m")
    return [WeightType(word) for word in wanted]


def _exact(name: str, folder: Path) -> "Model":
    """Find the model in 16 bits: the one that is named, or that of the card which is.

    Raises:
        ModelError: it is not here.
    """
    from stepcheck.hub.disk.store import find, find_card, variants

    listed = find_card(name, folder)
    card = listed.card
    if card is not None and card.files is not None and card.weight_type in EXACT:
        return find(name, folder)
    source = (card.base or card.name) if card is not None else name
    here = [entry for entry in variants(source, folder) if entry.card and entry.card.weight_type in EXACT]
    if not here:
        raise ModelError(
            f"{source}: is not here in 16 bits, which all others are compared with. Get it with:"
            f" stepcheck models pull {source}:bf16"
        )
    return find(str(here[0].path), folder)


def _documents(files: list[str] | None) -> "list[Document]":
    """Read the documents, or take our own.

    Raises:
        InputError: one of them cannot be read: a comparison over fewer than were given says less than it seems to.
    """
    from stepcheck.bench import sample
    from stepcheck.document import Unread
    from stepcheck.document.reading import read

    if not files:
        return sample.documents()
    documents = []
    for item in (each for file in files for each in read(file)):
        if isinstance(item, Unread):
            raise item.error
        documents.append(item)
    if not documents:
        raise InputError(f"{', '.join(files)}: there is no document")
    return documents


def _judged(path: Path, documents: "list[Document]") -> "list[Judged | None]":
    """Judge with a model that fits, or whose weights can be streamed from the disk where nothing but they is too large.

    Raises:
        OutOfMemoryError: not even the rest fits; says the numbers.
    """
    from stepcheck.bench.fidelity import judge_all
    from stepcheck.checker import open_checker
    from stepcheck.errors import OutOfMemoryError
    from stepcheck.hub.disk.store import find
    from stepcheck.machine.machine import memory_available, memory_needed

    try:
        checker = open_checker(path)
    except OutOfMemoryError as error:
        card = find(str(path)).card
        if card.weight_type not in EXACT or memory_needed(0, card) > memory_available():
            raise
        say(f"{error}. Its weights are streamed from the disk instead, which is slow")
        checker = open_checker(path, force=True)
    with checker:
        return judge_all(checker, documents)


class _in_type:  # noqa: N801 (read as a phrase: with _in_type(…))
    """A model in another type: the one that is here, or one that is made for the occasion and gone afterwards."""

    def __init__(self, exact: "Model", kind: "WeightType", folder: Path) -> None:
        self._exact, self._kind, self._folder = exact, kind, folder
        self._place: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Path:
        from stepcheck.hub.disk.store import variants
        from stepcheck.hub.gguf.requantize import requantize
        from stepcheck.hub.library import import_model

        card = self._exact.card
        for entry in variants(card.base, self._folder) if card.base else []:
            if entry.card and entry.card.weight_type == self._kind.value:
                return entry.path
        _check_disk(self._exact.backbone.stat().st_size, self._folder, self._kind)
        self._place = tempfile.TemporaryDirectory(prefix=".fidelity-", dir=self._folder)
        place = Path(self._place.name)
        backbone = place / "made.gguf"
        requantize(self._exact.backbone, backbone, self._kind)
        head = self._exact.weights["head"].path
        return import_model(backbone, head, card, place / "model", name=f"model-{self._kind.value}")

    def __exit__(self, *_: object) -> None:
        if self._place is not None:
            self._place.cleanup()


def _check_disk(size: int, folder: Path, kind: "WeightType") -> None:
    """Refuse what would fill the disk.

    Raises:
        ModelError: with what it takes and what there is.
    """
    from stepcheck.hub.pull.offer import BITS, free_bytes

    needed, free = size * BITS[kind] // 160, free_bytes(folder)
    if needed > free:
        raise ModelError(
            f"{folder}: {kind} takes about {needed / 1e9:.1f} GB for a while, {free / 1e9:.1f} GB are free"
        )


def table(name: str, found: "list[Fidelity]") -> str:
    """Lay the figures out. Pure."""
    head = f"{'type':<8}{'documents':>10}{'steps':>7}{'flipped':>16}{'mean':>9}{'95 %':>9}{'largest':>9}{'moved':>7}"
    rows = [
        f"{each.weight_type:<8}{each.documents:>10}{each.steps:>7}"
        f"{f'{each.flipped} ({100 * each.flipped / each.steps:.1f} %)':>16}"
        f"{each.mean:>9.4f}{each.most:>9.4f}{each.largest:>9.4f}{each.moved:>7}"
        for each in found
    ]
    notes = [f"{each.weight_type}: {each.unjudged} documents could not be judged" for each in found if each.unjudged]
    words = "flipped: steps with the other verdict; mean, 95 %, largest: of a reward's difference; moved: first errors"
    return "\n".join([f"Against {name}:", head, *rows, *notes, words]) + "\n"
