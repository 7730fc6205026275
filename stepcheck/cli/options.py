"""Options that several commands share, each worded once."""

from typing import Annotated

import typer

from stepcheck.cli.complete import models as complete_models
from stepcheck.document import Format
from stepcheck.steps import SplitMode

_ENGINE = "Engine"
_INPUT = "Input"
_CRITIC = "Critic"

Split = SplitMode

ProblemOption = Annotated[
    str | None,
    typer.Option(metavar="TEXT|FILE", help="The problem; takes the place of the input's own.", rich_help_panel=_INPUT),
]
SplitOption = Annotated[
    Split,
    typer.Option(
        metavar="WAY", help="Steps are cut: auto, blank, lines, numbered or headings.", rich_help_panel=_INPUT
    ),
]
FromOption = Annotated[
    Format | None,
    typer.Option(
        "--from",
        metavar="KIND",
        help="Read the input as: text, json or jsonl.",
        show_default="by its name",
        rich_help_panel=_INPUT,
    ),
]
ThresholdOption = Annotated[
    float | None,
    typer.Option(metavar="0…1", help="A step with a lower reward is wrong.", show_default="the model's"),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The model that judges.",
        show_default="nano",
        rich_help_panel=_ENGINE,
        autocompletion=complete_models,
    ),
]
ForceModelOption = Annotated[
    bool,
    typer.Option("--force", help="Load a model that seems too large for the memory.", rich_help_panel=_ENGINE),
]
OfflineOption = Annotated[
    bool | None, typer.Option("--offline", help="Open no connection.", show_default="STEPCHECK_OFFLINE, HF_HUB_OFFLINE")
]
JsonOption = Annotated[bool, typer.Option("--json", help="As one JSON object.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Only what a script needs.")]
ModelsDirOption = Annotated[
    str | None, typer.Option(metavar="FOLDER", help="Where models are kept.", rich_help_panel=_ENGINE)
]
CriticOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|ADDRESS",
        help="Let an instruct model judge in words: a GGUF file, or a server like http://127.0.0.1:8080/v1.",
        rich_help_panel=_CRITIC,
    ),
]
CriticModelOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The server's model.", show_default="its first", rich_help_panel=_CRITIC),
]
VotesOption = Annotated[
    int | None,
    typer.Option(help="Critiques of each solution; the majority counts.", show_default="1", rich_help_panel=_CRITIC),
]
ThreadsOption = Annotated[
    int | None, typer.Option(help="CPU threads.", show_default="one per core", rich_help_panel=_ENGINE)
]
GpuLayersOption = Annotated[
    int | None,
    typer.Option(help="Layers on the accelerator.", show_default="all, if any", rich_help_panel=_ENGINE),
]
CtxOption = Annotated[
    int | None,
    typer.Option(help="Room of the KV cache, in tokens.", show_default="the model's", rich_help_panel=_ENGINE),
]
UbatchOption = Annotated[
    int | None, typer.Option(help="Tokens per decode.", show_default="512", rich_help_panel=_ENGINE)
]
RunsDirOption = Annotated[
    str | None, typer.Option(metavar="FOLDER", help="Where runs are kept.", show_default="your data folder")
]
