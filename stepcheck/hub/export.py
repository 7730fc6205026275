"""A model of the models folder as a hub repository: its files, its card, and a page that says what they are.

Owns the form that `models pull OWNER/REPO` takes: at the top level a GGUF, a head, an adapter where there is one, and
the card that names them with their hashes. Refuses a model whose files are not the pinned ones, and one whose readout
needs two backbones.
"""

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stepcheck.errors import ModelError
from stepcheck.hub.disk.durable import write_durably
from stepcheck.hub.disk.store import Model, verify
from stepcheck.prm.card import ModelCard, Origin, render_card
from stepcheck.prm.families import family_of

if TYPE_CHECKING:
    from stepcheck.prm.weights import Role

PAGE = "README.md"


def export_model(model: Model, folder: Path, *, force: bool = False) -> list[Path]:
    """Write a model into a folder of its own, or one with other types of it, and return what was written.

    Raises:
        ModelError: its files are not the pinned ones, the folder holds such a file already, or cannot be written.
    """
    card = model.card
    if card.files is None or family_of(card.readout).beside != "head":
        raise ModelError(f"{card.name}: is read by two models, which this form has no place for")
    verify(model)
    roles: dict[Role, str] = {"backbone": card.files.backbone, "head": card.files.head, "adapter": card.files.adapter}
    sources = {name: model.weights.parts[role].path for role, name in roles.items() if role in model.weights.parts}
    if any("/" in name or "\\" in name for name in sources):
        raise ModelError(f"{card.name}: its files lie in folders of their own; pull or convert it again")
    written = [folder / name for name in (*sources, f"{card.name}.toml")]
    there = [path for path in written if path.exists()]
    if there and not force:
        raise ModelError(f"{there[0]} is there already; write over it with --force")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, source in sources.items():
            _place(source.resolve(), folder / name)
        write_durably(folder / f"{card.name}.toml", render_card(_at_home(card)).encode())
        write_durably(folder / PAGE, page(card).encode())
    except OSError as error:
        raise ModelError(f"{folder}: cannot be written: {error.strerror or error}") from error
    return [*written, folder / PAGE]


def _at_home(card: ModelCard) -> ModelCard:
    """Leave out where ready files lay that are in this folder now; a card from elsewhere may name no other's."""
    if card.origin is None:
        return card
    origin = Origin(repository=card.origin.repository, revision=card.origin.revision)
    return msgspec.structs.replace(card, origin=origin)


def _place(source: Path, target: Path) -> None:
    """Give a file a second name, which takes no room; copy it where the system gives none."""
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        os.link(source, part)
    except OSError:
        shutil.copyfile(source, part)
    part.replace(target)


def page(card: ModelCard) -> str:
    """Write the model's page: what a hub reads in its front matter, and what a person needs. Pure."""
    files, origin = card.files, card.origin
    if files is None:
        raise ModelError(f"{card.name}: its card names no files")
    front = {
        "license": "other",
        "license_name": card.licence,
        **({"base_model": origin.repository} if origin else {}),
        "tags": ["process-reward-model", "gguf", "stepcheck"],
    }
    lines = ["---", *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front.items()), "---", ""]
    lines += [f"# {card.name}", "", card.title, ""]
    lines += [f"- Licence: {card.licence}" + (f" ({card.licence_source})" if card.licence_source else "")]
    if origin:
        lines += [f"- Made of: {origin.repository}" + (f" at commit {origin.revision}" if origin.revision else "")]
    lines += [f"- Weights: {card.weight_type}; read by: {card.readout.kind}; threshold {card.threshold:g}"]
    lines += [f"- Threshold: {card.threshold_source}", *([f"- Notice: {card.notice}"] if card.notice else []), ""]
    lines += ["## How to run it", ""]
    lines += ["    stepcheck models pull OWNER/REPOSITORY", f"    stepcheck score solution.md --model {card.name}", ""]
    beside = "The head is a file of its own" if not files.adapter else "Head and adapter are files of their own"
    lines += [f"{beside} beside the GGUF, which other programs therefore run without rewards.", ""]
    lines += ["## Files", "", "| file | sha256 |", "|---|---|"]
    lines += [*(f"| {name} | `{sha256}` |" for name, sha256 in files.pinned.items()), ""]
    if card.oracle:
        lines += ["## Oracle", "", f"What its authors tell ({card.oracle.source}); checked by:", ""]
        lines += [f"    stepcheck models verify --oracle {card.name}", "", "| step | reward |", "|---|---|"]
        lines += [f"| {number} | {reward:g} |" for number, reward in enumerate(card.oracle.rewards, 1)] + [""]
    if card.published:
        lines += ["## Published figures", "", f"{card.published.source}. Of the original, not of these weights.", ""]
        lines += [f"- ProcessBench {name}: F1 {figure:g}" for name, figure in card.published.processbench.items()] + [
            ""
        ]
    return "\n".join(lines)
