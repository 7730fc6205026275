"""GET /v1/models, /health, /metrics: what the server says of itself."""

from http import HTTPStatus
from typing import Any

from stepcheck import __version__
from stepcheck.serve.exchange import Exchange, to_json
from stepcheck.serve.service import Service

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


async def models(exchange: Exchange, service: Service) -> None:
    """List the one model, as OpenAI lists models; what only we say of it stands under `stepcheck`."""
    identity, card = service.work.judge.identity, service.work.judge.identity.card
    ours: dict[str, Any] = {
        "version": __version__,
        "sha256": identity.sha256,
        "threshold": identity.threshold,
        "notice": identity.notice,
        "adapter": identity.adapter,
        "gives": sorted(service.work.judge.gives),
        "mark": card.template.mark if card is not None else None,
        "device": service.work.device,
    }
    model: dict[str, Any] = {
        "id": identity.name,
        "object": "model",
        "created": 0,
        "owned_by": "stepcheck",
        "max_model_len": card.context if card is not None else None,
        "stepcheck": ours,
    }
    await exchange.answer(HTTPStatus.OK, to_json({"object": "list", "data": [model]}), {})


async def health(exchange: Exchange, service: Service) -> None:
    """Say whether rows are judged: 200, or 503 while the model is loaded and while the server ends."""
    state = "failed" if service.work.failed is not None else service.work.state
    ready = state == "ready" and service.work.alive
    status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    await exchange.answer(status, to_json({"status": state}), {} if ready else {"Retry-After": "1"})


async def metrics(exchange: Exchange, service: Service) -> None:
    """Answer with the counts, as Prometheus reads them."""
    now = {
        "stepcheck_ready": ("Whether rows are judged.", float(service.work.state == "ready")),
        "stepcheck_queue_rows": ("Rows that wait for the judge.", float(service.line.waiting)),
        "stepcheck_bodies_bytes": ("Bytes of bodies that are held.", float(service.held.now)),
        "stepcheck_worker_restarts_total": ("How often the model's process was started anew.", service.work.restarts),
    }
    text = "\n".join(service.metrics.lines(now)) + "\n"
    await exchange.answer(HTTPStatus.OK, text.encode(), {}, PROMETHEUS)
