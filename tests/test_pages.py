"""Results as Markdown, HTML and SVG: what they say, that they need nothing else, and that foreign text is text."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from stepcheck.errors import InputError, TooLongError
from stepcheck.judge import Judged, Unscored
from stepcheck.report import html, markdown, svg
from stepcheck.report.wrapping import clip, wrap
from stepcheck.tui.files.export import export, render
from tests.fakes import review
from tests.test_report import HOSTILE, forbidden

GOLDEN = Path(__file__).parent / "golden"
REVIEW = review(
    r"She sold $\frac{48}{2} = 24$ clips in May.",
    "Altogether $48 + 24 = 82$ clips. {0.031}",
    "The answer is 82. {0.52}",
    problem="Natalia sold clips to 48 friends in April, and half as many in May. How many altogether?",
    source="clips.md",
    id="clips",
)
FAILED = Unscored("answers.jsonl", TooLongError("5000 tokens, but the context is 4096"), line=7, id="q7")


def page(result: Judged | Unscored) -> str:
    return html.begin("clips", "A demonstration.") + html.render(result) + html.end()


def picture(result: Judged | Unscored) -> str:
    return svg.picture([svg.note("A demonstration."), svg.lay_out(result)], "clips")


def note(result: Judged | Unscored) -> str:
    return markdown.notice("A demonstration.") + markdown.render(result)


FORMS: dict[str, Callable[[Judged | Unscored], str]] = {"md": note, "html": page, "svg": picture}


@pytest.mark.parametrize("form", FORMS)
def test_golden(form: str) -> None:
    """The three formats are what they were; renew with `python tests/test_pages.py` and look at them."""
    assert FORMS[form](REVIEW) == (GOLDEN / f"review.{form}").read_text(encoding="utf-8")


@pytest.mark.parametrize("form", FORMS)
def test_what_they_say(form: str) -> None:
    """Each says the reward of every step, the first error, the threshold, the aggregates, and the card's notice."""
    text = FORMS[form](REVIEW)
    for words in (
        "0.990",
        "0.031",
        "0.520",
        "first error",
        "threshold 0.5",
        "A demonstration.",
        "clips.md",
        "min 0.031",
    ):
        assert words in text
    failed = FORMS[form](FAILED)
    assert "answers.jsonl:7" in failed
    assert "5000 tokens" in failed


def test_formulas() -> None:
    """HTML and SVG show formulas in Unicode, or as written if asked to; Markdown keeps LaTeX."""
    assert "48/2 = 24" in page(REVIEW)
    assert "48/2 = 24" in picture(REVIEW)
    assert r"$\frac{48}{2} = 24$" in note(REVIEW)
    assert r"\frac{48}{2}" in html.render(REVIEW, source_shown=True)
    assert r"\frac{48}{2}" in svg.picture([svg.lay_out(REVIEW, source_shown=True)], "")


@pytest.mark.parametrize("form", FORMS)
def test_they_need_nothing_else(form: str) -> None:
    """No script, no address but the SVG's own namespace."""
    text = FORMS[form](REVIEW).replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//|<script|url\(|@import|<link|<img", text)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]


EVIL = '<script>alert(1)</script><img src=x onerror=alert(1)> & "quoted" ![a](http://x/y.png) [b](javascript:x) {0.2}'


def test_foreign_tags_are_text() -> None:
    """Tags, quotes and Markdown's links in a step are shown and do nothing."""
    evil = review(EVIL, problem=EVIL, source="<b>.md", id="<i>")
    parser = _Tags()
    parser.feed(page(evil))
    assert not parser.tags & {"script", "img", "b", "i", "a"} - {"i"}
    assert "&lt;script&gt;" in page(evil)
    root = ET.fromstring(picture(evil))  # noqa: S314 (our own text)
    assert {element.tag.rsplit("}", 1)[-1] for element in root.iter()} == {"svg", "title", "rect", "text"}
    text = note(evil)
    assert "<script" not in text
    assert "<img" not in text
    assert "](" not in text.replace("\\](", "")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", HOSTILE)
def test_control_characters_are_shown(form: str, name: str) -> None:
    """No control or direction character gets into a file."""
    text = HOSTILE[name]
    assert forbidden(FORMS[form](review(f"a {text} b {{0.2}}", problem=text, source=text, id=text))) == []


def test_svg_stays_valid_with_anything() -> None:
    """Wide characters, tabs and huge steps: still XML, and nothing is cut without saying so."""
    text = picture(review("解" * 200, "a\tb " * 300, "x" * 300_000))
    ET.fromstring(text)  # noqa: S314 (our own text)
    assert "100,000 more characters" in text


def test_export_by_suffix(tmp_path: Path) -> None:
    """The name says the format; several results go into one file; an unknown suffix is an error."""
    for suffix in (".md", ".html", ".svg"):
        export(tmp_path / f"a{suffix}", [REVIEW, FAILED], source_shown=False)
        text = (tmp_path / f"a{suffix}").read_text(encoding="utf-8")
        assert "clips.md" in text
        assert "5000 tokens" in text
    assert render(Path("a.json"), [REVIEW, REVIEW], source_shown=False).startswith("[\n{")
    with pytest.raises(InputError, match=r"\.txt"):
        export(tmp_path / "a.txt", [REVIEW], source_shown=False)
    with pytest.raises(InputError, match="cannot be written"):
        export(tmp_path / "no" / "a.md", [REVIEW], source_shown=False)


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("a bc def", 4, ["a bc", "def"]),
        ("abcdef", 4, ["abcd", "ef"]),
        ("解解解", 4, ["解解", "解"]),
        ("a\n\nb", 4, ["a", "", "b"]),
        ("", 4, [""]),
    ],
)
def test_wrap(text: str, width: int, lines: list[str]) -> None:
    """Lines end at spaces where there are some, and count cells, not characters."""
    assert wrap(text, width) == lines


def test_wrap_and_clip_say_what_is_missing() -> None:
    """What does not fit ends in an ellipsis."""
    assert wrap("a b c d", 3, 1) == ["a…"]
    assert clip("abcdef", 4) == "abc…"
    assert clip("解解解", 4) == "解…"
    assert clip("abcd", 4) == "abcd"


def renew() -> None:
    """Write the golden files anew."""
    for form, make in FORMS.items():
        (GOLDEN / f"review.{form}").write_text(make(REVIEW), encoding="utf-8")


if __name__ == "__main__":
    renew()
