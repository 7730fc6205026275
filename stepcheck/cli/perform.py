"""A run from its description to its last row: the same for every bench.

Owns the order of things (scan, lock, compare, go on) and what is said when it is stopped. Refuses to compute figures.
"""

import itertools
import platform
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from stepcheck import __version__, config
from stepcheck.cli import judging
from stepcheck.cli.groups import CaseFlags
from stepcheck.cli.judging import Asked
from stepcheck.cli.output import ExitCode, say
from stepcheck.errors import NoRewardsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from stepcheck.bench.cases import Case, Key
    from stepcheck.bench.data import Selection, Subset
    from stepcheck.bench.runs.manifest import Kind, Manifest
    from stepcheck.judge import Judge

OUTSIDE = ("llama-cpp-python", "numpy", "math-verify")


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run: cases of `subsets`, read by `read`; `settings` are what else can change a row."""

    bench: "Kind"
    subsets: "list[Subset]"
    selection: "Selection"
    read: "Callable[[Subset], Iterator[Case]]"
    settings: dict[str, Any]
    tuned_on: str | None = None
    name: str | None = None
    retry_errors: bool = False
    asked: Asked | None = None


def select(cases: CaseFlags) -> "Selection":
    """Check what the command line says of the choice of cases.

    Raises:
        UsageError: a number is not positive, or the shard is not i/n.
    """
    from stepcheck.bench.data import Selection

    for option, value in (("--limit", cases.limit), ("--sample", cases.sample)):
        if value is not None and value < 1:
            raise UsageError(f"{option} {value}: expected 1 or more")
    number, _, count = (cases.shard or "1/1").partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count) <= 10_000):  # noqa: PLR2004
        raise UsageError(f"--shard {cases.shard}: expected i/n with 1 ≤ i ≤ n, e.g. 1/4 for the first of four")
    wanted = dict.fromkeys(name for given in cases.ids or () for name in _ids(given))
    return Selection(cases.limit, cases.sample, cases.seed, tuple(wanted), int(number), int(count))


def _ids(given: str) -> list[str]:
    """Ids as they stand, parted by commas; `@FILE` reads them from a file, one a line."""
    if not given.startswith("@"):
        return [name.strip() for name in given.split(",") if name.strip()]
    try:
        return [line.strip() for line in Path(given[1:]).read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--ids {given}: cannot be read: {error}") from error


def perform(order: Order, settings: config.Config) -> Path:
    """Run what is not done yet; return the run's folder.

    Raises:
        typer.Exit: 130 after Ctrl-C; all that was done is kept.
        StepcheckError: the model, the data or the run cannot be used.
    """
    from stepcheck.bench.runs.folder import run_folder
    from stepcheck.bench.tally import Tally
    from stepcheck.cli.progress import Progress

    progress = Progress(Tally())
    with closing(judging.open_judge(order.asked, settings, progress.loading)) as judge:
        _check_gives(order, judge)
        for subset in order.subsets:
            for note in subset.notes:
                say(f"{subset.path}: {note}")
        manifest = describe(order, judge, settings)
        folder = run_folder(manifest.name, settings.runs_dir)
        try:
            with progress:
                _go_on(order, judge, folder, manifest, progress)
        except KeyboardInterrupt:
            judge.close()
            say(
                f"stopped: {progress.done:,} of {manifest.cases:,} cases are kept in run {manifest.name}; "
                "the same command goes on with the rest"
            )
            raise typer.Exit(ExitCode.interrupted) from None
    return folder


def _check_gives(order: Order, judge: "Judge") -> None:
    """Refuse a bench whose figures this judge cannot give, before its first case."""
    if order.bench == "bestofn" and "rewards" not in judge.gives:
        raise NoRewardsError(f"{judge.identity.name}: gives no rewards, and candidates are chosen by them")


def _go_on(order: Order, judge: "Judge", folder: Path, manifest: "Manifest", progress: Any) -> None:  # noqa: ANN401
    from stepcheck.bench.runner import run
    from stepcheck.bench.runs.store import Run
    from stepcheck.bench.runs.writing import RunWriter

    with RunWriter(folder, manifest, progress.committed) as writer:
        with Run(folder) as before:
            done = before.keys(errors=not order.retry_errors)
            count = before.count()
        errors = 0 if order.retry_errors else count.errors
        progress.begin(manifest.cases, len(done), errors, **_work(order.subsets, done))
        if done:
            say(f"run {manifest.name}: {len(done):,} of {manifest.cases:,} cases are there, going on with the rest")
        if len(done) < manifest.cases:
            cases = itertools.chain.from_iterable(map(order.read, order.subsets))
            run(cases, judge, writer.put, done)


def _work(subsets: "Sequence[Subset]", done: "Collection[Key]") -> dict[str, int]:
    """How much there is to do and how much of it is done, in characters."""
    named = {subset.name: subset for subset in subsets}
    entries = (named[name].entries[place : place + 1] for name, place, _ in done if name in named)
    kept = sum(entry.work / max(entry.cases, 1) for (entry,) in filter(None, entries))
    whole = sum(subset.entries[place].work for subset in subsets for place in subset.chosen)
    return {"work": whole, "kept": min(round(kept), whole)}


def describe(order: Order, judge: "Judge", settings: config.Config) -> "Manifest":
    """Write down what is run, with what, and where; a run without a name is named after all that binds it."""
    import msgspec

    from stepcheck.bench.runs.manifest import Manifest, describe_judge, fingerprint, to_parts

    there = bool(judge.identity.server)
    here = () if there else ("n_ctx", "n_ubatch", "n_gpu_layers")
    engine = {name: settings.settings[name].value for name in here}
    card, more = describe_judge(judge.identity)
    manifest = Manifest(
        bench=order.bench,
        name=order.name or "",
        card=card,
        judge=more,
        threshold=judge.identity.threshold,
        tuned_on=order.tuned_on,
        data=to_parts(order.subsets),
        selection=order.selection,
        settings=order.settings | engine,
        versions=versions(OUTSIDE[1:] if there else OUTSIDE),
        machine=machine(),
        command=("stepcheck", *sys.argv[1:]),
        created=time.strftime("%Y-%m-%d %H:%M:%S"),
    )
    if not order.name:
        name = f"{order.bench}-{manifest.model[:60]}-{fingerprint(manifest)}"
        manifest = msgspec.structs.replace(manifest, name=name)
    return manifest


def versions(packages: "Sequence[str]" = OUTSIDE) -> dict[str, str]:
    """Return the versions of what takes part; a server tells its own."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"stepcheck": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "?"
    return found


def machine() -> dict[str, Any]:
    """Say what kind of machine this is, without its name."""
    import psutil

    return {
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": psutil.cpu_count(logical=False),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
    }
