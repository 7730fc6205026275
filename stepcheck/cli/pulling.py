"""`stepcheck models pull`: asks before the first byte, shows how far it is, goes on where it stopped."""

import re
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stepcheck.cli import groups, options
from stepcheck.cli.complete import models as complete
from stepcheck.cli.output import json_text, opened, say
from stepcheck.errors import ModelError, OutOfMemoryError, UsageError
from stepcheck.patterns import regex
from stepcheck.report.clean import clean_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from stepcheck.config import Config
    from stepcheck.hub.gguf.quantize import WeightType
    from stepcheck.hub.net.remote import Hub
    from stepcheck.hub.net.watch import Watch
    from stepcheck.hub.pull.offer import Offer
    from stepcheck.prm.card import ModelCard


REPOSITORY = regex(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(:\w+)?", re.ASCII)
PATIENCE_S = 0.4
"""Seconds for the hub to take a connection before a dry run says what the card knows."""


def pull(  # noqa: PLR0913 (every option of a command is an argument of its function)
    model: Annotated[
        str,
        typer.Argument(
            metavar="NAME[:TYPE]",
            help="A card's name, and the weights' type, e.g. :q4_k_m; or OWNER/REPOSITORY of an exported model.",
            autocompletion=complete,
        ),
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The new model's name.", show_default="the card's and the type")
    ] = None,
    card: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="Another card than the one of this name.")
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Take the newest commit instead of the pinned one, and pin that.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Pull although it is there, or the disk seems full.")] = False,
    offline: groups.Offline = None,
    models_dir: groups.ModelsDir = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Download a model, converted and quantized as it arrives, and verified.

    Says first what will be downloaded, from where, under which licence, and what it needs. A pull that was stopped goes
    on where it was. Prints the path of the new card.
    """
    settings = groups.settle({"models_dir": models_dir, "offline": offline})
    how = _How(settings, yes=yes, dry_run=dry_run, update=update, force=force, quiet=quiet)
    shared = card is None and is_repository(model)
    made, oracle = how.pull_shared(model, name) if shared else how.pull_named(model, card, name)
    if made is None or dry_run:
        return
    with opened(None) as sink:
        sink.write(json_text({"name": made.stem, "card": str(made)}) if as_json else f"{made}\n")
    if oracle:
        _consult(made, quiet=quiet)


def is_repository(model: str) -> bool:
    """Tell whether `OWNER/REPOSITORY[:TYPE]` is meant, and no path of a card."""
    return bool(REPOSITORY.fullmatch(model)) and not Path(model).exists() and not model.endswith(".toml")


@dataclass(frozen=True, slots=True)
class _How:
    """The options, and the two ways of a pull; each returns the card, and whether its oracle is to be asked."""

    settings: "Config"
    yes: bool
    dry_run: bool
    update: bool
    force: bool
    quiet: bool

    @property
    def folder(self) -> Path:
        """Where models are kept."""
        from stepcheck.hub.disk.store import user_dir

        return self.settings.models_dir or user_dir()

    def pull_named(self, model: str, card: str | None, name: str | None) -> tuple[Path | None, bool]:
        """Pull what a card names, unless it is here."""
        asked = _Asked(offline=self.settings.offline) if self.dry_run else None
        if asked is not None:
            asked.start()  # beside the imports, which take as long
        from stepcheck.hub.disk.naming import default_name
        from stepcheck.hub.pull.pull import already_here

        source, weight_type = choose(model, card, self.settings.models_dir)
        made = already_here(self.folder, name or default_name(source.name, weight_type.value), source)
        if made is not None and not (self.force or self.update):
            _tell(self.quiet, f"it is here already, and right; use it with: --model {made.stem}")
            return made, False
        wanted = _Wanted(
            source, weight_type, self.folder, name, renew=self.update, force=self.force, offline=self.settings.offline
        )
        if asked is not None and not asked.answers():
            _say_without_hub(wanted)
            return None, False
        return _download(wanted, yes=self.yes, dry_run=self.dry_run, quiet=self.quiet), source.oracle is not None

    def pull_shared(self, model: str, name: str | None) -> tuple[Path | None, bool]:
        """Pull a model that somebody exported to a repository; its card's licence is said first."""
        from stepcheck.hub.gguf.quantize import WeightType
        from stepcheck.hub.net.remote import Hub
        from stepcheck.hub.net.watch import Watch
        from stepcheck.hub.pull.offer import make_offer
        from stepcheck.hub.pull.pinned import pin_file
        from stepcheck.hub.pull.shared import find_shared

        repository, _, kind = model.partition(":")
        hub, watch = Hub(offline=self.settings.offline), Watch(on_note=say)
        found = find_shared(hub, self.folder, repository, kind, renew=self.update, watch=watch)
        _tell(self.quiet and not self.dry_run, f"licence, as its card states it: {clean_line(found.card.licence)}")
        offer = make_offer(
            hub,
            found.source,
            WeightType(found.card.weight_type),
            self.folder,
            name=name or found.card.name,
            told=found.told,
            renew=self.update,
            watch=watch,
        )
        made = _carry_out(hub, offer, yes=self.yes, dry_run=self.dry_run, force=self.force, quiet=self.quiet)
        if made is not None:
            pin_file(self.folder, found.file, found.sha256)
        return made, found.card.oracle is not None


def _consult(made: Path, *, quiet: bool) -> None:
    """Let a model that was just pulled judge the solution whose rewards its card tells.

    Raises:
        ModelError: it does not do as its oracle says.
    """
    from stepcheck.cli.oracle import consult, words

    try:
        found = consult(made)
    except OutOfMemoryError as error:
        say(f"not held against its oracle: {error}")
        return
    if not found.right:
        raise ModelError(words(made.stem, found))
    _tell(quiet, words(made.stem, found))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be pulled, and how."""

    card: "ModelCard"
    weight_type: "WeightType"
    folder: Path
    name: str | None
    renew: bool
    force: bool
    offline: bool


class _Asked(threading.Thread):
    """Finds out whether there is a hub to ask."""

    def __init__(self, *, offline: bool) -> None:
        super().__init__(daemon=True)
        self._offline, self._there = offline, False

    def run(self) -> None:
        """Ask whether the hub answers, for no longer than a person waits."""
        from stepcheck.hub.net.remote import Hub

        self._there = Hub(offline=self._offline).reachable(PATIENCE_S)

    def answers(self) -> bool:
        """Wait, not for long, and say whether it is there."""
        self.join()
        return self._there


def _say_without_hub(wanted: _Wanted) -> None:
    """Say what the card knows of a pull."""
    from stepcheck.cli.transfer import preview_of_card

    why = "stepcheck was told to stay offline" if wanted.offline else "it does not answer"
    say(preview_of_card(wanted.card, wanted.weight_type.value, why))


def _download(wanted: _Wanted, *, yes: bool, dry_run: bool, quiet: bool) -> Path | None:
    """Say what would be done, ask, and do it; None after a dry run."""
    from stepcheck.hub.net.remote import Hub
    from stepcheck.hub.net.watch import Watch
    from stepcheck.hub.pull.offer import make_offer

    hub = Hub(offline=wanted.offline)
    offer = make_offer(
        hub,
        wanted.card,
        wanted.weight_type,
        wanted.folder,
        name=wanted.name,
        renew=wanted.renew,
        watch=Watch(on_note=say),
    )
    return _carry_out(hub, offer, yes=yes, dry_run=dry_run, force=wanted.force, quiet=quiet)


def _carry_out(hub: "Hub", offer: "Offer", *, yes: bool, dry_run: bool, force: bool, quiet: bool) -> Path | None:
    """Say what an offer would do, ask, and do it; None after a dry run."""
    from stepcheck.hub.pull.pull import pull as run

    _tell(quiet and not dry_run, preview_here(offer))
    if dry_run:
        return None
    check_disk(offer, force=force)
    if not yes and offer.download:
        _ask()
    made = _run(lambda watch: run(hub, offer, watch=watch, force=force), offer, quiet=quiet)
    _tell(quiet, f"pulled and verified; use it with: --model {made.stem}")
    return made


def _tell(quiet: bool, message: str) -> None:
    """Talk to a person, not to a script."""
    if not quiet:
        say(message)


def choose(model: str, card: str | None, models: Path | None) -> "tuple[ModelCard, WeightType]":
    """Find the card, and the type: as asked for, else what was measured to be best here, else q4_k_m.

    Raises:
        ModelError: there is no such card, or it cannot be read.
        UsageError: there is no such type.
    """
    from stepcheck.hub.disk.store import find_card
    from stepcheck.hub.gguf.quantize import WeightType
    from stepcheck.machine.choice import best_type

    given, colon, kind = model.partition(":")
    listed = find_card(card or given, models)
    if listed.card is None:
        raise listed.error or ModelError(f"{listed.path}: cannot be read")
    made = listed.card
    if made.base and not card:  # the name of a model that was pulled: its card's name and its type are meant
        given, colon, kind = made.base, ":", kind or made.weight_type
        source = find_card(made.base, models).card or made
    else:
        source = made
    if not colon:
        return source, best_type(source)
    known = [entry.value for entry in WeightType]
    if kind.lower() not in known:
        raise UsageError(f"{model}: no weight type is named '{kind}'; known are {', '.join(known)}")
    return source, WeightType(kind.lower())


def preview_here(offer: "Offer") -> str:
    """Say what a pull would do on this machine."""
    from stepcheck.cli.transfer import preview
    from stepcheck.machine.machine import memory_available, memory_needed

    needed = memory_needed(offer.result, offer.card)
    return preview(offer, available=memory_available(), needed=needed)


def check_disk(offer: "Offer", *, force: bool) -> None:
    """Refuse what would fill the disk.

    Raises:
        ModelError: there is too little room; says how much, and what can be done.
    """
    if offer.disk > offer.free and not force:
        from stepcheck.cli.transfer import size

        raise ModelError(
            f"{offer.folder}: needs {size(offer.disk)} on this disk and {size(offer.free)} are free: make room, give"
            " another folder with --models-dir, choose a smaller type, or try anyway with:"
            f" stepcheck models pull {offer.card.name}:{offer.weight_type} --force"
        )


def _ask() -> None:
    """Ask on a terminal; elsewhere nobody can answer, and nothing is downloaded unasked."""
    if sys.stdin is None or not sys.stdin.isatty() or sys.stderr is None or not sys.stderr.isatty():
        raise UsageError("nobody can be asked here: say --yes to download, or --dry-run to see what it would be")
    typer.confirm("Download it?", abort=True, err=True)


def _run(act: "Callable[[Watch], Path]", offer: "Offer", *, quiet: bool) -> Path:
    from stepcheck.cli.transfer import Transfer
    from stepcheck.hub.net.watch import Watch

    transfer = Transfer(offer.download, offer.present)
    watch = Watch(on_note=say) if quiet else Watch(transfer.progress, transfer.note, transfer.step)
    try:
        return act(watch)
    except KeyboardInterrupt:
        transfer.end()
        say("stopped; what came so far is kept, and the same command goes on from there")
        raise
    finally:
        transfer.end()
