"""A reader on vLLM's `POST /pooling`: prompts in, the probabilities at each mark out.

Owns the request and the response (vllm/entrypoints/pooling: fields `model`, `input`, `task`, `use_activation`;
`data[0].data` holds a list a vector) and what the number of vectors means: one a mark, as with pooling type STEP, or
one a token, as with ALL. Refuses any other number, and values that are no probabilities: a server that was started
otherwise answers with as much confidence.
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from stepcheck.door.connection import Door
from stepcheck.door.words import error_words, shown
from stepcheck.engine.base import EngineInfo, Rows
from stepcheck.errors import CancelledError, CountMismatchError, ModelError, ServerError, StepcheckError, TooLongError
from stepcheck.prm.prompt import HIDDEN, Prompt, Want
from stepcheck.remote.asking import Asker, Reply
from stepcheck.remote.lanes import Lanes
from stepcheck.remote.texts import as_text, check_plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = TypeVar("Kind")
TASK: Final = "token_classify"
REMEMBERED: Final = 256
"""Tokenized texts kept: the template's recur in every prompt, a problem in every candidate."""
SUM: Final = 1e-2
"""How far probabilities may sum to something else than 1: a server that computes in bfloat16 rounds to 1/256."""
TOO_LONG: Final = ("maximum context length", "max_model_len", "maximum model length", "longer than the maximum")
"""How vLLM words, in its versions, that a prompt does not fit."""


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int = 0


class _Pooled(msgspec.Struct, frozen=True):
    data: list[Any] | str


class _Answer(msgspec.Struct, frozen=True):
    data: list[_Pooled]
    usage: _Usage = _Usage()


class _Tokens(msgspec.Struct, frozen=True):
    tokens: list[int]


@dataclass(frozen=True, slots=True)
class _Sent:
    """What is sent for a prompt: its text, or its tokens and the places of the marks among them."""

    input: str | list[int]
    places: tuple[int, ...] = ()


class PoolingReader:
    """Reads with the model that the server calls `model`, which gives `outputs` probabilities a mark."""

    def __init__(self, asker: Asker, model: str, *, outputs: int, context: int) -> None:
        self._asker, self._model, self._outputs, self._context = asker, model, outputs, context
        self._lanes = Lanes(asker.open_door)
        self._texts: OrderedDict[str, list[int]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def info(self) -> EngineInfo:
        """The address in the place of a device, and how many values a mark has."""
        return EngineInfo(self._outputs, self._context, self._asker.address, 0, 0)

    def start(self) -> None:
        """Load nothing: the server has done it."""

    def read(self, prompts: Iterable[Prompt], want: Want = HIDDEN) -> Iterator[Rows | StepcheckError]:
        """Yield rows of shape (marks, outputs) or an error for every prompt, in order.

        Raises:
            ModelError: something else than probabilities is wanted.
            CancelledError: the reader was closed meanwhile.
        """
        if want.kind != "probabilities":
            raise ModelError(f"{self._asker.address}: gives probabilities, and no {want.kind.replace('_', ' ')}")
        return self._lanes.in_order(prompts, self._one)

    def close(self) -> None:
        """Hang up what is under way, and ask nothing more."""
        self._asker.close()
        self._lanes.close()

    def _one(self, door: Door, prompt: Prompt) -> Rows | StepcheckError:
        try:
            return self._rows(door, prompt)
        except CancelledError:
            raise
        except StepcheckError as error:
            return error

    def _rows(self, door: Door, prompt: Prompt) -> Rows:
        check_plain(prompt)
        started, text = time.perf_counter(), as_text(prompt)
        sent = self._tokenized(door, prompt) if text is None else _Sent(text)
        asked = {
            "model": self._model,
            "input": sent.input,
            "task": TASK,
            "add_special_tokens": False,
            "use_activation": True,
            "encoding_format": "float",
        }
        reply = self._asker.ask(door, "POST", "/pooling", msgspec.json.encode(asked))
        answer = self._decoded(reply, _Answer)
        if len(answer.data) != 1:
            raise ServerError(f"{self._asker.address}: {len(answer.data)} answers to one question")
        vectors = self._vectors(answer.data[0].data)
        tokens = len(sent.input) if sent.places else answer.usage.prompt_tokens
        rows = self._matrix(self._at_marks(vectors, prompt, sent, tokens))
        return Rows(rows, tokens, tokens, time.perf_counter() - started)

    def _tokenized(self, door: Door, prompt: Prompt) -> _Sent:
        """Let the server tokenize each piece on its own, as an engine here does."""
        tokens, places = list[int](), list[int]()
        for segment in prompt.segments:
            piece = self._tokens(door, segment.text)
            if segment.mark and len(piece) != 1:
                raise CountMismatchError(
                    f"{self._asker.address}: the mark {segment.text!r} became {len(piece)} tokens, not one"
                )
            tokens += piece
            places += [len(tokens) - 1] if segment.mark else []
        return _Sent(tokens, tuple(places))

    def _tokens(self, door: Door, text: str) -> list[int]:
        if not text:
            return []
        with self._lock:
            if text in self._texts:
                self._texts.move_to_end(text)
                return self._texts[text]
        asked = {"model": self._model, "prompt": text, "add_special_tokens": False}
        reply = self._asker.ask(door, "POST", "/tokenize", msgspec.json.encode(asked))
        found = self._decoded(reply, _Tokens).tokens
        with self._lock:
            self._texts[text] = found
            if len(self._texts) > REMEMBERED:
                self._texts.popitem(last=False)
        return found

    def _decoded(self, reply: Reply, kind: type[Kind]) -> Kind:
        if not reply.well:
            words = error_words(reply.data)
            if any(said in words for said in TOO_LONG):
                raise TooLongError(f"{self._asker.address}: {words}")
            raise self._asker.refused(reply)
        try:
            return msgspec.json.decode(reply.data, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ServerError(f"{self._asker.address}: not vLLM's answer ({error}): {shown(reply.data)}") from error

    def _vectors(self, data: list[Any] | str) -> list[list[Any]]:
        """Take numbers for vectors of one; what is packed was not asked for."""
        if isinstance(data, str):
            raise ServerError(f"{self._asker.address}: sent packed numbers, though floats were asked for")
        return [vector if isinstance(vector, list) else [vector] for vector in data]

    def _at_marks(self, vectors: list[list[Any]], prompt: Prompt, sent: _Sent, tokens: int) -> list[list[Any]]:
        """Choose the vectors of the marks.

        Raises:
            CountMismatchError: there are as many as neither marks nor, where their places are known, tokens.
        """
        marks = prompt.marks
        if len(vectors) == marks:
            return vectors
        if sent.places and len(vectors) == tokens:
            return [vectors[place] for place in sent.places]
        tags = [place for place, token in enumerate(sent.input) if sent.places and token == sent.input[sent.places[0]]]
        if sent.places and len(vectors) == len(tags):
            return [vectors[tags.index(place)] for place in sent.places]
        raise CountMismatchError(self._miscounted(len(vectors), prompt, tokens))

    def _miscounted(self, found: int, prompt: Prompt, tokens: int) -> str:
        """Say what the number of vectors means, and how the server is to be started."""
        mark = next(segment.text for segment in prompt.segments if segment.mark)
        if tokens and found == tokens:
            meaning = ", one a token: it does not pool at the marks"
        else:
            meaning = ", one for the whole text" if found == 1 else ""
        number = "151651" if mark == "<extra_0>" else f"the number of {mark!r} in its tokenizer"
        config = f'{{"pooling_type": "STEP", "step_tag_id": {number}}}'
        return (
            f"{self._asker.address}: sent {found:,} vectors for {prompt.marks} marks{meaning}. Start it with: "
            f"vllm serve … --pooler-config '{config}' (before vLLM 0.11: "
            "--override-pooler-config), without returned_token_ids"
        )

    def _matrix(self, vectors: list[list[Any]]) -> "NDArray[np.float32]":
        """Check that these are probabilities: as many as the model has outputs, from 0 to 1, together 1."""
        import numpy as np

        for number, vector in enumerate(vectors, 1):
            if len(vector) != self._outputs:
                raise CountMismatchError(
                    f"{self._asker.address}: sent {len(vector):,} values at mark {number}, the card's model has "
                    f"{self._outputs}: is it another model?"
                )
            known = all(isinstance(value, int | float) and math.isfinite(value) for value in vector)
            if not known or not all(-SUM <= value <= 1 + SUM for value in vector) or not self._sums(vector):
                raise ServerError(
                    f"{self._asker.address}: sent {shown(msgspec.json.encode(vector))} at mark {number}, which are no "
                    "probabilities: start it without use_activation = false (older: softmax, activation) in its pooler "
                    "configuration"
                )
        return np.clip(np.asarray(vectors, np.float32), 0, 1)

    def _sums(self, vector: list[Any]) -> bool:
        return self._outputs == 1 or abs(math.fsum(vector) - 1) <= SUM
