"""The pages of docs/ say what the code says."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from docs.pages import PAGES
from tests.test_readme import PROGRAM, masked, output

DOCS = Path(__file__).parent.parent / "docs"
PROGRAMS = [
    (path.name, program, shown)
    for path in sorted(DOCS.glob("*.md"))
    for program, shown in PROGRAM.findall(path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_makes_of_it(name: str) -> None:
    """A page that follows from the code was renewed with it: python docs/pages.py."""
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name]().rstrip() + "\n"


@pytest.mark.parametrize(("page", "program", "shown"), PROGRAMS, ids=[name for name, *_ in PROGRAMS])
def test_a_program_on_a_page_prints_what_the_page_shows(page: str, program: str, shown: str, tmp_path: Path) -> None:
    """It runs as it stands, in the root of a clone."""
    assert page
    assert masked(output("-c", program, runs=tmp_path)) == masked(shown)


def test_links_lead_somewhere() -> None:
    """Every relative link of a page, and of the README, is a file that is there, and an anchor a heading of it."""
    for path in (DOCS.parent / "README.md", *DOCS.glob("*.md")):
        for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", path.read_text(encoding="utf-8")):
            file, _, anchor = target.partition("#")
            there = path.parent / file if file else path
            assert there.exists(), f"{path.name}: {target}"
            if anchor:
                headings = re.findall(r"^#+ (.*)", there.read_text(encoding="utf-8"), re.MULTILINE)
                assert anchor in {slug(heading) for heading in headings}, f"{path.name}: {target}"


def slug(heading: str) -> str:
    """A heading's anchor, as forges make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


KEYS = re.compile(r"<!-- keys: ([\w.]+) -->\n\n\|[^\n]*\n\|[-|]*\n((?:\|[^\n]*\n)+)")


def documented() -> dict[str, set[str]]:
    """The keys that each table of the JSON contract names."""
    tables = KEYS.findall((DOCS / "json.md").read_text(encoding="utf-8"))
    return {
        name: set(re.findall(r"`([\w@]+)`", "".join(row.split("|")[1] for row in rows.splitlines())))
        for name, rows in tables
    }


def lines_of(*arguments: str, runs: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output("-m", "stepcheck", *arguments, runs=runs).splitlines()]


def test_the_json_contract_names_the_keys_that_are_printed(tmp_path: Path) -> None:
    """Each table has the keys of what its command prints, neither more nor fewer."""
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"problem": "p", "steps": ["Add."]}\n{"problem": "p"}\n', encoding="utf-8")
    (score,) = lines_of("score", "examples/wrong.md", "--format", "json", runs=tmp_path)
    (split,) = lines_of("split", "examples/wrong.md", "--format", "json", runs=tmp_path)
    command = ["bench", "processbench", "--data", "examples/labelled.jsonl", "--run", "pb", "--format", "json"]
    (processbench,) = lines_of(*command, runs=tmp_path)
    (bon,) = lines_of("bench", "bon", "examples/candidates.jsonl", "--format", "json", runs=tmp_path)
    rows = lines_of("runs", "export", "pb", runs=tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "stepcheck", "score", str(broken), "--format", "jsonl"],
        cwd=DOCS.parent, capture_output=True, text=True, encoding="utf-8", check=False, timeout=60,
    )  # fmt: skip
    printed = {
        "score": set(score),
        "score.steps": set(score["steps"][0]),
        "score.error": set(json.loads(done.stdout.splitlines()[1])),
        "split": set(split),
        "processbench": set(processbench),
        "processbench.subsets": set(processbench["subsets"]["labelled"]),
        "bon": {key for key in bon if "@" not in key},
        "runs": set(rows[0]),
    }
    assert documented() == printed
