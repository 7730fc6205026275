"""Front matter: the YAML between two `---` at the top of a document.

Owns how it is found and read. Refuses what can explode (aliases, deep nesting, much text) and what YAML makes of plain
words: every value is the text that was written, so `answer: 1_000` stays `1_000` and `3:30` is no number.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepcheck.errors import InputError
from stepcheck.patterns import regex

if TYPE_CHECKING:
    import yaml

_LARGEST = 64 * 1024
_DEEPEST = 16
_KEYS = ("problem", "answer", "id")
_FENCED = regex(r"---[ \t]*(?:\r\n?|\n)(?P<yaml>.*?)^(?:---|\.\.\.)[ \t]*(?:\r\n?|\n|\Z)", re.DOTALL | re.MULTILINE)
_KEY_FIRST = regex(r"(?:[ \t]*(?:#.*)?\n)*[\w-]+[ \t]*:(?:[ \t\n]|\Z)")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The keys that are read; others are somebody's metadata and are left alone. `end` is where the document begins."""

    end: int = 0
    problem: str | None = None
    answer: str | None = None
    id: str | None = None


def read(text: str, name: str) -> FrontMatter:
    """The front matter of a text; an empty one where there is none (a first line `---` may be just a rule).

    Raises InputError with `name` and line: no valid YAML, an alias, a value that is not text, a key twice.
    """
    start = text[:_LARGEST].replace("\r\n", " \n").replace("\r", "\n")
    match = _FENCED.match(start)
    if match is None or not _KEY_FIRST.match(match["yaml"]):
        return FrontMatter()
    written = text[match.start("yaml") : match.end("yaml")]
    found = _parse(written.replace("\r\n", "\n").replace("\r", "\n"), name)
    for key in ("problem", "id"):
        if key in found and not found[key].strip():
            raise InputError(f"{name}: `{key}` in the front matter is empty")
    return FrontMatter(match.end(), **found)


def _parse(source: str, name: str) -> dict[str, str]:
    import yaml

    try:
        depth = 0
        for event in yaml.parse(source, Loader=yaml.BaseLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if isinstance(event, yaml.AliasEvent):
                raise _refuse(name, event, "aliases (`*name`) are not read; put a value that begins with * in quotes")
            if depth > _DEEPEST:
                raise _refuse(name, event, f"nested more than {_DEEPEST} deep")
        return _chosen(yaml.compose(source, Loader=yaml.BaseLoader), name)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 2}" if mark else ""
        raise InputError(f"{name}{line}: front matter is not YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{name}: front matter is not YAML: {error}") from error


def _chosen(root: "yaml.Node | None", name: str) -> dict[str, str]:
    import yaml

    found: dict[str, str] = {}
    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        if key.value not in _KEYS:
            continue
        if not isinstance(value, yaml.ScalarNode):
            raise _refuse(name, value, f"`{key.value}` must be text")
        if key.value in found:
            raise _refuse(name, key, f"`{key.value}` is given twice")
        found[key.value] = value.value
    return found


def _refuse(name: str, part: "yaml.Event | yaml.Node", message: str) -> InputError:
    line = f":{part.start_mark.line + 2}" if part.start_mark else ""
    return InputError(f"{name}{line}: front matter: {message}")
