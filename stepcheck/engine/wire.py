"""What the engine's process and its parent say to each other: length-prefixed frames of JSON and raw float32 rows.

Owns the format of the pipe. No pickle: a frame can carry nothing but these values. Whatever is asked has the number of
a job, and what is held of the tree the number of a branch; the parent gives both.
"""

import struct
from typing import IO, Literal

import msgspec

from stepcheck.prm.prompt import HIDDEN, Want

Use = Literal["read", "weigh", "write"]
"""What a model is loaded for: hidden states, whose graph stops before the logits; the logits of many tokens; words."""

_HEADER = struct.Struct("<II")


class Load(msgspec.Struct, tag="load", frozen=True, kw_only=True):
    """Load a model; answered by `Loading` any number of times, then `Ready` or `Failed`."""

    path: str
    mark: str | None
    context: int
    n_ctx: int | None
    n_ubatch: int | None
    n_threads: int | None
    n_gpu_layers: int | None
    mapped: bool
    n_lanes: int | None = None
    use: Use = "read"
    adapter: str | None = None
    """Path of a LoRA that every decode goes through."""


class Ask(msgspec.Struct, tag="ask", frozen=True):
    """Read one prompt; a segment is (text, special, mark). Answered by `Answer` or `Failed` with the same job.

    `begins` is the segment at which the solution begins. Of a solution in one piece, `ends` are the characters after
    which a step ends, `behind` how many tokens on its sum goes, `lead` how many before the solution the sums begin.
    """

    job: int
    segments: list[tuple[str, bool, bool]]
    begins: int = 0
    ends: tuple[int, ...] = ()
    behind: int = 0
    lead: int = 0
    want: Want = HIDDEN
    tokens: tuple[int, ...] = ()
    """In the place of a text: token ids, read at those that are the mark, which is the one segment."""


class Open(msgspec.Struct, tag="open", frozen=True):
    """Hold a branch that begins with these segments; answered as `Ask` is, without rows."""

    job: int
    branch: int
    segments: list[tuple[str, bool, bool]]


class Extend(msgspec.Struct, tag="extend", frozen=True):
    """Add segments to a branch that is held, and read what is wanted at their marks; answered as `Ask` is."""

    job: int
    branch: int
    segments: list[tuple[str, bool, bool]]
    want: Want = HIDDEN


class Fork(msgspec.Struct, tag="fork", frozen=True):
    """Hold another branch with the same tokens; answered as `Ask` is, without rows."""

    job: int
    branch: int
    new: int


class Release(msgspec.Struct, tag="release", frozen=True):
    """Hold a branch no longer."""

    branch: int


class Asks(msgspec.Struct, tag="asks", frozen=True):
    """Several prompts at once, so that the first batch is already full."""

    asks: list[Ask]


class Drop(msgspec.Struct, tag="drop", frozen=True):
    """Forget these jobs, where they are not answered yet."""

    jobs: list[int]


class Write(msgspec.Struct, tag="write", frozen=True, kw_only=True):
    """Let the model answer `text` as the user's turn; answered by `Piece` any number of times, then `Written`.

    With a `branch`, what it holds is written on instead, and it holds what was written. Any text of `stop` ends that.
    """

    job: int
    text: str = ""
    branch: int | None = None
    stop: list[str] = []
    temperature: float
    top_p: float
    top_k: int
    max_tokens: int
    seed: int


class Loading(msgspec.Struct, tag="loading", frozen=True):
    """How much of the model is loaded, 0 to 1."""

    progress: float


class Ready(msgspec.Struct, tag="ready", frozen=True):
    """The model is loaded."""

    hidden: int
    context: int
    device: str
    n_threads: int
    n_ubatch: int


class Answer(msgspec.Struct, tag="answer", frozen=True):
    """One prompt's rows; the frame's payload is float32 of shape (marks, hidden)."""

    job: int
    marks: int
    tokens: int
    decoded: int
    seconds: float


class Piece(msgspec.Struct, tag="piece", frozen=True):
    """Some words of an answer, as they come."""

    job: int
    text: str


class Written(msgspec.Struct, tag="written", frozen=True):
    """An answer's end; `whole` is false where the room for it ran out. `tokens` counts the answer's."""

    job: int
    whole: bool
    tokens: int


class Failed(msgspec.Struct, tag="failed", frozen=True):
    """One prompt's error, or with `job` null the engine's: then the process ends."""

    job: int | None
    kind: str
    message: str


Request = Load | Asks | Open | Extend | Fork | Release | Drop | Write
Reply = Loading | Ready | Answer | Piece | Written | Failed

_ENCODER = msgspec.json.Encoder()
_REQUESTS = msgspec.json.Decoder(Request)
_REPLIES = msgspec.json.Decoder(Reply)


def send(stream: IO[bytes], message: Request | Reply, payload: bytes = b"", *, flush: bool = True) -> None:
    """Write one frame and flush it, unless another follows at once."""
    body = _ENCODER.encode(message)
    stream.write(_HEADER.pack(len(body), len(payload)) + body + payload)
    if flush:
        stream.flush()


def receive_request(stream: IO[bytes]) -> Request | None:
    """Read one frame; None at the end of the stream."""
    frame = _receive(stream)
    return None if frame is None else _REQUESTS.decode(frame[0])


def receive_reply(stream: IO[bytes]) -> tuple[Reply, bytes] | None:
    """Read one frame and its payload; None at the end of the stream, also in the middle of a frame."""
    frame = _receive(stream)
    return None if frame is None else (_REPLIES.decode(frame[0]), frame[1])


def _receive(stream: IO[bytes]) -> tuple[bytes, bytes] | None:
    header = stream.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    size, extra = _HEADER.unpack(header)
    body, payload = stream.read(size), stream.read(extra)
    return None if len(body) < size or len(payload) < extra else (body, payload)
