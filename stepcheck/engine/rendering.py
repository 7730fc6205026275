"""The process in which a model's chat template is rendered: `python -m stepcheck.engine.rendering`.

A template is a program out of a file from elsewhere. It runs in jinja2's sandbox, where nothing can be changed and no
attribute is reached but a few methods of texts, lists and mappings; in a process of its own, for a sandbox bounds
neither time nor memory: a watchdog in C ends it, and its address space is limited (on Windows only the clock is).
What a template may use besides is what transformers gives one: `raise_exception`, `strftime_now`, `tojson`, loop
controls and `generation` blocks.

A question is one JSON on stdin: the template, the names of special tokens, the user's turns it is to be laid
around, and the seconds it has. The answer is one JSON on stdout: `texts`, as many as turns, or an `error` in words.
"""

import faulthandler
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from jinja2 import TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from stepcheck.bounds import bound_memory
from stepcheck.engine.turn import SECONDS

MOST_ADDRESS_SPACE: Final = 1 << 30
LONGEST: Final = 1 << 18
"""Characters of a template, and of what it makes of one turn; the longest known template has some 20,000."""
METHODS: Final = frozenset(
    {"capitalize", "count", "endswith", "find", "get", "index", "items", "keys", "lower", "lstrip", "removeprefix"}
    | {"removesuffix", "replace", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper"}
    | {"values"}
)
"""What may be called of texts, lists and mappings."""


class Sandbox(ImmutableSandboxedEnvironment):
    """jinja2's sandbox, narrower: a short list of methods, no powers, no repetition beyond what a prompt can hold."""

    intercepted_binops = frozenset({"*", "**"})

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ANN401 (jinja2's own signature)
        """Allow the methods above, and of jinja2's own values (loops, namespaces) what its sandbox does."""
        if isinstance(obj, str | bytes | int | float | list | tuple | dict | type):
            return attr in METHODS and not isinstance(obj, type)
        return super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401 (as above)
        """Multiply small things only."""
        if operator == "**" or any(isinstance(side, int) and abs(side) > LONGEST for side in (left, right)):
            raise SecurityError("reckons with powers or large numbers")
        for many, times in ((left, right), (right, left)):
            if isinstance(many, str | list | tuple) and len(many) * int(times) > LONGEST:
                raise SecurityError("repeats a text more often than a prompt has room for")
        return super().call_binop(context, operator, left, right)


class Generation(Extension):
    """`{% generation %}…{% endgeneration %}` marks an assistant's turn for training; here it is what is in it."""

    tags = {"generation"}  # noqa: RUF012 (jinja2's own name)

    def parse(self, parser: Parser) -> nodes.Node:
        """Take the block for its body."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


def render(template: str, named: Mapping[str, str], turns: list[str]) -> list[str]:
    """Lay a chat template around each turn of a user, with the beginning of the answer behind it.

    Raises:
        TemplateError: it is no template, asks for what the sandbox forbids, refuses a lone question, or is too long.
    """
    if len(template) > LONGEST:
        raise TemplateError(f"has more than {LONGEST:,} characters")
    environment = Sandbox(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    kept = {name: environment.globals[name] for name in ("range", "namespace")}
    environment.globals = {
        **kept,
        "dict": _mapping,
        "raise_exception": _refuse,
        "strftime_now": lambda form: datetime.now().astimezone().strftime(form),
    }
    environment.filters["tojson"] = _to_json
    compiled = environment.from_string(template)
    given = {**named, "tools": None, "documents": None, "add_generation_prompt": True}
    texts = []
    for turn in turns:
        pieces = compiled.generate(messages=[{"role": "user", "content": turn}], **given)
        texts.append(_joined(pieces, LONGEST + len(turn)))
    return texts


def _joined(pieces: Any, most: int) -> str:  # noqa: ANN401 (an iterator of jinja2's)
    found, size = [], 0
    for piece in pieces:
        found.append(piece)
        size += len(piece)
        if size > most:
            raise TemplateError(f"makes more than {LONGEST:,} characters of one turn")
    return "".join(found)


def _refuse(message: object) -> None:
    raise TemplateError(f"refuses a lone question: {message}")


def _mapping(*pairs: Any, **named: Any) -> dict[Any, Any]:  # noqa: ANN401 (as dict)
    """Stand in for `dict`, whose own attributes a template needs not reach."""
    return dict(*pairs, **named)


def _to_json(value: Any, **how: Any) -> str:  # noqa: ANN401 (any JSON)
    """Write JSON as transformers does, without escaping what HTML would want escaped."""
    known = ("indent", "separators", "sort_keys")
    return json.dumps(value, ensure_ascii=False, **{name: how[name] for name in known if name in how})


def _answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"texts": render(asked["template"], asked["named"], asked["turns"])}
    except MemoryError:
        return {"error": "needs more than 1 GB"}
    except Exception as error:  # noqa: BLE001 (this process's edge: whatever a foreign program raises is its fault)
        said = str(error) if isinstance(error, TemplateError) else f"{type(error).__name__}: {error}"
        return {"error": said[:500]}


def main() -> None:
    """Answer the one question that stands on stdin."""
    faulthandler.dump_traceback_later(SECONDS, exit=True)
    bound_memory(MOST_ADDRESS_SPACE)
    asked = json.load(sys.stdin.buffer)
    faulthandler.dump_traceback_later(asked["seconds"], exit=True)
    sys.stdout.buffer.write(json.dumps(_answer(asked)).encode())


if __name__ == "__main__":
    main()
