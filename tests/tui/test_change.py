"""Changes of steps: the new text says exactly what was meant, in the layout it had, and is saved byte for byte."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepcheck.document import Document, read, reread
from stepcheck.document.saving import patch, save
from stepcheck.errors import InputError
from stepcheck.tui.files.reading import Target
from stepcheck.tui.judging.history import History
from stepcheck.tui.solution.edit.change import change, shifted
from tests.search import examples

LAYOUTS = {
    "numbers": "# Problem\nP\n\n# Solution\n\n1. One is 1.\n2. Two is 2.\n3. Three is 3.\n\n# Answer\n\n3\n",
    "headings": "---\nproblem: P\n---\n\n## Step 1: One\n\nis 1.\n\n## Step 2: Two\n\nis 2.\n\n"
    "## Step 3: Three\n\nis 3.\n",
    "lines": "P\n\nStep 1: One is 1.\nStep 2: Two is 2.\nStep 3: Three is 3.\n",
    "paragraphs": "P\n\nOne is 1.\n\nTwo is 2.\n\nThree is 3.\n",
    "windows": "P\r\n\r\nOne is 1.\r\n\r\nTwo is 2.\r\n\r\nThree is 3.\r\n",
    "counted titles": "# Problem\nP\n# Solution\n\n### 1. One\n\nis 1.\n\n### 2. Two\n\nis 2.\n\n### 3. Three\nis 3.\n",
    "German": "Aufgabe: P\n\nLösung:\n\nSchritt 1: One is 1.\n\nSchritt 2: Two is 2.\n\nSchritt 3: Three is 3.\n",
    "thinking": "# Problem\nP\n\n# Solution\n\n<think>Hm.</think>\n\nOne is 1.\n\nTwo is 2.\n\nThree is 3.<|im_end|>\n",
    "marks": "# Problem\nP\n\n# Solution\n\nOne is 1. ки\nTwo is 2. ки\nThree is 3. ки\n",
    "br": "# Problem\nP\n\n# Solution\n\nOne is 1.<br>\nTwo is 2.<br>\nThree is 3.\n",
    "bullets": "# Problem\nP\n# Solution\n- One is 1.\n- Two is 2.\n- Three is 3.\n",
    "counted": "# Problem\nP\n# Solution\n(1) One is 1.\n(2) Two is 2.\n(3) Three is 3.\n",
    "circled": "题目：P\n\n解答：\n\n①一是1。\n②二是2。\n③三是3。\n",
    "chinese": "题目：P\n\n解答：\n\n第一步：一是1。\n\n第二步：二是2。\n\n第三步：三是3。\n",
}


def test_ready_steps_with_marks_are_saved(tmp_path: Path) -> None:
    """A step that is not touched keeps its mark in the file."""
    path = tmp_path / "x.jsonl"
    path.write_text('{"problem": "P", "steps": ["a <extra_0>", "b <extra_0>"]}\n', encoding="utf-8")
    (document,) = read(path)
    assert isinstance(document, Document)
    save(document, change(document, slice(0, 1), ["c"], reread))
    assert path.read_text(encoding="utf-8") == '{"problem": "P", "steps": ["c", "b <extra_0>"]}\n'


def test_a_target_is_read_with_its_thinking(tmp_path: Path) -> None:
    """What was asked for holds for a file, for its changes and for the next file that is opened."""
    path = tmp_path / "x.md"
    path.write_text("# Problem\nP\n# Solution\n<think>a</think>\n\nb", encoding="utf-8")
    for kept in (False, True):
        target = Target(str(path), keep_thinking=kept)
        (document,) = target.read()
        assert isinstance(document, Document)
        assert texts(document) == texts(target.reread(document, document.text or "")) == ["a", "b"][not kept :]


def opened(text: str, path: Path) -> Document:
    path.write_bytes(text.encode())
    (document,) = read(path)
    assert isinstance(document, Document)
    return document


def texts(document: Document) -> list[str]:
    return [" ".join(step.text.split()) for step in document.steps]


@pytest.fixture(params=LAYOUTS)
def document(request: pytest.FixtureRequest, tmp_path: Path) -> Document:
    """A solution of three steps in one of the layouts that people use."""
    return opened(LAYOUTS[request.param], tmp_path / "solution.md")


def test_edit(document: Document) -> None:
    """An edited step changes nothing but its own characters."""
    new = change(document, slice(1, 2), ["Two is 22."], reread)
    assert texts(new) == [texts(document)[0], "Two is 22.", texts(document)[2]]
    old = document.steps[1]
    assert new.text == document.text[: old.start] + "Two is 22." + document.text[old.end :]  # type: ignore[index]


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_insert(document: Document, place: int) -> None:
    """A new step gets the mark of its layout; the steps after it keep their words."""
    new = change(document, slice(place, place), ["It is new."], reread)
    assert texts(new) == [*texts(document)[:place], "It is new.", *texts(document)[place:]]
    assert new.answer == document.answer


@pytest.mark.parametrize("place", [0, 1, 2])
def test_delete(document: Document, place: int) -> None:
    """A deleted step takes its mark along."""
    new = change(document, slice(place, place + 1), [], reread)
    assert texts(new) == [*texts(document)[:place], *texts(document)[place + 1 :]]


def test_join_and_split(document: Document) -> None:
    """Two steps become one, and one becomes two; both at once give the same steps again."""
    first, second = (step.text for step in document.steps[:2])
    joined = change(document, slice(0, 2), [f"{first} {second}"], reread)
    assert texts(joined) == [" ".join(f"{first} {second}".split()), texts(document)[2]]
    parted = change(joined, slice(0, 1), [first, second], reread)
    assert texts(parted) == texts(document)


def test_numbers_go_on(tmp_path: Path) -> None:
    """The marks behind an inserted step are counted on."""
    document = opened(LAYOUTS["headings"], tmp_path / "a.md")
    new = change(document, slice(1, 1), ["New"], reread)
    assert [line for line in (new.text or "").splitlines() if line.startswith("##")] == [
        "## Step 1: One",
        "## Step 2: New",
        "## Step 3: Two",
        "## Step 4: Three",
    ]


def test_a_layout_that_cannot_carry_it(tmp_path: Path) -> None:
    """An open formula would swallow the steps after it: refused, with a reason, and nothing is changed."""
    document = opened("P\n\nOne.\n\nTwo.\n\nSo $$x$$.", tmp_path / "a.md")
    with pytest.raises(InputError, match="layout"):
        change(document, slice(0, 1), ["One $$ is"], reread)
    with pytest.raises(InputError, match="at least one"):
        change(opened("P\n\nOne.", tmp_path / "b.md"), slice(0, 1), [], reread)


def test_an_edit_may_become_two_steps(tmp_path: Path) -> None:
    """Who types a blank line gets two steps, as the file says."""
    document = opened(LAYOUTS["paragraphs"], tmp_path / "a.md")
    assert len(change(document, slice(1, 2), ["Two.\n\nAnd a half."], reread).steps) == 4


@pytest.mark.parametrize(
    ("gap", "by", "expected"),
    [
        ("\n\n3. ", 1, "\n\n4. "),
        ("\n9) ", 1, "\n10) "),
        ("\n\n## Step 2: ", -1, "\n\n## Step 1: "),
        ("\n第二步：", 1, "\n第三步："),
        ("\n②", 2, "\n④"),
        ("\n\n", 1, "\n\n"),
    ],
)
def test_marks_are_counted_on(gap: str, by: int, expected: str) -> None:
    """Digits, circled and Chinese numbers."""
    assert shifted(gap, by) == expected


def test_history() -> None:
    """Undo goes back, redo forward again, and a new change forgets what was undone."""
    a, b, c = (Document("P", (), text=text) for text in "abc")
    history = History(a)
    history.remember(a)
    history.remember(b)
    assert history.undo(c) is b
    assert history.undo(b) is a
    assert history.undo(a) is None
    assert history.redo(a) is b
    history.remember(b)
    assert history.redo(c) is None
    assert history.changed(b)
    assert not history.changed(a)


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_text_files_are_saved_byte_for_byte(layout: str, bom: bytes, tmp_path: Path) -> None:
    """Only the step's bytes change; BOM, line ends and everything else stay."""
    path = tmp_path / "solution.md"
    path.write_bytes(bom + LAYOUTS[layout].encode())
    (document,) = read(path)
    assert isinstance(document, Document)
    last = document.steps[2].text
    new = change(document, slice(2, 3), ["So 3 × 1 = 3."], reread)
    save(document, new)
    assert path.read_bytes() == bom + LAYOUTS[layout].replace(last, "So 3 × 1 = 3.").encode()


def test_somebody_else_changed_the_file(tmp_path: Path) -> None:
    """A file that no longer holds what was read is not overwritten."""
    path = tmp_path / "a.md"
    document = opened(LAYOUTS["numbers"], path)
    path.write_text("something else")
    with pytest.raises(InputError, match="changed by somebody else"):
        save(document, change(document, slice(0, 1), ["x"], reread))
    assert path.read_text() == "something else"


ROWS = (
    '{ "id":1,"problem" :"P", "steps": ["One \\u00e9",\t"Two"  ], "answer": 1.50 }\n'
    '{"problem": "P", "note": {"steps": ["no"]}, "responses": ["A.\\n\\nB.", "C.\\n\\nD."], "x": [1, 2]}\n'
    '{"problem": "P", "solution": "A 🎲.\\n\\nB."}\n'
)


@pytest.mark.parametrize("form", ["jsonl", "json", "one line"])
def test_rows_are_saved_byte_for_byte(form: str, tmp_path: Path) -> None:
    """Of a row only the strings that changed are written anew, in any of the ways that rows come in."""
    text = ROWS if form == "jsonl" else "[" + ROWS.strip().replace("\n", ",\n" if form == "json" else ",") + "]\n"
    path = tmp_path / ("rows.jsonl" if form == "jsonl" else "rows.json")
    path.write_bytes(text.encode())
    documents = [item for item in read(path) if isinstance(item, Document)]
    assert len(documents) == 4
    edits = [("Two", "2"), ("B.", "Bee."), ("D.", "Dee."), ("B.", "Bee.")]
    expected = text
    for document, (old, new) in zip(documents, edits, strict=True):
        data = patch(text.encode(), document, change(document, slice(1, 2), [new], reread))
        at = text.rindex(f"{old}") if document is documents[3] else text.index(f"{old}")
        expected = text[:at] + new + text[at + len(old) :]
        assert data.decode() == expected


def test_rows_gain_and_lose_steps(tmp_path: Path) -> None:
    """A list of steps grows and shrinks; steps that stay keep their spelling."""
    path = tmp_path / "rows.jsonl"
    path.write_text(ROWS, encoding="utf-8")
    document = next(iter(read(path)))
    assert isinstance(document, Document)
    more = change(document, slice(2, 2), ["Three"], reread)
    save(document, more)
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first == '{ "id":1,"problem" :"P", "steps": ["One \\u00e9",\t"Two",\t"Three"  ], "answer": 1.50 }'
    save(more, change(more, slice(0, 2), [], reread))
    assert json.loads(path.read_text(encoding="utf-8").splitlines()[0])["steps"] == ["Three"]
    assert path.read_text(encoding="utf-8").splitlines()[1:] == ROWS.splitlines()[1:]


@settings(max_examples=examples(60))
@given(
    layout=st.sampled_from(sorted(LAYOUTS)),
    moves=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=6),
)
def test_any_changes_read_back(
    layout: str, moves: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """After any changes the text, read as a file, has the steps that are shown."""
    path = tmp_path_factory.mktemp("any") / "a.md"
    document = opened(LAYOUTS[layout], path)
    for kind, at in moves:
        place = at % len(document.steps)
        steps, new = [
            (slice(place, place), ["So it is 7."]),
            (slice(place, place + 1), []),
            (slice(place, place + 1), ["It is 8."]),
            (slice(place, place + 2), [" ".join(step.text for step in document.steps[place : place + 2])]),
        ][kind]
        try:
            document = change(document, steps, new, reread)
        except InputError:
            continue
    again = opened(document.text or "", path)
    assert again.steps == document.steps
