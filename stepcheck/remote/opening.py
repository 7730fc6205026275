"""An address and a model's name → a judge: our own server, or one that speaks vLLM's `/pooling`.

The one place where it is told which of the two a server is. Refuses by name a model that cannot be judged over
`/pooling`, before its first document.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from stepcheck.door.address import read_address
from stepcheck.errors import ModelError, ServerError
from stepcheck.judge import Identity
from stepcheck.remote.asking import Asker, Patience, hurried, once
from stepcheck.remote.listing import OURS, Served, check_name, choose, choose_for, is_of, list_served, version_of

if TYPE_CHECKING:
    from stepcheck.judge import Judge
    from stepcheck.prm.card import ModelCard

EXAMPLE: Final = "http://127.0.0.1:8000"
NOT_THERE: Final = frozenset({404, 405, 501})
POOLED: Final = ("mlp", "linear")
"""Families whose head a server keeps and applies at each mark."""


def open_server(
    address: str,
    *,
    model: str = "",
    server_model: str = "",
    token: str = "",
    threshold: float | None = None,
    models_dir: Path | None = None,
    patience: Patience = Patience(),  # noqa: B008 (frozen)
) -> "Judge":
    """Open the judge at `address`, e.g. `http://gpu:8000`.

    `model` is its name here: of our own server the name that it lists, of vLLM a card's, by default that of the first
    that it lists. `server_model` is what the server calls it, where that is another name. `threshold` replaces the
    model's.

    Raises:
        UsageError: it is no address.
        ServerError: it cannot be reached, wants another token, or is no server that judges.
        ModelError: it does not have that model, or a card's model cannot be judged there.
    """
    to = read_address(address, EXAMPLE)
    plain = to.text.rstrip("/").removesuffix("/v1").rstrip("/")  # a run is bound to it, however it was typed
    to = replace(to, text=plain, path=to.path.removesuffix("/v1"))
    first = Asker(to, token, hurried(patience))
    served, asker = list_served(first), Asker(to, token, patience)
    if served[0].facts is not None or served[0].owner == OURS:
        return _own(first, asker, choose(served, server_model or model, address, "--model"), threshold)
    _check_pools(first, served[0])
    return _pooling(first, asker, served, model, server_model, threshold, models_dir)


def _own(first: Asker, asker: Asker, served: Served, threshold: float | None) -> "Judge":
    from stepcheck.remote.own import ServerJudge

    facts = served.facts
    if facts is None:
        raise ServerError(f"{asker.address}: says nothing of its model {served.id!r} but its name: is it up to date?")
    if facts.threshold is None:
        raise ServerError(
            f"{asker.address}: its model {served.id[:80]!r} judges without a threshold: it gives no rewards"
        )
    identity = Identity(
        name=check_name(served, asker.address),
        sha256=facts.sha256,
        adapter=facts.adapter,
        notice=facts.notice,
        threshold=facts.threshold if threshold is None else threshold,
        address=asker.address,
        server=version_of(first, served),
    )
    return ServerJudge(asker, identity)


def _pooling(
    first: Asker,
    asker: Asker,
    served: tuple[Served, ...],
    model: str,
    server_model: str,
    threshold: float | None,
    models_dir: Path | None,
) -> "Judge":
    from stepcheck.checker import Checker
    from stepcheck.prm.readout import OUTPUTS, ProbabilityHead
    from stepcheck.remote.pooling import PoolingReader

    card = _card(served, model, server_model, asker.address, models_dir)
    if server_model:
        chosen = choose(served, server_model, asker.address, "--server-model")
    else:
        chosen = choose_for(card, served, asker.address)
    _check_judged(card)
    outputs, context = OUTPUTS[card.readout.activation], chosen.context or card.context
    reader = PoolingReader(asker, chosen.id, outputs=outputs, context=context)
    alone = msgspec.structs.replace(card, files=None, weight_type="")  # its files here are not those that judge
    judge = Checker(alone, reader, ProbabilityHead(outputs, card.readout.positive), threshold=threshold)
    judge.identity = replace(judge.identity, address=asker.address, server=version_of(first, chosen))
    return judge


def _card(
    served: tuple[Served, ...], model: str, server_model: str, address: str, models_dir: Path | None
) -> "ModelCard":
    """Find the card that says how the model is asked; its weights need not be here."""
    from stepcheck.hub.disk.store import find_card, list_models

    if model:
        listed = find_card(model, models_dir)
        if listed.card is None:
            raise listed.error or ModelError(f"{listed.path}: cannot be read")
        return listed.card
    cards = [entry.card for entry in list_models(models_dir) if entry.card is not None]
    asked = [each for each in served if not server_model or each.id == server_model]
    found = next((card for each in asked for card in cards if is_of(card, each)), None)
    if found is None:
        raise ModelError(
            f"{address}: serves {served[0].id[:80]!r}, and no card bears that name: say with --model NAME which it is "
            "(stepcheck models list)"
        )
    return found


def _check_judged(card: "ModelCard") -> None:
    """Refuse a family whose rewards are not probabilities at a mark, whatever a server may answer."""
    readout, template = card.readout, card.template
    if readout.kind not in POOLED or readout.activation == "none":
        raise ModelError(
            f"{card.name}: is read by '{readout.kind}', which /pooling does not give; of the families, "
            f"{' and '.join(POOLED)} can be judged that way. Take a server of stepcheck: stepcheck serve --model NAME"
        )
    if template.mark is None or template.reads != "solution":
        raise ModelError(f"{card.name}: is not read at a mark after each step: /pooling gives nothing else")


def _check_pools(first: Asker, served: Served) -> None:
    """Refuse a server that lists models and has no `/pooling`; an empty question is answered with what it lacks."""
    if once(first, "POST", "/pooling", b"{}").status in NOT_THERE:
        raise ServerError(
            f"{first.address}: lists models (of {served.owner or 'nobody'}), but judges no steps: it has neither "
            "/v1/score, as `stepcheck serve`, nor /pooling, as `vllm serve MODEL --runner pooling`"
        )
