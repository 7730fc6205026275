import io
import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from stepcheck.errors import InputError, TooLongError
from stepcheck.judge import Unscored
from stepcheck.report import human, plain, records
from stepcheck.report.band import MARGIN, Band, band
from stepcheck.report.clean import HOSTILE as HOSTILE_CHARACTERS
from stepcheck.report.clean import clean, clean_json, clean_line
from stepcheck.report.place import place, sentence
from stepcheck.report.summary import Summary
from stepcheck.report.wrapping import unbroken
from tests.fakes import document, review

GOLDEN = Path(__file__).parent / "golden"

# One of each class that can act on a terminal, reorder text or hide in it; a name for the failure message.
HOSTILE = {
    "NUL": "\x00",
    "bell": "\x07",
    "backspace": "\x08",
    "vertical tab": "\x0b",
    "form feed": "\x0c",
    "carriage return": "a\rb",
    "shift out": "\x0e",
    "colour": "\x1b[31m",
    "erase": "\x1b[2J",
    "title (OSC 0)": "\x1b]0;owned\x07",
    "link (OSC 8)": "\x1b]8;;http://x\x1b\\y",
    "clipboard (OSC 52)": "\x1b]52;c;ZXZpbA==\x07",
    "device query (DCS)": "\x1bP+q544e\x1b\\",
    "reset": "\x1bc",
    "delete": "\x7f",
    "CSI of one character (C1)": "\x9b31m",
    "OSC of one character (C1)": "\x9d0;owned\x9c",
    "next line (C1)": "\x85",
    "right-to-left override": "\u202e",
    "isolate": "\u2066",
    "right-to-left mark": "\u200f",
    "line separator": "\u2028",
    "zero-width space": "\u200b",
    "byte-order mark": "\ufeff",
    "tag": "\U000e0041",
    "lone surrogate": "\ud800",
}
KEPT = {"\n", "\u200c", "\u200d"}  # the joiners write Persian and emoji


def forbidden(text: str) -> list[str]:
    """List the characters of Unicode's control, format, surrogate and separator classes that may not be shown."""
    return [c for c in text if c not in KEPT and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


def rendered(result: object, width: int = 80, encoding: str = "utf-8") -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace")
    console = human.console_for(stream)
    console.width = width
    with console.capture() as capture:
        console.print(human.render(result, human.symbols_for(encoding), width, bars=True))  # type: ignore[arg-type]
    return capture.get()


REVIEW = review(
    "She sold 48 / 2 = 24 clips in May.",
    "Altogether 48 + 24 = 82 clips. {0.031}",
    "The answer is 82. {0.52}",
    problem="Natalia sold clips to 48 friends in April, and half as many in May. How many altogether?",
    source="clips.md",
    notes=("the first paragraph was taken as the problem",),
)
FAILED = Unscored("answers.jsonl", TooLongError("5000 tokens, but the context is 4096"), line=7, id="q7")


@pytest.mark.parametrize("name", HOSTILE)
def test_clean_leaves_nothing_that_acts(name: str) -> None:
    """Every class of hostile character becomes visible, and the text around it stays."""
    shown = clean(f"before{HOSTILE[name]}after")
    assert not forbidden(shown), name
    assert shown.startswith("before")
    assert shown.endswith("after")
    assert len(shown) > len("beforeafter")


def test_clean_knows_every_control_and_format_character() -> None:
    """No character of the dangerous classes passes, but for signs of scripts that join letters."""
    harmless = {"Kaithi", "Arabic", "Syriac", "Egyptian", "Khitan"}
    passed = {c for c in map(chr, range(0x110000)) if c not in KEPT and forbidden(clean(c))}
    strange = {f"U+{ord(c):04X}" for c in passed if unicodedata.name(c, "?").split()[0].title() not in harmless}
    assert not strange


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    """Cleaned text is clean: a second boundary on the way would not garble it."""
    assert clean(clean(text)) == clean(text)
    assert "\n" not in clean_line(text)


def test_clean_json_escapes_each_hostile_character_alone() -> None:
    """Whatever `clean` makes visible is escaped, also where nothing else in the text calls for a look."""
    hostile = HOSTILE_CHARACTERS.findall("".join(map(chr, range(0x110000))))
    assert len(hostile) > 2_000
    assert [each for each in hostile if each in clean_json(f'{{"text": "{each}"}}')] == []


@given(st.text())
def test_clean_json_keeps_the_data(text: str) -> None:
    """Escaping protects the terminal and loses nothing: what a program reads is what was there."""
    encoded = clean_json(json.dumps({"text": text}, ensure_ascii=False))
    assert json.loads(encoded) == {"text": text}
    assert not [c for c in forbidden(encoded) if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_format_lets_control_characters_through(name: str) -> None:
    """Problem, steps, ids, sources, notes and error messages are cleaned in every format."""
    evil = HOSTILE[name]
    result = review(
        f"a{evil}b", f"c{evil}d {{0.1}}", problem=f"p{evil}", source=f"s{evil}", id=f"i{evil}", notes=(evil,)
    )
    failed = Unscored(f"s{evil}", InputError(f"m{evil}"), id=f"i{evil}")
    for item in (result, failed):
        fields = "".join("".join(line.split("\t", 4)) for line in plain.lines(item))  # our own four tabs taken out
        outputs = [rendered(item), fields, records.encode(records.record(item))]
        assert [forbidden(output) for output in outputs] == [[], [], []]


def test_brackets_are_shown_not_obeyed() -> None:
    """Markup in a solution is mathematics: `[/red]` neither crashes nor vanishes."""
    text = "f([x]) = [/tex] [red]y[/red] [@click=app.quit]z[/] :smile: [link=file:///]"
    assert text in rendered(review(text), width=200)


@pytest.mark.parametrize(
    ("reward", "threshold", "expected"),
    [
        (0.49, 0.5, Band.bad),
        (0.5, 0.5, Band.doubtful),  # not under the threshold: the verdict does not call it wrong
        (0.5 + MARGIN - 0.01, 0.5, Band.doubtful),
        (0.5 + MARGIN, 0.5, Band.good),
        (0.94, 0.9, Band.doubtful),  # margin (1 − 0.9) / 2 = 0.05
        (0.96, 0.9, Band.good),
        (1.0, 1.0, Band.good),
        (0.0, 0.0, Band.doubtful),
    ],
)
def test_band(reward: float, threshold: float, expected: Band) -> None:
    """Bad is exactly what is under the threshold; doubtful is what is close above it."""
    assert band(reward, threshold) is expected


def test_record_is_the_contract() -> None:
    """Schema 1, key by key, in order, with the sums by hand: 0.99 · 0.031 · 0.52 = 0.01595880."""
    record = records.record(REVIEW)
    assert list(record) == [
        *("schema", "source", "line", "id", "candidate", "problem", "steps", "first_error", "threshold"),
        *("aggregates", "model", "tokens", "seconds", "notes"),
    ]
    assert record["steps"][1] == {
        "index": 1,
        "text": "Altogether 48 + 24 = 82 clips. {0.031}",
        "start": None,
        "end": None,
        "reward": 0.031,
    }
    assert record["first_error"] == 1
    assert record["aggregates"] == {"product": 0.0159588, "min": 0.031, "last": 0.52, "mean": 0.513667}
    assert record["model"] == {"name": "nano", "sha256": "0" * 64}


def test_record_of_a_failure() -> None:
    """A document that was not scored stands in its place, with the stable word for what happened."""
    assert records.record(FAILED) == {
        "schema": 1,
        "source": "answers.jsonl",
        "line": 7,
        "id": "q7",
        "candidate": None,
        "error": {"kind": "too_long", "message": "5000 tokens, but the context is 4096"},
    }


def test_rounding_does_not_cross_the_threshold() -> None:
    """0.4999999 rounds to 0.5, which a reader of the JSON would pass: such a reward is written in full."""
    assert records.rounded(0.4999999, 0.5) == 0.4999999
    assert records.rounded(0.1234567, 0.5) == 0.123457


def test_plain_has_five_fields() -> None:
    """Place, step, judgement, reward, text: parted by tabs, whatever the text holds."""
    result = review("one\ttab\nand newline", "bad {0.2}", "worse {0.1}", source="a.jsonl", line=3, candidate=1)
    assert list(plain.lines(result)) == [
        "a.jsonl:3[1]\t1\tok\t0.9900\tone tab and newline",
        "a.jsonl:3[1]\t2\tfirst-error\t0.2000\tbad {0.2}",
        "a.jsonl:3[1]\t3\twrong\t0.1000\tworse {0.1}",
    ]
    assert list(plain.lines(FAILED)) == ["answers.jsonl:7\t\terror\t\t5000 tokens, but the context is 4096"]


def test_places() -> None:
    """A document is called by source, line and candidate; a message that begins with its place gets no other."""
    assert place(document("x")) == "standard input"
    assert place(document("x", source="a.jsonl", line=2, candidate=0)) == "a.jsonl:2[0]"
    assert sentence(FAILED) == "answers.jsonl:7: 5000 tokens, but the context is 4096"
    assert sentence(Unscored("a.md", InputError("a.md: no such file"))) == "a.md: no such file"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_human_golden(width: int) -> None:
    """The page as a person sees it; a change of layout shows as a change of this file."""
    page = "".join(f"{line.rstrip()}\n" for line in rendered(REVIEW, width).splitlines())
    assert page == (GOLDEN / f"human-{width}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", range(60, 201, 10))
def test_human_fits(width: int) -> None:
    """No line is wider than the terminal: Chinese (two cells a character), long words, emoji, empty lines."""
    steps = ("总共卖出了四十八个夹子。" * 20 + " {0.2}", "x" * 500, "🙂" * 90, "a\n\nb {0.55}", "中" * 101)
    page = rendered(review(*steps, problem="问题" * 120, source="长" * 40), width)
    assert max(cell_len(line) for line in page.splitlines()) <= width
    assert page.count("四十八") >= 10


def test_human_hangs_long_steps() -> None:
    """A wrapped step goes on under its text, not under its number."""
    lines = rendered(review("word " * 60), 80).splitlines()
    first = next(i for i, line in enumerate(lines) if " 1 ✓" in line)
    assert lines[first].index("word") == lines[first + 1].index("word")


def test_human_says_it_without_colour() -> None:
    """Glyph, number, bar and words carry the judgement; steps after the first error are still numbered."""
    page = rendered(REVIEW)
    assert "✓ 0.990 ██████████" in page
    assert "✗ 0.031 ··········" in page
    assert "~ 0.520 █████·····" in page
    assert page.count("◀ first error") == 1
    assert "✗ Step 2 is the first error: reward 0.031, threshold 0.5." in page
    assert "✓ No step is under the threshold 0.5." in rendered(review("fine"))


def test_human_on_an_old_console() -> None:
    """Code page 1252 has no ✓: other signs are used, and no character is lost."""
    page = rendered(REVIEW, encoding="cp1252")
    page.encode("cp1252")
    assert "x 0.031" in page
    assert "<- first error" in page


def test_summary_counts() -> None:
    """Three documents: one right, one wrong, one not scored; the lowest reward is kept."""
    summary = Summary()
    for item in (review("fine"), REVIEW, FAILED):
        summary.add(item)
    assert (summary.done, summary.wrong, summary.unscored, summary.lowest) == (3, 1, 1, 0.031)
    assert summary.first_failure is FAILED


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A shop sells 85 apples before noon and 37 of them in the long\nafternoon. How many?", None),
        ("Ada has 3\napples.", "Ada has 3 apples."),
        ("小华家的果园收了 8 筐梨，每筐 35 个，他们送给邻居 40 个，剩下的平均装进\n十个盒子。", None),
        ("x + y = 3\nX - y = 1", "x + y = 3\nX - y = 1"),
        ("These are the numbers that are given in the table that stands below:\n- 3\n- 4", None),
        ("One paragraph of a problem that is so long that nobody could miss it.\n\nAnother one.", None),
        ("A line that is long enough to be broken, with a break that is meant  \nHere.", None),
    ],
)
def test_breaks_that_kept_the_source_narrow_are_joined(text: str, shown: str | None) -> None:
    """Prose goes on over a line's end, without a blank between Chinese signs; lists, equations and paragraphs stay."""
    joined = {0: text.replace("\n", " "), 2: text.replace("\n", "")}
    cases = [case for case in joined.values() if case != text]
    if shown is not None:
        assert unbroken(text) == shown
    elif "- 3" in text or "\n\n" in text or "  \n" in text:
        assert unbroken(text) == text
    else:
        assert unbroken(text) == cases["小" in text]
