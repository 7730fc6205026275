"""`stepcheck models`: which models are here, where, whether they are right; getting, taking in and removing them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from stepcheck.cli import groups, options
from stepcheck.cli.complete import models as complete
from stepcheck.cli.fidelity import fidelity
from stepcheck.cli.listing import entry_of, row_of
from stepcheck.cli.output import ExitCode, json_text, opened, say
from stepcheck.cli.pulling import pull
from stepcheck.cli.transfer import size
from stepcheck.report.clean import clean, clean_line

if TYPE_CHECKING:
    from stepcheck.prm.card import ModelCard

app = typer.Typer(no_args_is_help=True, help="Models on this machine, and getting others.")
app.command("pull")(pull)
app.command("fidelity")(fidelity)

WeightName = Literal[
    "f32", "f16", "bf16", "q8_0", "q6_k", "q5_k_m", "q5_k_s", "q5_1", "q5_0", "q4_k_m", "q4_k_s", "q4_1", "q4_0"
]
NameArgument = Annotated[
    str,
    typer.Argument(metavar="NAME", help="A card's name, or the path of a card or its folder.", autocompletion=complete),
]
NamesArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]…", help="Models' names.", autocompletion=complete)
]


@app.callback()
def _group() -> None:
    """Models on this machine, and getting others."""


@app.command("list")
def show_list(
    *,
    models_dir: groups.ModelsDir = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """List every card: the name, the weights' type and size or what is missing, and the title.

    Unfinished pulls are listed too. With -q, only the names of the models that can be used.
    """
    from stepcheck.hub.disk.store import list_models, user_dir
    from stepcheck.hub.library import put_aside, unfinished

    folder = _folder(models_dir)
    listed, waiting = list_models(folder), unfinished(folder or user_dir())
    with opened(None) as sink:
        if as_json:
            pulls = [{"name": name, "bytes": count} for name, count in waiting]
            aside = [str(path) for path in put_aside(folder or user_dir())]
            models = [entry_of(entry) for entry in listed]
            sink.write(json_text({"models": models, "unfinished": pulls, "set_aside": aside}))
        elif quiet:
            sink.write("".join(f"{clean_line(entry.name)}\n" for entry in listed if entry.ready))
        else:
            rows = [row_of(entry) for entry in listed]
            rows += [(name, "unfinished", f"{size(count)} are here; pull it again to go on") for name, count in waiting]
            wide = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
            sink.write("".join(f"{name:<{wide[0]}}  {state:<{wide[1]}}  {title}\n" for name, state, title in rows))


@app.command()
def show(
    name: NameArgument,
    *,
    models_dir: groups.ModelsDir = None,
    as_json: options.JsonOption = False,
) -> None:
    """Show a card as TOML, whether or not its weights are here, and what a pull would take by what it says."""
    import msgspec

    from stepcheck.cli.transfer import preview_of_card
    from stepcheck.hub.pull.estimate import estimates
    from stepcheck.prm.card import render_card

    card = _card(name, _folder(models_dir))
    known = estimates(card) if card.files is None else []
    with opened(None) as sink:
        sizes = {each.weight_type: {"download": each.download, "result": each.result} for each in known}
        told = {"card": msgspec.to_builtins(card), "pull": {"asked_hub": False, "sizes": sizes}}
        sink.write(json_text(told) if as_json else clean(render_card(card)))
    if known and not as_json:
        say(preview_of_card(card, "", "showing a card never does"))


@app.command()
def path(
    name: NameArgument,
    *,
    models_dir: groups.ModelsDir = None,
    as_json: options.JsonOption = False,
) -> None:
    """Print where a model's weights are; an error if they are not on this machine."""
    from stepcheck.hub.disk.store import find

    model = find(name, _folder(models_dir))
    places = {"card": str(model.card_path)} | {role: str(part.path) for role, part in model.weights.parts.items()}
    with opened(None) as sink:
        sink.write(json_text(places) if as_json else f"{model.backbone}\n")


@app.command()
def verify(
    names: NamesArgument = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every model that is here.")] = False,
    oracle: Annotated[
        bool, typer.Option("--oracle", help="Load each model and hold its rewards against those its card tells.")
    ] = False,
    models_dir: groups.ModelsDir = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Read models' files anew and compare them with what is pinned.

    A file that is another is set aside under another name, so that nothing uses it, and the exit code is 1; so it is
    where a model does not do as its oracle says.
    """
    from stepcheck.cli.oracle import consult, record, words
    from stepcheck.errors import UsageError
    from stepcheck.hub.disk.store import find, list_models
    from stepcheck.hub.library import check

    folder = _folder(models_dir)
    wanted = names or [str(entry.path) for entry in list_models(folder) if every and entry.ready]
    if not wanted:
        raise UsageError("name a model, or say --all")
    results, damaged = [], 0
    for model in (find(name, folder) for name in wanted):
        findings = check(model)
        damaged += len(findings)
        found = [
            {
                "file": str(finding.damage.file),
                "expected": finding.damage.expected,
                "actual": finding.damage.actual,
                "set_aside": str(finding.aside),
            }
            for finding in findings
        ]
        result: dict[str, Any] = {"name": model.card.name, "ok": not findings, "damaged": found}
        results.append(result)
        if not quiet:
            say(_verdict(model.card.name, found))
        if oracle and not findings:
            asked = consult(model.card_path)
            damaged += not asked.right
            result |= {"ok": asked.right, "oracle": record(asked)}
            if not quiet:
                say(words(model.card.name, asked))
    with opened(None) as sink:
        if as_json:
            sink.write(json_text({"models": results}))
    if damaged:
        raise typer.Exit(ExitCode.error)


def _verdict(name: str, found: list[dict[str, str]]) -> str:
    if not found:
        return f"{name}: right"
    lines = [
        f"{name}: {file['file']} is not the pinned file: sha256 expected {file['expected']}, actual {file['actual']};"
        f" set aside as {file['set_aside']}"
        for file in found
    ]
    return "\n".join([*lines, f"{name}: pull or convert it again"])


@app.command()
def export(
    name: NameArgument,
    *,
    folder: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where the repository is made.")],
    force: Annotated[bool, typer.Option("--force", help="Write over what is there.")] = False,
    models_dir: groups.ModelsDir = None,
    as_json: options.JsonOption = False,
) -> None:
    """Write a model as a hub repository: its files, card and page, ready for `hf upload OWNER/REPOSITORY FOLDER`.

    Others then get it with `stepcheck models pull OWNER/REPOSITORY[:TYPE]`. Several types may share a folder.
    """
    from stepcheck.hub.disk.store import find
    from stepcheck.hub.export import export_model

    written = export_model(find(name, _folder(models_dir)), folder, force=force)
    with opened(None) as sink:
        names = [str(path) for path in written]
        sink.write(json_text({"files": names}) if as_json else "".join(f"{each}\n" for each in names))


@app.command()
def rm(
    names: Annotated[list[str], typer.Argument(metavar="NAME…", help="Models' names.", autocompletion=complete)],
    *,
    models_dir: groups.ModelsDir = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Remove models: card, files, what was set aside, and an unfinished pull.

    Of an imported model only the links go; its files stay where they are. What a repository is pinned to stays too.
    """
    from stepcheck.hub.disk.store import user_dir
    from stepcheck.hub.library import remove

    folder, freed = _folder(models_dir) or user_dir(), 0
    for name in names:
        count = remove(name, folder)
        freed += count
        if not quiet:
            say(f"removed {name}: {size(count)}")
    if as_json:
        with opened(None) as sink:
            sink.write(json_text({"removed": names, "bytes": freed}))


@app.command("import")
def take_in(  # noqa: PLR0913 (every option of a command is an argument of its function)
    backbone: Annotated[Path, typer.Argument(metavar="FILE.gguf", help="A backbone as GGUF.")],
    *,
    card: Annotated[
        str,
        typer.Option("--card", metavar="NAME|FILE", help="The card that says how it is read.", autocompletion=complete),
    ],
    head: Annotated[
        Path | None,
        typer.Option(
            "--head",
            metavar="FILE",
            help="The reward head, as safetensors.",
            show_default="of a token pair: taken out of FILE.gguf",
        ),
    ] = None,
    adapter: Annotated[
        Path | None,
        typer.Option(metavar="FILE|DIR", help="A LoRA that was trained over it: a GGUF, or a folder that peft saved."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The model's name.", show_default="the file's")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a model of this name.")] = False,
    models_dir: groups.ModelsDir = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Take in a backbone and a head that are on this machine, as links, without copying.

    Refuses a pair of different widths, a backbone whose tokenizer cuts the mark into pieces, and an adapter of another
    backbone. Prints the new card.
    """
    from stepcheck.hub.disk.store import user_dir
    from stepcheck.hub.library import import_model

    models = _folder(models_dir)
    made = import_model(
        backbone, head, _card(card, models), models or user_dir(), adapter=adapter, name=name, force=force
    )
    _made(made, f"imported; use it with: --model {made.stem}", as_json=as_json, quiet=quiet)


@app.command()
def convert(  # noqa: PLR0913 (every option of a command is an argument of its function)
    checkpoint: Annotated[
        Path, typer.Argument(metavar="DIR", help="A Hugging Face folder: config.json, tokenizer.json, safetensors.")
    ],
    *,
    to: Annotated[WeightName, typer.Option("--to", help="The weights' type.")] = "q8_0",
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The model's name.", show_default="the folder's and the type")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Where to.", show_default="--models-dir")
    ] = None,
    card: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="A card that lends title, licence, template, readout, threshold and notice.",
            show_default="the card of the folder's name, else Qwen2.5-Math-PRM's template",
        ),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The reference model's checkpoint, where the card's readout is a log ratio."),
    ] = None,
    adapter: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A PEFT folder: a LoRA that was trained over the checkpoint.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a model of this name.")] = False,
    models_dir: groups.ModelsDir = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Convert a process reward model (Qwen2, Llama, Mistral): the backbone as GGUF, its head beside it, and a card.

    Needs no torch; tensors are converted one by one. Prints the path of the new card.
    """
    from stepcheck.cli.converting import Progress
    from stepcheck.hub.convert import convert as run
    from stepcheck.hub.disk import store
    from stepcheck.hub.gguf.quantize import WeightType

    models = _folder(models_dir)
    target = output or models or store.user_dir()
    lent = _card(card, models) if card else _card_of_folder(checkpoint, models)
    made = run(
        checkpoint,
        target,
        weight_type=WeightType(to),
        name=name,
        card=lent,
        reference=reference,
        adapter=adapter,
        force=force,
        on_progress=Progress(),
    )
    model = store.find(str(made))
    count = sum(part.path.stat().st_size for part in model.weights.parts.values())
    known = target.resolve() == (models or store.user_dir()).resolve()
    said = f"converted to {to}, {size(count)}; use it with: --model {made.stem if known else made}"
    _made(made, said, as_json=as_json, quiet=quiet)


def _made(card: Path, said: str, *, as_json: bool, quiet: bool) -> None:
    """Say what was made, and print its card's path or both as JSON."""
    if not quiet:
        say(said)
    with opened(None) as sink:
        sink.write(json_text({"name": card.stem, "card": str(card)}) if as_json else f"{card}\n")


def _folder(models_dir: str | None) -> Path | None:
    """Where models are kept, by flag or setting; None is the user's data folder."""
    return groups.settle({"models_dir": models_dir}).models_dir


def _card(name: str, models: Path | None) -> "ModelCard":
    """Read a card by path or name; its files need not be there."""
    from stepcheck.errors import CardError
    from stepcheck.hub.disk.store import find_card

    listed = find_card(name, models)
    if listed.card is None:
        raise listed.error or CardError(f"{listed.path}: cannot be read")
    return listed.card


def _card_of_folder(checkpoint: Path, models: Path | None) -> "ModelCard | None":
    """Return the card without files that is named as the checkpoint's folder, if there is one."""
    from stepcheck.hub.disk.store import list_models

    name = checkpoint.resolve().name.lower()
    cards = (entry.card for entry in list_models(models) if entry.card is not None and entry.card.files is None)
    return next((card for card in cards if card.name.lower() == name), None)
