"""Which models a server has, of `GET /v1/models`, and what kind of server it is.

Owns the reading of that list, and the choice of one of it. Refuses a server that is none of the known ones: what it
answered would have to be guessed.
"""

from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from stepcheck.door.words import error_words
from stepcheck.errors import ModelNotFoundError, ServerError
from stepcheck.prm.card import NAME, ModelCard, Probability
from stepcheck.remote.asking import Asker, Reply, once

OURS: Final = "stepcheck"
_LONGEST_NAME: Final = 200


class _Facts(msgspec.Struct, frozen=True):
    """What our own server says of a model that is not OpenAI's: all that a result of it must carry."""

    threshold: Probability | None
    version: str = ""
    sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?$")] = ""
    adapter: str = ""
    notice: str = ""


class _Entry(msgspec.Struct, frozen=True):
    id: Annotated[str, Meta(min_length=1, max_length=4096)]
    owned_by: str = ""
    root: str | None = None
    max_model_len: int | None = None
    stepcheck: _Facts | None = None


class _List(msgspec.Struct, frozen=True):
    data: list[_Entry]


class _Version(msgspec.Struct, frozen=True):
    version: str


@dataclass(frozen=True, slots=True)
class Served:
    """One model of a server: `facts` where it is our own server, else `root` is what the server was started with."""

    id: str
    owner: str
    root: str
    context: int | None
    facts: _Facts | None


def list_served(asker: Asker) -> tuple[Served, ...]:
    """Ask a server for its models.

    Raises:
        ServerError: it cannot be reached, wants a token, or is no server of models.
    """
    reply = once(asker, "GET", "/v1/models")
    try:
        entries = _entries(reply)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ServerError(
            f"{asker.address}: lists no models at /v1/models ({reply.status}: {error_words(reply.data)}): expected a "
            "server that was started with `stepcheck serve`, or with `vllm serve`"
        ) from error
    if not entries:
        raise ServerError(f"{asker.address}: lists no model at all")
    return tuple(
        Served(entry.id, entry.owned_by, entry.root or "", entry.max_model_len, entry.stepcheck) for entry in entries
    )


def version_of(asker: Asker, served: Served) -> str:
    """Name the server's program and its version; vLLM tells it at /version, others may not."""
    if served.facts is not None:
        return f"{OURS} {served.facts.version}".strip()
    program = "vLLM" if served.owner == "vllm" else served.owner or "a server"
    try:
        version = msgspec.json.decode(once(asker, "GET", "/version").data, type=_Version).version
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return program
    return f"{program} {version[:60]}"


def choose(served: tuple[Served, ...], wanted: str, address: str, flag: str) -> Served:
    """Choose the model of this very name, or the only one where none was named.

    Raises:
        ModelNotFoundError: there is none of that name, or there are several and none was named.
    """
    if not wanted and len(served) == 1:
        return served[0]
    found = next((each for each in served if each.id == wanted), None)
    if found is None:
        what = f"has no model {wanted!r}" if wanted else "has several models"
        raise ModelNotFoundError(f"{address}: {what}; choose with {flag}: {_names(served)}")
    return found


def choose_for(card: ModelCard, served: tuple[Served, ...], address: str) -> Served:
    """Choose the model that a card is of, by the name that the server has for it or was started with.

    Raises:
        ModelNotFoundError: none of them has its name.
    """
    found = next((each for each in served if is_of(card, each)), None)
    if found is None:
        raise ModelNotFoundError(
            f"{address}: has no model {card.name!r}; it has: {_names(served)}. If one of these is it, say so with "
            "--server-model NAME"
        )
    return found


def is_of(card: ModelCard, served: Served) -> bool:
    """Tell whether a served model bears a card's name, or that of its repository, in whatever folder it lies."""
    names = {card.name, card.base, card.origin.repository if card.origin else ""} - {""}
    return bool({_last(name) for name in names} & {_last(served.id), _last(served.root)})


def check_name(served: Served, address: str) -> str:
    """Return the name under which results are kept.

    Raises:
        ServerError: it is none that a model may have.
    """
    if not NAME.fullmatch(served.id) or len(served.id) > _LONGEST_NAME:
        raise ServerError(f"{address}: calls its model {served.id[:80]!r}, which is no name of a model")
    return served.id


def _entries(reply: Reply) -> list[_Entry]:
    if not reply.well:
        raise msgspec.ValidationError(reply.reason)
    return msgspec.json.decode(reply.data, type=_List).data


def _last(name: str) -> str:
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2].casefold()


def _names(served: tuple[Served, ...]) -> str:
    shown_names = ", ".join(each.id[:80] for each in served[:10])
    return f"{shown_names} and {len(served) - 10:,} more" if len(served) > 10 else shown_names  # noqa: PLR2004 (a line)
