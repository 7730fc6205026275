"""OpenRLHF: a reward function in a file, and its remote reward model over HTTP.

In a file, say `reward.py`, which `--reward.remote_url reward.py` names:

    from stepcheck.integrations.openrlhf import StepReward

    reward_func = StepReward("Qwen2.5-Math-PRM-7B-q4_k_m", reduce="min")

It is called with `queries` (prompt and response in one text), `prompts` and `labels`, lists of one, from several
threads, and answers with `rewards`, `scores` and `extra_logs` (OpenRLHF 0.11.2, `openrlhf/utils/agent.py`). Over HTTP
the same stands in JSON: {"query": […], "prompts": […], "labels": […]} to `/get_reward` gives those three
(`openrlhf/cli/serve_rm.py`); `app` is that service.
OpenRLHF has no word for a sample without a reward: it is `unjudged`, 0 unless said otherwise, and `judged` in
`extra_logs` tells it apart.
"""

import json
import re
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, Unpack

from stepcheck.errors import InputError, StepcheckError, UsageError
from stepcheck.integrations.rewards import Model, Opening, Reduce, Rewards
from stepcheck.patterns import regex

LARGEST = 64 * 2**20
"""Bytes of a request."""
TURNS = (
    regex(r"<\|im_start\|>user\n(.*?)<\|im_end\|>", re.DOTALL),
    regex(r"<\|start_header_id\|>user<\|end_header_id\|>\n\n(.*?)<\|eot_id\|>", re.DOTALL),
    regex(r"\[INST\](.*?)\[/INST\]", re.DOTALL),
    regex(r"<start_of_turn>user\n(.*?)<end_of_turn>", re.DOTALL),
)
"""A user's turn in the templates of Qwen, Llama 3, Mistral and Gemma."""
FOREIGN = regex(r"<\|[^|<>\s]+\|>")


def problem_of(prompt: str) -> str:
    """Find the problem in a prompt: the last turn of a user, or all of a prompt without a chat template.

    Raises InputError: it is in a template that is not known.
    """
    for turn in TURNS:
        found = turn.findall(prompt)
        if found:
            return str(found[-1]).strip()
    mark = FOREIGN.search(prompt)
    if mark:
        raise InputError(f"a prompt in a template that is not known (it has {mark[0]}): give problem=, a function")
    return prompt


class StepReward:
    """A reward function for OpenRLHF: what the steps of a response are worth, in [0, 1].

    `problem` finds the problem in a prompt. `how` takes `server`, `token`, `threshold` and `models_dir`.

    Raises on construction:
        UsageError: there is no such way to reduce.
    """

    def __init__(
        self,
        model: Model = "nano",
        *,
        reduce: Reduce = "min",
        unjudged: float = 0.0,
        problem: Callable[[str], str] = problem_of,
        **how: Unpack[Opening],
    ) -> None:
        self._rewards, self._unjudged, self._problem = Rewards(model, reduce, dict(how)), unjudged, problem

    def __call__(
        self,
        queries: Sequence[str],
        prompts: Sequence[str],
        labels: Sequence[Any] | None = None,  # noqa: ARG002 (answers; what is judged is the way)
    ) -> dict[str, Any]:
        """Judge the responses: `rewards`, `scores` (the same) and `extra_logs`, a list each.

        Raises:
            InputError: a query does not begin with its prompt, so that nobody knows where the response begins.
            StepcheckError: nothing at all can be judged.
        """
        if len(queries) != len(prompts):
            raise InputError(f"{len(queries)} queries for {len(prompts)} prompts")
        for query, prompt in zip(queries, prompts, strict=True):
            if not query.startswith(prompt):
                raise InputError(f"a query does not begin with its prompt: {query[:60]!r}, {prompt[:60]!r}")
        responses = [query[len(prompt) :] for query, prompt in zip(queries, prompts, strict=True)]
        found = self._rewards.score([self._problem(prompt) for prompt in prompts], responses)
        values = [self._unjudged if one.value is None else one.value for one in found]
        return {
            "rewards": values,
            "scores": values,
            "extra_logs": {"judged": [float(one.value is not None) for one in found]},
        }

    def close(self) -> None:
        """End the judge and its process; the next call opens another."""
        self._rewards.close()


def app(reward: StepReward) -> Any:  # noqa: ANN401 (a Starlette application)
    """Make the service of a remote reward model, for `uvicorn`: `POST /get_reward`.

    Raises:
        UsageError: starlette is not installed.
    """
    if find_spec("starlette") is None:
        raise UsageError("a service needs starlette, and uvicorn to run it: pip install starlette uvicorn")
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def get_reward(request: Request) -> JSONResponse:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST:
                return JSONResponse({"error": f"more than {LARGEST:,} bytes"}, 413)
        try:
            queries, prompts, labels = _asked(bytes(body))
            return JSONResponse(await run_in_threadpool(reward, queries, prompts, labels))
        except InputError as error:
            return JSONResponse({"error": str(error)}, 400)
        except StepcheckError as error:
            return JSONResponse({"error": str(error)}, 503)

    return Starlette(routes=[Route("/get_reward", get_reward, methods=["POST"])])


def _asked(body: bytes) -> tuple[list[str], list[str], list[Any]]:
    try:
        found = json.loads(body)
        lists = [found.get(key) for key in ("query", "prompts", "labels")]
    except (ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"expected a JSON object with query, prompts and labels: {error}") from error
    for name, values in zip(("query", "prompts"), lists, strict=False):
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            raise InputError(f"`{name}`: expected a list of texts")
    return lists[0], lists[1], lists[2] or []
