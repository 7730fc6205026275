"""One writer per output format: results go in one by one, text comes out through the sink."""

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from stepcheck.cli.output import Sink, say
from stepcheck.errors import NoRewardsError
from stepcheck.report import plain, records
from stepcheck.report.summary import Summary

if TYPE_CHECKING:
    from rich.console import RenderableType

    from stepcheck.judge import Identity, Judged, Unscored


class WrittenAs(StrEnum):
    """How results are written."""

    human = "human"
    plain = "plain"
    json = "json"
    jsonl = "jsonl"
    md = "md"
    html = "html"
    svg = "svg"
    parquet = "parquet"
    """Of a folder that `--ray` writes; no stream takes it."""


class Writer(Protocol):
    """What every format can do."""

    def begin(self, model: "Identity", *, alone: bool) -> None:
        """Say what must be said before the first result; `alone`: there will be just one."""
        ...

    def write(self, result: "Judged | Unscored") -> None:
        """Write one result in this format."""
        ...

    def end(self, summary: Summary) -> None:
        """Finish after the last one."""
        ...


class HumanWriter:
    """For a person: colours and bars on a terminal, neither elsewhere."""

    def __init__(self, sink: Sink) -> None:
        from stepcheck.report import human

        self._sink = sink
        self._human = human
        self._console = human.console_for(sink.stream)
        self._symbols = human.symbols_for(sink.stream.encoding or "ascii")
        self._alone = False

    def begin(self, model: "Identity", *, alone: bool) -> None:
        """Show the card's notice, first of all."""
        self._alone = alone
        if model.notice:
            self._print(self._human.render_notice(model.notice))

    def write(self, result: "Judged | Unscored") -> None:
        """Show a result at once; the failure of the only document is said on stderr, and once is enough."""
        if self._alone and hasattr(result, "error"):
            return
        bars = self._console.is_terminal
        self._print(self._human.render(result, self._symbols, self._console.width, bars=bars))

    def end(self, summary: Summary) -> None:
        """Sum up where there was more than one."""
        if summary.done > 1:
            self._print(self._human.render_summary(summary, self._symbols))

    def _print(self, what: "RenderableType") -> None:
        """Render here and write through the sink; off a terminal no line ends in blanks."""
        with self._sink.translated(), self._console.capture() as capture:
            self._console.print(what)
        text = capture.get()
        if not self._console.is_terminal:
            text = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
        self._sink.write(text)


class _ForPrograms:
    """What the other formats share: the notice is talk, so it goes to stderr."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def begin(self, model: "Identity", *, alone: bool) -> None:  # noqa: ARG002 (the protocol's)
        """Say the notice beside the data."""
        if model.notice:
            say(f"note: {model.notice}")

    def end(self, summary: Summary) -> None:
        """Nothing is left to write."""


class PlainWriter(_ForPrograms):
    """One line per step, parted by tabs."""

    def write(self, result: "Judged | Unscored") -> None:
        """Write a result's lines."""
        self._sink.write("".join(f"{line}\n" for line in plain.lines(result)))


class JsonLinesWriter(_ForPrograms):
    """One object per line."""

    def write(self, result: "Judged | Unscored") -> None:
        """Write a result's line."""
        self._sink.write(records.encode(records.record(result), ascii_only=not self._sink.utf8) + "\n")


class JsonWriter(_ForPrograms):
    """One object for one result, an array for several: the first is held back until a second or the end comes."""

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink)
        self._held: str | None = None
        self._many = False

    def write(self, result: "Judged | Unscored") -> None:
        """Write a result, or hold the first."""
        text = records.encode(records.record(result), ascii_only=not self._sink.utf8)
        if self._many:
            self._sink.write(f",\n{text}")
        elif self._held is None:
            self._held = text
        else:
            self._sink.write(f"[\n{self._held},\n{text}")
            self._many = True

    def end(self, summary: Summary) -> None:  # noqa: ARG002 (the protocol's)
        """Close the array, or write the one object; nothing at all is an empty array."""
        if self._many:
            self._sink.write("\n]\n")
        else:
            self._sink.write((self._held or "[]") + "\n")


DRAWN = frozenset({WrittenAs.md, WrittenAs.html, WrittenAs.svg})
"""What is drawn from rewards, which a critic does not give."""


def with_rewards(result: "Judged | Unscored") -> "Judged | Unscored":
    """Pass on what can be drawn.

    Raises:
        NoRewardsError: it was judged without rewards.
    """
    from stepcheck.judge import Judged

    if isinstance(result, Judged) and not result.rewards:
        raise NoRewardsError(f"pages and pictures are drawn from rewards, and {result.model.name} gives none")
    return result


class MarkdownWriter:
    """Sections for a note or a comment."""

    def __init__(self, sink: Sink) -> None:
        from stepcheck.report import markdown

        self._sink, self._markdown = sink, markdown

    def begin(self, model: "Identity", *, alone: bool) -> None:  # noqa: ARG002 (the protocol's)
        """Quote the card's notice, first of all."""
        if model.notice:
            self._sink.write(self._markdown.notice(model.notice))

    def write(self, result: "Judged | Unscored") -> None:
        """Write one result in this format."""
        self._sink.write(self._markdown.render(with_rewards(result)))

    def end(self, summary: Summary) -> None:
        """Nothing is left to write."""


class HtmlWriter:
    """One page that needs nothing else."""

    def __init__(self, sink: Sink) -> None:
        from stepcheck.report import html

        self._sink, self._html = sink, html

    def begin(self, model: "Identity", *, alone: bool) -> None:  # noqa: ARG002 (the protocol's)
        """Open the page with the card's notice."""
        self._sink.write(self._html.begin("stepcheck", model.notice))

    def write(self, result: "Judged | Unscored") -> None:
        """Write one result in this format."""
        self._sink.write(self._html.render(with_rewards(result)))

    def end(self, summary: Summary) -> None:  # noqa: ARG002 (the protocol's)
        """Write what must stand behind the last result."""
        self._sink.write(self._html.end())


class SvgWriter:
    """One picture; its height is known when the last result is."""

    def __init__(self, sink: Sink) -> None:
        from stepcheck.report import svg

        self._sink, self._svg = sink, svg
        self._blocks: list[list[svg.Row]] = []

    def begin(self, model: "Identity", *, alone: bool) -> None:  # noqa: ARG002 (the protocol's)
        """Note the card's notice."""
        if model.notice:
            self._blocks.append(self._svg.note(model.notice))

    def write(self, result: "Judged | Unscored") -> None:
        """Lay a result out."""
        self._blocks.append(self._svg.lay_out(with_rewards(result)))

    def end(self, summary: Summary) -> None:  # noqa: ARG002 (the protocol's)
        """Write what must stand behind the last result."""
        self._sink.write(self._svg.picture(self._blocks, "stepcheck"))


WRITERS: dict[WrittenAs, Callable[[Sink], Writer]] = {
    WrittenAs.human: HumanWriter,
    WrittenAs.plain: PlainWriter,
    WrittenAs.json: JsonWriter,
    WrittenAs.jsonl: JsonLinesWriter,
    WrittenAs.md: MarkdownWriter,
    WrittenAs.html: HtmlWriter,
    WrittenAs.svg: SvgWriter,
}
