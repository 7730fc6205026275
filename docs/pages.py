"""Write the pages of docs/ that follow from the code: `python docs/pages.py` renews them, a test holds them to it."""

import ast
import inspect
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import stepcheck
from stepcheck.hub.disk.store import builtin_dir, list_models
from stepcheck.prm.card import ModelCard

DOCS = Path(__file__).parent
SUBSETS = ("gsm8k", "math", "olympiadbench", "omnimath", "average")
READ = {
    "mlp": "a small network (Linear, ReLU, Linear) on the state at a mark behind each step",
    "linear": "one linear layer on the state at a separator behind each step",
    "ensemble": "several small networks on the state at a mark; their spread is an uncertainty",
    "token_pair": "the likelier of two tokens of the language model at a mark",
    "outcome": "an outcome model: one value at the end of every prefix of the solution",
    "log_ratio": "the sum of log-ratios of two language models up to each step",
    "critic": "a critic: asked in words, names the first wrong step",
}
INTRODUCTION = (
    "Every model that has a card in `models/`. Sizes are those of the weights in memory; the KV cache comes on top",
    "(`stepcheck models show NAME` says how much). Figures are the published ones, each with its source.",
    "`stepcheck models pull NAME` fetches a model.",
)
API_INTRODUCTION = (
    "What `import stepcheck` gives; all else may change without a word. README has a first program, and",
    "[write your own judge](own-judge.md) the protocol that commands, benches and the app know of a judge.",
)


def judges() -> str:
    """Every card: what it is, how large, under which licence, how it is read, and what was published of it."""
    cards = sorted((entry.card for entry in list_models(builtin_dir()) if entry.card), key=lambda card: card.name)
    unique = list({card.name: card for card in cards}.values())
    overview = [_row(card) for card in sorted(unique, key=lambda card: (card.readout.kind == "critic", _size(card)))]
    head = ("model", "read by", "context", "q4_k_m", "licence", "ProcessBench F1")
    return "\n".join(
        [
            "# Judges",
            "",
            *INTRODUCTION,
            "",
            *_table(head, overview),
            "",
            *(line for card in unique for line in _section(card)),
        ]
    )


def _row(card: ModelCard) -> tuple[str, ...]:
    average = card.published.processbench.get("average") if card.published else None
    weights = f"{card.memory['q4_k_m'] / 1000:.1f} GB" if "q4_k_m" in card.memory else "built in"
    figures = "" if average is None else f"{average:.1f}"
    return (_link(card.name), card.readout.kind.replace("_", " "), f"{card.context:,}", weights, card.licence, figures)


def _size(card: ModelCard) -> int:
    return card.memory.get("q4_k_m", 0)


def _section(card: ModelCard) -> list[str]:
    """One model's facts."""
    facts = {
        "what": card.title,
        "repository": f"`{card.origin.repository}`" if card.origin else "comes with the package (`models/nano`)",
        "licence": card.licence,
        "architecture": f"`{card.architecture}`",
        "read by": READ[card.readout.kind],
        "context": f"{card.context:,} tokens",
        "threshold": _threshold(card),
        "writes": _writes(card),
        "memory": ", ".join(f"{kind} {size / 1000:.1f} GB" for kind, size in card.memory.items()),
        "notice": card.notice,
    }
    lines = [f"## {card.name}", "", *_table(("", ""), [(name, said) for name, said in facts.items() if said]), ""]
    if card.published and card.published.processbench:
        figures = card.published.processbench
        known = [name for name in SUBSETS if name in figures]
        lines += ["ProcessBench, F1:", "", *_table(known, [[f"{figures[name]:.1f}" for name in known]]), ""]
    if card.published and card.published.best_of_8:
        best = card.published.best_of_8
        lines += ["Best of 8, per cent:", "", *_table(list(best), [[f"{value:.1f}" for value in best.values()]]), ""]
    if card.published:
        lines += [f"Source: {card.published.source}.", ""]
    return lines


def _threshold(card: ModelCard) -> str:
    """The threshold and where it comes from; a source that begins with the figure says it once."""
    value = f"{card.threshold:g}: "
    return card.threshold_source if card.readout.kind == "critic" else value + card.threshold_source.removeprefix(value)


def _writes(card: ModelCard) -> str:
    if card.writing is None:
        return ""
    how = card.writing
    drawn = f"temperature {how.temperature:g}, top-p {how.top_p:g}" + (f", top-k {how.top_k}" if how.top_k else "")
    return f"at most {how.new_tokens:,} new tokens, greedily; votes at {drawn} ({how.source})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(map(_cell, row))} |" for row in rows),
    ]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _link(name: str) -> str:
    """A link to a heading, as forges make anchors of them."""
    anchor = "".join(letter for letter in name.lower() if letter.isalnum() or letter in "-_ ").replace(" ", "-")
    return f"[{name}](#{anchor})"


def api() -> str:
    """Everything that `import stepcheck` gives, with its own words."""
    names = [name for name in stepcheck.__all__ if not name.startswith("_")]
    lines = ["# API", "", *API_INTRODUCTION, ""]
    for name in sorted(names, key=lambda name: (name[0].isupper(), name.lower())):
        lines += _described(name, getattr(stepcheck, name))
    return "\n".join(lines)


def _described(name: str, thing: Any) -> list[str]:  # noqa: ANN401 (anything that is public)
    """A public name: how it is written, what its docstring says, and for a class what it has."""
    lines = [f"## {name}", ""]
    if inspect.isclass(thing) and thing.__name__ != name:
        return [*lines, f"Another name of [{thing.__name__}](#{thing.__name__.lower()}).", ""]
    if not inspect.isclass(thing) and not inspect.isfunction(thing):
        return [*lines, *_code(f"{name} = {thing}".replace("typing.", "")), ""]
    (node,) = ast.parse(inspect.getsource(thing)).body
    if isinstance(node, ast.FunctionDef):
        return [*lines, *_code(_call(node)), "", inspect.cleandoc(thing.__doc__ or ""), ""]
    assert isinstance(node, ast.ClassDef)  # noqa: S101 (what is left)
    fields = [part for part in node.body if isinstance(part, ast.AnnAssign) and not _is_private(part.target)]
    made = [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]
    bases = f"({', '.join(map(ast.unparse, node.bases))})" if node.bases else ""
    inside = [*(f"    {ast.unparse(field)}" for field in fields), *_made(name, made)] or ["    ..."]
    lines += _code("\n".join([f"class {name}{bases}:", *inside]))
    lines += ["", inspect.cleandoc(thing.__doc__ or ""), ""]
    lines += [f"- `{ast.unparse(field.target)}`: {said}" for field, said in _said(node) if field in fields]
    methods = [part for part in node.body if isinstance(part, ast.FunctionDef) and not part.name.startswith("_")]
    lines += [f"- `{_call(each)}`: {_first(each)}" for each in methods if ast.get_docstring(each)]
    return [*lines, ""] if lines[-1] else lines


def _call(node: ast.FunctionDef) -> str:
    """A function as it is called; a property as it is read."""
    if any(ast.unparse(each) in {"property", "cached_property"} for each in node.decorator_list):
        return f"{node.name}: {ast.unparse(node.returns)}" if node.returns else node.name
    node.args.args = [each for each in node.args.args if each.arg not in {"self", "cls"}]
    node.args.posonlyargs = [each for each in node.args.posonlyargs if each.arg not in {"self", "cls"}]
    returned = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return re.sub(r"(?<!=)'([^']*)'", r"\1", f"{node.name}({ast.unparse(node.args)}){returned}")


def _made(name: str, made: Sequence[ast.FunctionDef]) -> list[str]:
    """How an object is made, where that is not what its fields say; the overloads, where there are some."""
    ways = made[:-1] or made
    return [f"    {_call(each).removesuffix(' -> None').replace('__init__', name, 1)}" for each in ways]


def _said(node: ast.ClassDef) -> list[tuple[ast.AnnAssign, str]]:
    """Fields with the words under them."""
    found = []
    for field, after in itertools.pairwise(node.body):
        said = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else None
        if isinstance(field, ast.AnnAssign) and isinstance(said, str):
            found.append((field, " ".join(inspect.cleandoc(said).split())))
    return found


def _first(node: ast.FunctionDef) -> str:
    return (ast.get_docstring(node) or "").partition("\n")[0]


def _is_private(target: ast.expr) -> bool:
    return ast.unparse(target).startswith("_")


def _code(text: str) -> list[str]:
    return ["```python", text, "```"]


PAGES: Mapping[str, Callable[[], str]] = {"api.md": api, "judges.md": judges}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page().rstrip() + "\n", encoding="utf-8")
        print(f"docs/{name}")


if __name__ == "__main__":
    main()
