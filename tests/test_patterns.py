"""Patterns that are compiled when they are first used."""

import copy
import re

import pytest

from stepcheck.patterns import regex


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str | bytes]:
    """What is compiled while a test runs."""
    seen: list[str | bytes] = []
    real = re.compile

    def compile_seen(source: str | bytes, flags: int = 0) -> object:
        seen.append(source)
        return real(source, flags)

    monkeypatch.setattr(re, "compile", compile_seen)
    return seen


def test_a_pattern_is_compiled_at_its_first_use_and_once(compiled: list[str | bytes]) -> None:
    """Stating it and reading its source cost nothing; two searches compile it once."""
    digits = regex(r"(?P<n>\d+)")
    assert digits.pattern == r"(?P<n>\d+)"
    assert repr(digits) == r"regex('(?P<n>\\d+)')"
    assert not compiled
    assert digits.search("a 12") is not None
    assert digits.findall("3 4") == ["3", "4"]
    assert compiled == [r"(?P<n>\d+)"]


def test_it_is_used_as_a_compiled_one() -> None:
    """Flags, places, bytes, attributes: all that `re.Pattern` has; a name that it has not is an error."""
    lines = regex(r"^b", re.MULTILINE)
    assert [match.start() for match in lines.finditer("a\nb\nb", 3)] == [4]
    assert lines.flags & re.MULTILINE
    assert regex(rb"x+").sub(b"y", b"axxa") == b"aya"
    assert regex(r"(?P<n>1)").groupindex == {"n": 1}
    assert copy.copy(lines).match("b") is not None
    with pytest.raises(AttributeError, match="nonsense"):
        lines.nonsense  # type: ignore[attr-defined]  # noqa: B018 (that it fails is the point)
