"""Options that come together, each group stated once: a command takes a group as one frozen value.

`@grouped` spreads the fields of every group among a command's parameters into options of their own, and hands them over
as that value again. What a setting means is said in `config.KEYS`, so help, settings files and pages say the same.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import StrEnum
from functools import partial, wraps
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_type_hints

import typer

from stepcheck import config
from stepcheck.cli.complete import models as complete_models
from stepcheck.cli.output import say
from stepcheck.document import Format
from stepcheck.steps import SplitMode

if TYPE_CHECKING:
    from stepcheck.document import Document, Unread

Result = TypeVar("Result")
ENGINE = "Engine"
INPUT = "Input"
CRITIC = "Critic"
SERVER = "Server"
CASES = "Which cases"
RUN = "The run"


def setting(name: str, **more: Any) -> Any:  # noqa: ANN401 (Typer's own arguments)
    """An option that sets a setting: its flag and its meaning are those of `config.KEYS`."""
    key = config.KEYS[name]
    meaning = f"{key.meaning[0].upper()}{key.meaning[1:]}."
    return typer.Option(key.flag, help=meaning, **{"show_default": key.otherwise or False} | more)


Threshold = Annotated[float | None, setting("threshold", metavar="0…1")]
ModelsDir = Annotated[str | None, setting("models_dir", metavar="FOLDER", rich_help_panel=ENGINE)]
RunsDir = Annotated[str | None, setting("runs_dir", metavar="FOLDER", rich_help_panel=RUN)]
Threads = Annotated[int | None, setting("n_threads", metavar="N", rich_help_panel=ENGINE)]
GpuLayers = Annotated[int | None, setting("n_gpu_layers", metavar="N", rich_help_panel=ENGINE)]
Offline = Annotated[bool | None, setting("offline")]
Split = Annotated[
    SplitMode,
    typer.Option(metavar="WAY", help="Steps are cut: auto, blank, lines, numbered or headings.", rich_help_panel=INPUT),
]


Votes = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Critiques of each solution; the majority counts.", show_default="1", rich_help_panel=CRITIC
    ),
]


class Heard(StrEnum):
    """What the evidence is for."""

    off = "off"
    show = "show"
    judge = "judge"


Evidence = Annotated[
    Heard,
    typer.Option(
        metavar="off|show|judge",
        help="Show what is false for certain; judge: it makes its step the first error.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFlags:
    """Which model judges, and how llama.cpp runs it."""

    model: Annotated[
        str | None, setting("model", metavar="NAME", rich_help_panel=ENGINE, autocompletion=complete_models)
    ] = None
    models_dir: ModelsDir = None
    threads: Threads = None
    gpu_layers: GpuLayers = None
    ctx: Annotated[int | None, setting("n_ctx", metavar="N", rich_help_panel=ENGINE)] = None
    ubatch: Annotated[int | None, setting("n_ubatch", metavar="N", rich_help_panel=ENGINE)] = None
    offline: Annotated[bool | None, setting("offline", rich_help_panel=ENGINE)] = None

    @property
    def flags(self) -> dict[str, Any]:
        """The settings that these options set."""
        return {
            "model": self.model,
            "models_dir": self.models_dir,
            "n_threads": self.threads,
            "n_gpu_layers": self.gpu_layers,
            "n_ctx": self.ctx,
            "n_ubatch": self.ubatch,
            "offline": self.offline,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFlags:
    """How inputs are read."""

    problem: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT|FILE", help="The problem; takes the place of the input's own.", rich_help_panel=INPUT
        ),
    ] = None
    split: Split = "auto"
    kind: Annotated[
        Format | None,
        typer.Option(
            "--from",
            metavar="KIND",
            help="Read the input as: text, json or jsonl.",
            show_default="by its name",
            rich_help_panel=INPUT,
        ),
    ] = None
    keep_thinking: Annotated[
        bool,
        typer.Option(
            "--keep-thinking", help="Judge what stands in <think>…</think> too; it is left out.", rich_help_panel=INPUT
        ),
    ] = False

    @property
    def given_problem(self) -> str | None:
        """The problem's text, where one was given."""
        from stepcheck.document import text_or_file

        return None if self.problem is None else text_or_file(self.problem)

    def documents(
        self, files: Sequence[str], on_line: Callable[[int], None] | None = None
    ) -> "Iterator[Document | Unread]":
        """The documents of some files, each read when it is asked for; the problem is read at once."""
        from stepcheck.document import read

        read_file = partial(
            read,
            problem=self.given_problem,
            split=self.split,
            format=self.kind,
            keep_thinking=self.keep_thinking,
            on_line=on_line,
        )
        return (item for file in files for item in read_file(file))


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticFlags:
    """A critic in the place of a model that gives rewards."""

    critic: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|ADDRESS",
            help="Let an instruct model judge in words: a GGUF file, or a server like http://127.0.0.1:8080/v1.",
            rich_help_panel=CRITIC,
        ),
    ] = None
    critic_model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The server's model.", show_default="its first", rich_help_panel=CRITIC),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFlags:
    """A server in the place of a model on this machine; its token is no option, for others see command lines."""

    server: Annotated[str | None, setting("server", metavar="ADDRESS", rich_help_panel=SERVER)] = None
    server_model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="What the server calls --model.", show_default="the same", rich_help_panel=SERVER
        ),
    ] = None
    server_token_file: Annotated[str | None, setting("server_token_file", metavar="FILE", rich_help_panel=SERVER)] = (
        None
    )

    @property
    def flags(self) -> dict[str, Any]:
        """The settings that these options set."""
        return {"server": self.server, "server_token_file": self.server_token_file}


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFlags:
    """Which cases of a bench are run."""

    limit: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="The first N of each subset; with --sample, of what was drawn.", rich_help_panel=CASES
        ),
    ] = None
    sample: Annotated[
        int | None, typer.Option(metavar="N", help="N of each subset, drawn with --seed.", rich_help_panel=CASES)
    ] = None
    seed: Annotated[int, typer.Option(metavar="N", help="The seed of --sample.", rich_help_panel=CASES)] = 0
    ids: Annotated[
        list[str] | None,
        typer.Option(metavar="ID,…|@FILE", help="These cases, by id; repeatable.", rich_help_panel=CASES),
    ] = None
    shard: Annotated[
        str | None,
        typer.Option(metavar="i/n", help="The i-th of n parts; see: stepcheck runs merge.", rich_help_panel=CASES),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFlags:
    """Where a run is kept, and how it goes on."""

    run: Annotated[
        str | None,
        typer.Option(
            "--run",
            metavar="NAME",
            help="The run's name.",
            show_default="made of bench, model and settings",
            rich_help_panel=RUN,
        ),
    ] = None
    retry_errors: Annotated[
        bool,
        typer.Option("--retry-errors", help="Do the cases again that failed before.", rich_help_panel=RUN),
    ] = False
    runs_dir: RunsDir = None


def grouped(command: Callable[..., Result]) -> Callable[..., Result]:
    """Spread the groups among a command's parameters into options, and hand them over as values again."""
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, Any] = {
        name: each.annotation for name, each in signature.parameters.items() if is_dataclass(each.annotation)
    }
    spread: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        spread += _options(groups[name]) if name in groups else [parameter]

    @wraps(command)
    def taking(**given: Any) -> Result:  # noqa: ANN401 (the command's own arguments)
        for name, group in groups.items():
            given[name] = group(**{each.name: given.pop(each.name) for each in fields(group)})
        return command(**given)

    del taking.__wrapped__  # Typer must see the options, not the groups
    taking.__signature__ = signature.replace(parameters=spread)  # type: ignore[attr-defined]  # PEP 362's own way
    taking.__annotations__ = {each.name: each.annotation for each in spread}
    return taking


def _options(group: Any) -> list[inspect.Parameter]:  # noqa: ANN401 (a dataclass)
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if each.default is MISSING else each.default,
            annotation=hints[each.name],
        )
        for each in fields(group)
    ]


def settle(flags: Mapping[str, Any] | None = None) -> config.Config:
    """Gather the settings, and say once what a file in this folder chose that a person might not expect.

    Raises:
        UsageError: a setting does not fit; names where it stands.
    """
    settings = config.load(flags)
    for words in settings.chosen_here:
        say(f"note: {words}")
    return settings
