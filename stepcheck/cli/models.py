"""`stepcheck models`: which models are here, what a card says, where its files are, and converting a checkpoint."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stepcheck import config
from stepcheck.cli import options
from stepcheck.cli.output import opened, say
from stepcheck.report.clean import clean, clean_line

if TYPE_CHECKING:
    from stepcheck.hub.store import Listed
    from stepcheck.prm.card import ModelCard

app = typer.Typer(no_args_is_help=True, help="Models on this machine, and converting a checkpoint into one.")

WeightName = Literal[
    "f32", "f16", "bf16", "q8_0", "q6_k", "q5_k_m", "q5_k_s", "q5_1", "q5_0", "q4_k_m", "q4_k_s", "q4_1", "q4_0"
]
NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="A card's name, or the path of a card or its folder.")
]


@app.callback()
def _group() -> None:
    """Models on this machine, and converting a checkpoint into one."""


@app.command("list")
def show_list(*, models_dir: options.ModelsDirOption = None) -> None:
    """List every card: the name, the weights' type and size or what is missing, and the title."""
    from stepcheck.hub.store import list_models

    rows = [_row(entry) for entry in list_models(_folder(models_dir))]
    wide = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    with opened(None) as sink:
        sink.write("".join(f"{name:<{wide[0]}}  {state:<{wide[1]}}  {title}\n" for name, state, title in rows))


def _row(entry: "Listed") -> tuple[str, str, str]:
    if entry.card is None:
        return entry.name, "unreadable card", clean_line(str(entry.error))
    if entry.card.files is None:
        return entry.name, "to be converted", clean_line(entry.card.title)
    if not entry.ready:
        return entry.name, "files missing", clean_line(entry.card.title)
    size = (entry.path.parent / entry.card.files.backbone).stat().st_size
    return entry.name, f"{entry.card.weight_type or '?'}, {_size(size)}", clean_line(entry.card.title)


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"  # noqa: PLR2004 (a gigabyte)


@app.command()
def show(name: NameArgument, *, models_dir: options.ModelsDirOption = None) -> None:
    """Show a card as TOML, whether or not its weights are here."""
    from stepcheck.prm.card import render_card

    with opened(None) as sink:
        sink.write(clean(render_card(_card(name, _folder(models_dir)))))


@app.command()
def path(name: NameArgument, *, models_dir: options.ModelsDirOption = None) -> None:
    """Print where a model's weights are; an error if they are not on this machine."""
    from stepcheck.hub.store import find

    with opened(None) as sink:
        sink.write(f"{find(name, _folder(models_dir)).backbone}\n")


@app.command()
def convert(
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
    force: Annotated[bool, typer.Option("--force", help="Overwrite a model of this name.")] = False,
    models_dir: options.ModelsDirOption = None,
) -> None:
    """Convert a process reward model (Qwen2, Llama, Mistral): the backbone as GGUF, its head beside it, and a card.

    Needs no torch; tensors are converted one by one. Prints the path of the new card.
    """
    from stepcheck.hub import store
    from stepcheck.hub.convert import convert as run
    from stepcheck.hub.quantize import WeightType

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
        force=force,
        on_progress=_Progress(),
    )
    model = store.find(str(made))
    size = model.backbone.stat().st_size + model.head.stat().st_size
    known = target.resolve() == (models or store.user_dir()).resolve()
    say(f"converted to {to}, {_size(size)}; use it with: --model {made.stem if known else made}")
    with opened(None) as sink:
        sink.write(f"{made}\n")


def _folder(models_dir: str | None) -> Path | None:
    """Where models are kept, by flag or setting; None is the user's data folder."""
    return config.load({"models_dir": models_dir}).models_dir


def _card(name: str, models: Path | None) -> "ModelCard":
    """Read a card by path or name; its files need not be there."""
    from stepcheck.errors import CardError
    from stepcheck.hub.store import find_card

    listed = find_card(name, models)
    if listed.card is None:
        raise listed.error or CardError(f"{listed.path}: cannot be read")
    return listed.card


def _card_of_folder(checkpoint: Path, models: Path | None) -> "ModelCard | None":
    """Return the card without files that is named as the checkpoint's folder, if there is one."""
    from stepcheck.hub.store import list_models

    name = checkpoint.resolve().name.lower()
    cards = (entry.card for entry in list_models(models) if entry.card is not None and entry.card.files is None)
    return next((card for card in cards if card.name.lower() == name), None)


class _Progress:
    """Hears how far a conversion is and shows it on a terminal, one percent at a time."""

    def __init__(self) -> None:
        self._shown = -1
        self._silent = sys.stderr is None or not sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        percent = 100 * done // total
        if self._silent or percent == self._shown:
            return
        self._shown = percent
        sys.stderr.write(f"\rconverting: {percent} %" + ("\r\x1b[K" if done == total else ""))
        sys.stderr.flush()
