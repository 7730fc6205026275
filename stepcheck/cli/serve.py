"""`stepcheck serve`: one judge for many programs, over HTTP.

Owns the command's options and what is said at the start. Refuses to serve: that is `stepcheck.serve`.
"""

import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from stepcheck import config
from stepcheck.cli import groups, options
from stepcheck.cli.judging import open_judge
from stepcheck.cli.output import say
from stepcheck.errors import UsageError

if TYPE_CHECKING:
    from stepcheck.serve.limits import Limits
    from stepcheck.serve.server import Serving

WHERE = "Where"
LIMITS = "Limits"
EXAMPLE = '{"problem": "What is 2 + 3?", "steps": ["2 + 3 = 6", "The answer is 6."]}'


@groups.grouped
def serve(  # noqa: PLR0913 (every option of a command is an argument of its function)
    *,
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="The port; 0: any that is free.", rich_help_panel=WHERE)
    ] = 8000,
    host: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="Another address than this machine's own.", rich_help_panel=WHERE),
    ] = "127.0.0.1",
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="What clients must send; others see it in the list of processes: better set STEPCHECK_SERVER_TOKEN.",
            show_default="none",
            rich_help_panel=WHERE,
        ),
    ] = None,
    queue: Annotated[
        int, typer.Option(metavar="N", min=1, help="Rows that wait at most.", rich_help_panel=LIMITS)
    ] = 4096,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, help="For one request.", rich_help_panel=LIMITS)
    ] = 300,
    body: Annotated[
        int, typer.Option("--body", metavar="MIB", min=1, max=1024, help="A body's length.", rich_help_panel=LIMITS)
    ] = 16,
    grace: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0, help="At the end, for what is under way.", rich_help_panel=LIMITS),
    ] = 30,
    log: Annotated[bool, typer.Option("--log", help="Say a line for each request, without what is in it.")] = False,
    threshold: groups.Threshold = None,
    evidence: groups.Evidence = groups.Heard.show,
    engine: groups.EngineFlags,
    force: options.ForceModelOption = False,
) -> None:
    """Judge for other programs, over HTTP, with one model that is loaded once.

    POST /v1/score takes what score reads, as JSON, an array, or JSONL (application/x-ndjson),
    and gives what score --format json prints. POST /pooling answers as vLLM does (token_classify).
    GET /v1/models, /health and /metrics say what is served, whether it is ready, and how much was done.

    Only programs on this machine can ask, unless --host and a token say otherwise.
    Ctrl-C or SIGTERM: what is under way is finished.
    """
    if find_spec("uvicorn") is None:
        raise UsageError("a server needs uvicorn: pip install 'stepcheck[serve]'")
    from stepcheck.serve.limits import MIB, Limits

    settings = groups.settle(engine.flags | {"threshold": threshold})
    limits = Limits(body=body * MIB, held=4 * body * MIB, rows=queue, seconds=timeout, grace=grace)
    secret = config.server_token() if token is None else token
    serving = _prepared(settings, limits, host, port, secret, evidence=evidence, force=force, log=log)
    say(f"{serving.address}: loading {settings.model}")
    serving.run()
    say("the server has ended")


def _prepared(
    settings: config.Config,
    limits: "Limits",
    host: str,
    port: int,
    token: str,
    *,
    evidence: groups.Heard,
    force: bool,
    log: bool,
) -> "Serving":
    """Bind the address and open the judge, in this order: a wrong address is told before a model is looked for."""
    from stepcheck.serve.gate import Gate
    from stepcheck.serve.line import Line
    from stepcheck.serve.server import Serving, address_of, bind, check_token
    from stepcheck.serve.service import Service
    from stepcheck.serve.work import Work

    listening = bind(host, port, check_token(token))
    try:
        judge = open_judge(None, settings, lambda _share: None, force=force)
    except BaseException:
        listening.close()
        raise
    work = Work(judge, Line(limits.rows), evidence=evidence.value)
    address, identity = address_of(listening), judge.identity

    def ready() -> None:
        if identity.notice:
            say(f"note: {identity.notice}")
        say(f"{identity.name} (threshold {identity.threshold:g}, {work.device}) judges at {address}")
        bearer = " -H 'Authorization: Bearer TOKEN'" if token else ""
        say(f"try: curl{bearer} --json '{EXAMPLE}' {address}/v1/score")

    return Serving(Service(work, Gate(token), limits), listening, ready, _heard if log else lambda *_: None)


def _heard(route: str, status: int, seconds: float) -> None:
    from stepcheck.serve.app import LEFT

    said = "left" if status == LEFT else str(status)
    say(f"{time.strftime('%H:%M:%S')} {route} {said} {seconds * 1000:.0f} ms")
