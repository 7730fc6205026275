"""A server on loopback that answers as vLLM's pooling server does, with a small model of ours behind it.

Written after vLLM's documentation (Pooling Models, OpenAI-compatible server) and source (vllm/entrypoints/pooling,
vllm/entrypoints/serve/tokenize, vllm/model_executor/layers/pooler/tokwise): `/v1/models`, `/version`, `/tokenize` and
`/pooling`. Text is tokenized with special tokens on, as Hugging Face's tokenizers do: a mark in a step is a mark.

`pooling` is what the server was started with: STEP gives one vector a mark, ALL one a token, LAST one. A token's number
is that of a piece of text, which is all that a client can see of it.
"""

import re
import threading
from collections.abc import Callable
from typing import Any, Final

from stepcheck.checker import Checker
from stepcheck.engine.base import Rows
from stepcheck.errors import TooLongError
from stepcheck.prm.prompt import Prompt, Segment
from tests.judgeserver import Handler, serving

NAME: Final = "Qwen/Some-PRM"
Change = Callable[[list[Any]], Any]


def listing(name: str = NAME, *, root: str = "", owner: str = "vllm") -> dict[str, Any]:
    """What vLLM lists."""
    card = {"id": name, "object": "model", "created": 1_760_000_000, "owned_by": owner, "root": root or name}
    return {"object": "list", "data": [card | {"parent": None, "max_model_len": 2048, "permission": []}]}


class Pooling:
    """Acts as the server's routes do; `change` spoils the vectors."""

    def __init__(self, checker: Checker, mark: str, *, pooling: str = "STEP", change: Change | None = None) -> None:
        self._checker, self._mark, self._pooling, self._change = checker, mark, pooling, change
        self._lock = threading.Lock()
        self._pieces: list[str] = []

    def __call__(self, handler: Handler, body: Any) -> None:
        """Answer a POST."""
        if handler.path == "/tokenize":
            handler.send_whole(*self._tokenize(body))
        elif handler.path == "/pooling":
            handler.send_whole(*self._pool(body))
        else:
            handler.send_whole(404, {"detail": "Not Found"})

    def _tokenize(self, body: dict[str, Any]) -> tuple[int, Any]:
        assert body["add_special_tokens"] is False
        pieces = re.findall(r"\n|[^\n]+", body["prompt"])
        with self._lock:
            self._pieces += [piece for piece in dict.fromkeys(pieces) if piece not in self._pieces]
            tokens = [self._pieces.index(piece) for piece in pieces]
        return 200, {"count": len(tokens), "max_model_len": 2048, "tokens": tokens, "token_strs": None}

    def _pool(self, body: dict[str, Any]) -> tuple[int, Any]:
        if not isinstance(body.get("input"), str | list):
            return 400, error("Field required: input", "BadRequestError", 400)
        if body["model"] != NAME:
            return 404, error(f"The model `{body['model']}` does not exist.", "NotFoundError", 404)
        if body.get("task") != "token_classify":
            return 400, error(f"Unsupported task: {body.get('task')!r}", "BadRequestError", 400)
        assert body["add_special_tokens"] is False
        with self._lock:
            return self._answer(body["input"])

    def _answer(self, given: str | list[int]) -> tuple[int, Any]:
        if isinstance(given, str):
            pieces = [piece for piece in re.split(f"({re.escape(self._mark)})", given) if piece]
        else:
            pieces = [self._pieces[number] for number in given]
        segments = tuple(Segment(piece, special=True, mark=piece == self._mark) for piece in pieces)
        (rows,) = self._checker.reader.read([Prompt(segments)])
        if isinstance(rows, TooLongError):
            words = "This model's maximum context length is 2048 tokens. However, you requested 5000 tokens"
            return 400, error(words, "BadRequestError", 400)
        assert isinstance(rows, Rows)
        positive = [float(reward) for reward in self._checker._head.rewards(rows.hidden)]
        vectors: list[Any] = [[1 - reward, reward] for reward in positive]
        tokens = rows.tokens if isinstance(given, str) else len(given)
        if self._pooling == "ALL":
            marked = iter(vectors)
            flags = [segment.mark for segment in segments] if isinstance(given, list) else [False] * tokens
            vectors = [next(marked) if flag else [0.5, 0.5] for flag in flags]
        if self._pooling == "LAST":
            vectors = vectors[-1:]
        data = self._change(vectors) if self._change else vectors
        answer = {"index": 0, "object": "pooling", "data": data}
        usage = {"prompt_tokens": tokens, "total_tokens": tokens, "completion_tokens": 0}
        return 200, {
            "id": "pooling-0",
            "object": "list",
            "created": 1_760_000_000,
            "model": NAME,
            "data": [answer],
            "usage": usage,
        }


def error(message: str, kind: str, code: int) -> dict[str, Any]:
    """Word a refusal as vLLM does."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def pooling_server(act: Pooling | None, models: Any = None, version: str = "0.11.2") -> Any:
    """Run a server; without an act it has no `/pooling`, as one of a model that writes."""
    act_or_none = act or (lambda handler, _body: handler.send_whole(404, {"detail": "Not Found"}))
    return serving(act_or_none, models=listing() if models is None else models, version=version)
