"""The pages of docs/ say what the code says."""

import re
from pathlib import Path

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
