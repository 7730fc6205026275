"""POST /pooling, as vLLM answers it for process reward models (task `token_classify`): a pair [p0, p1] a mark.

The field names are those of vLLM's `PoolingCompletionRequest`, `PoolingChatRequest` and `PoolingResponse`
(vllm/entrypoints/pooling, 0.8 to 0.27). A prompt carries its marks as text or as token ids, so this is for programs
that make prompts themselves: whoever passes on a stranger's text lets it set marks. `/v1/score` does not. Whatever
would change a reward in vLLM and is not done here is refused, never ignored.
"""

import base64
import secrets
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Literal

import msgspec

from stepcheck.checker import AtMarks, Marked
from stepcheck.judge import Identity, Unscored
from stepcheck.prm.card import ModelCard
from stepcheck.prm.prompt import Prompt, Segment
from stepcheck.serve.exchange import Exchange, to_json
from stepcheck.serve.refusals import Refusal, refusal_of
from stepcheck.serve.service import Service
from stepcheck.serve.work import ReadsMarked

TASKS: Final = frozenset({"token_classify", "encode", "reward"})
"""`token_classify`, and what earlier versions called it."""
NEUTRAL: Final[Mapping[str, tuple[Any, ...]]] = {
    "use_activation": (None, True),
    "softmax": (None, True),
    "activation": (None, True),
    "normalize": (None,),
    "dimensions": (None,),
    "truncate_prompt_tokens": (None,),
    "truncation_side": (None,),
    "padding": (None, "do_not_pad"),
    "chat_template": (None,),
    "chat_template_kwargs": (None, {}),
    "mm_processor_kwargs": (None, {}),
    "media_io_kwargs": (None, {}),
    "add_generation_prompt": (None, False),
    "continue_final_message": (None, False, True),
    "embed_dtype": (None, "float32"),
    "endianness": (None, "native", "little"),
}
"""Fields of vLLM's that would change the answer, and the values with which they do not."""
IDLE: Final = frozenset({"user", "request_id", "priority", "cache_salt"})
"""Fields of vLLM's that change no reward."""


class Part(msgspec.Struct, tag="text", frozen=True):
    """A piece of a message's content."""

    text: str


class Message(msgspec.Struct, frozen=True):
    """A turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str | list[Part]

    @property
    def text(self) -> str:
        """What is said, its pieces joined."""
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of a request."""

    model: str | None = None
    input: str | list[int | str | list[int]] | None = None
    messages: list[Message] | None = None
    task: str | None = None
    encoding_format: str = "float"
    add_special_tokens: bool | None = None


async def pooling(exchange: Exchange, service: Service) -> None:
    """Answer one request; errors as in `Exchange` and `Service`."""
    service.check_ready()
    exchange.check_json()
    identity = service.work.judge.identity
    if identity.card is None or not isinstance(service.work.judge, ReadsMarked):
        raise _bad(f"{identity.name} reads no prompts of elsewhere: use /v1/score")
    body = await exchange.body()
    asked = await service.read(len(body), lambda: _decode(body, identity))
    prompts = list(_prompts(asked, identity.card))
    if not prompts:
        raise _bad("`input` is empty: there is no prompt in it")
    results = await service.judged(exchange, [Marked(prompt) for prompt in prompts])
    answer = _response(results, asked, identity.name, identity.card)
    await exchange.answer(HTTPStatus.OK, to_json(answer), {})


def _decode(body: bytes, identity: Identity) -> Asked:
    """Read a request.

    Raises:
        Refusal: 400 it is none, or wants what is not done here; 404 there is no such model.
    """
    try:
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        asked = msgspec.json.decode(body, type=Asked)
        for name, raw in fields.items():
            _check_field(name, raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _bad(f"not a pooling request: {error}") from error
    if asked.model is not None and asked.model != identity.name:
        raise Refusal(HTTPStatus.NOT_FOUND, f"the model served here is {identity.name}, not {asked.model[:80]}")
    if asked.task is not None and asked.task not in TASKS:
        raise _bad(f"task: a process reward model gives token_classify, not {asked.task[:80]}")
    if asked.encoding_format not in {"float", "base64"}:
        raise _bad("encoding_format: expected float or base64")
    if (asked.input is None) == (asked.messages is None):
        raise _bad("expected one of `input` and `messages`")
    return asked


def _check_field(name: str, raw: msgspec.Raw) -> None:
    if name in NEUTRAL:
        if msgspec.json.decode(raw) not in NEUTRAL[name]:
            expected = " or ".join(msgspec.json.encode(value).decode() for value in NEUTRAL[name])
            raise _bad(f"{name}: only {expected} here: prompts are read whole, as they stand, and give rewards")
    elif name not in IDLE and name not in Asked.__struct_fields__:
        raise _bad(f"`{name[:80]}` is no field that is known here")


def _prompts(asked: Asked, card: ModelCard) -> Iterator[Prompt]:
    """Lay out each prompt; a number in its place begins the error of one that cannot be read."""
    if asked.messages is not None:
        yield _conversation(asked.messages, card)
        return
    given = asked.input
    if isinstance(given, str):
        yield _text(given, card, "input", special=asked.add_special_tokens is not False)
        return
    several = given or []
    if all(isinstance(each, int) for each in several):
        several = [several] if several else []  # type: ignore[list-item]  # checked in the line before
    for index, each in enumerate(several):
        if isinstance(each, str):
            yield _text(each, card, f"input[{index}]", special=asked.add_special_tokens is not False)
        elif isinstance(each, list):
            yield _ids(each, card, f"input[{index}]")
        else:
            raise _bad("input: expected a text, token ids, or a list of either")


def _text(text: str, card: ModelCard, place: str, *, special: bool) -> Prompt:
    """Lay out a text that carries its marks; what follows the last one changes no reward and is not read."""
    mark, pieces = _cut(text, card, place, "text")
    _check_unicode(text, place)
    begins = next((bos for bos in ("<s>", "<|begin_of_text|>") if card.template.before_problem.startswith(bos)), "")
    if special and not text.startswith(begins):
        pieces[0] = begins + pieces[0]  # what a tokenizer puts there by itself
    return Prompt(tuple(_marked(pieces, mark, special=True)))


def _conversation(messages: Sequence[Message], card: ModelCard) -> Prompt:
    """Lay out a conversation by the card's template; of the answer only its marks are more than plain text."""
    roles, template = [message.role for message in messages], card.template
    if roles not in (["user", "assistant"], ["system", "user", "assistant"]):
        raise _bad("messages: expected a user's turn and an assistant's, after at most one system's")
    *system, user, assistant = (message.text for message in messages)
    if system and system[0] not in template.before_problem:
        raise _bad("messages: this model was trained with another system turn: leave it out")
    mark, pieces = _cut(assistant, card, "messages", "assistant's turn")
    for text in (user, assistant):
        _check_unicode(text, "messages")
    head = (
        Segment(template.before_problem, special=True),
        Segment(template.problem.replace("{problem}", user)),
        Segment(template.after_problem, special=True),
    )
    return Prompt((*head, *_marked(pieces, mark, special=False)), len(head))


def _marked(pieces: Sequence[str], mark: str, *, special: bool) -> Iterator[Segment]:
    for piece in pieces:
        if piece:
            yield Segment(piece, special=special)
        yield Segment(mark, special=True, mark=True)


def _ids(ids: Sequence[int], card: ModelCard, place: str) -> Prompt:
    if not ids:
        raise _bad(f"{place}: no token is in it")
    return Prompt((Segment(_mark(card, place), special=True, mark=True),), tokens=tuple(ids))


def _mark(card: ModelCard, place: str) -> str:
    """Return the mark that a prompt carries.

    Raises:
        Refusal: the model's prompts carry none.
    """
    template = card.template
    if template.mark is None or template.reads != "solution" or template.lines != "whole":
        raise _bad(f"{place}: no mark stands in the prompts of {card.name}: use /v1/score")
    return template.mark


def _cut(text: str, card: ModelCard, place: str, what: str) -> tuple[str, list[str]]:
    """Return the mark, and what stands before each one in a text.

    Raises:
        Refusal: there is none in it, or none that can be told from the text.
    """
    mark = _mark(card, place)
    if mark.isspace():
        raise _bad(
            f"{place}: the mark of {card.name} is white space, as any text holds it: use /v1/score, or token ids"
        )
    *pieces, _ = text.split(mark)
    if not pieces:
        raise _bad(f"{place}: no mark is in the {what}: put {mark} after each step")
    return mark, pieces


def _check_unicode(text: str, place: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _bad(f"{place}: holds half a surrogate pair: not valid Unicode") from None


def _response(results: Sequence[object], asked: Asked, name: str, card: ModelCard) -> dict[str, Any]:
    """Answer as vLLM does: all prompts, or the first one's error."""
    data, tokens = [], 0
    for index, result in enumerate(results):
        if isinstance(result, Unscored):
            raise refusal_of(result.error, place="input" if len(results) == 1 else f"input[{index}]")
        if isinstance(result, AtMarks):
            tokens += result.cost.tokens
            pairs = [_pair(reward, card) for reward in result.rewards]
            data.append({"index": index, "object": "pooling", "data": _encoded(pairs, asked.encoding_format)})
    usage = {"prompt_tokens": tokens, "total_tokens": tokens, "completion_tokens": 0, "prompt_tokens_details": None}
    return {
        "id": f"pool-{secrets.token_hex(16)}",
        "object": "list",
        "created": int(time.time()),
        "model": name,
        "data": data,
        "usage": usage,
    }


def _pair(reward: float, card: ModelCard) -> list[float]:
    """Put a reward in its place beside what is left to 1; one without bounds stands alone."""
    if card.readout.activation == "none":
        return [reward]
    return [1 - reward, reward] if card.readout.positive else [reward, 1 - reward]


def _encoded(pairs: list[list[float]], form: str) -> list[list[float]] | str:
    """Return pairs, or their bytes as float32, one after the other, in base64."""
    if form == "float":
        return pairs
    flat = [value for pair in pairs for value in pair]
    return base64.b64encode(struct.pack(f"<{len(flat)}f", *flat)).decode()


def _bad(why: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, why)
