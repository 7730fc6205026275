"""A critic by what the user calls it: an address, a GGUF file, or the name of a model that is here."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from stepcheck.critic.base import published_sampling
from stepcheck.critic.critic import Critic
from stepcheck.door.address import SCHEMES
from stepcheck.engine.base import EngineOptions
from stepcheck.errors import ModelError, ModelNotFoundError
from stepcheck.judge import Identity
from stepcheck.prm.families import family_of

if TYPE_CHECKING:
    from stepcheck.engine.base import Sampling
    from stepcheck.prm.card import Writing

MAGIC = b"GGUF"
_CRITICS = "a critic is an instruct model's GGUF file, or a server's address"


def open_critic(
    name: str,
    *,
    server_model: str = "",
    key: str = "",
    votes: int = 1,
    sampling: "Sampling | None" = None,
    models_dir: Path | None = None,
    options: EngineOptions = EngineOptions(),  # noqa: B008 (frozen)
    on_loading: Callable[[float], None] | None = None,
) -> Critic:
    """Open a critic.

    `name`: an address (`http://…`), a path ending in `.gguf`, or a card's name whose readout is `critic`. `sampling` is
    by default that of its published figures, by its card or the card that its name begins with.

    Raises:
        UsageError: the address is none, or the votes make no sense.
        ServerError: the server cannot be asked for its model.
        ModelError: no such model or file, or it is not a critic.
    """
    if name.startswith(SCHEMES):
        from stepcheck.critic.server import ServerWriter

        server = ServerWriter(name, model=server_model, key=key)
        model = Identity(name=server.model, address=name)
        sampling = sampling or published_sampling(model.name, votes, _writing_of(model, models_dir))
        return Critic(server, model, votes=votes, sampling=sampling)
    from stepcheck.engine.writer import LlamaWriter

    path, model = _file(name, models_dir)
    sampling = sampling or published_sampling(model.name, votes, _writing_of(model, models_dir))
    writer = LlamaWriter(path, new_tokens=sampling.max_tokens, options=options, on_loading=on_loading)
    return Critic(writer, model, votes=votes, sampling=sampling)


def _writing_of(model: Identity, models_dir: Path | None) -> "Writing | None":
    """Return what the model's card says of its writing, or that of a critic's card whose name its own begins with."""
    from stepcheck.hub.disk.store import list_models

    if model.card is not None:
        return model.card.writing
    name = model.name.rsplit("/", 1)[-1].lower()
    cards = (entry.card for entry in list_models(models_dir) if entry.card and entry.card.writing)
    found = [card for card in cards if re.fullmatch(rf"{re.escape(card.name.lower())}([-_.:].*)?", name)]
    return max(found, key=lambda card: len(card.name)).writing if found else None


def _file(name: str, models_dir: Path | None) -> tuple[Path, Identity]:
    """Find the GGUF and say which it is; its sha256 stands with every result."""
    from stepcheck.hub.disk import hashes
    from stepcheck.hub.disk.store import find, verify

    path = Path(name)
    if path.suffix == ".gguf" and not path.is_file():
        raise ModelNotFoundError(f"{path}: there is no such file")
    if path.suffix == ".gguf" or _is_other_file(path):
        _check_writes(path, models_dir)
        return path, Identity(name=path.stem, sha256=hashes.sha256(path))
    found = find(name, models_dir)
    if family_of(found.card.readout).want is not None:
        raise ModelError(f"{name}: is read by its {found.card.readout.kind} head and cannot write; {_CRITICS}")
    verify(found)
    sha256 = found.card.files.backbone_sha256 if found.card.files else ""
    return found.backbone, Identity(name=found.card.name, sha256=sha256, notice=found.card.notice, card=found.card)


def _is_other_file(path: Path) -> bool:
    """Tell a file from a card's path and a model's name."""
    return path.is_file() and path.suffix != ".toml"


def _check_writes(path: Path, models_dir: Path | None) -> None:
    """Refuse a file that is no model, and the backbone of a reward model: it would write nonsense for minutes."""
    from stepcheck.hub.disk.store import list_models

    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise ModelError(f"{path}: is no GGUF file; {_CRITICS}")
    for entry in [*list_models(models_dir), *list_models(path.parent)]:
        card = entry.card
        if not entry.ready or card is None or card.files is None or family_of(card.readout).want is None:
            continue
        if (entry.path.parent / card.files.backbone).resolve() == path.resolve():
            raise ModelError(f"{path}: is the backbone of the reward model {entry.name} and cannot write; {_CRITICS}")
