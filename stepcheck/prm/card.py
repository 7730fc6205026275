"""Model cards: one TOML file says everything about a reward model that its weights do not.

Owns the card's schema and its errors (file and key). Refuses unknown keys: a typo must not become a silent default.
"""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from stepcheck.errors import CardError
from stepcheck.patterns import regex

LARGEST: Final = 1 << 18
"""Bytes of a card; the longest that is known has 3,000."""
Positive = Annotated[int, Meta(ge=1, le=2**40)]
Probability = Annotated[float, Meta(ge=0, le=1)]
NAME: Final = regex(r"[A-Za-z0-9][A-Za-z0-9._-]*")
Name = Annotated[str, Meta(pattern=f"^{NAME.pattern}$")]
Kind = Literal["mlp", "linear", "ensemble", "token_pair", "outcome", "log_ratio", "critic"]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The text around problem and steps, in the order in which it is laid out.

    `before_problem`, `after_problem`, `after_step`, `mark` and `after_mark` may hold special tokens. `problem`,
    `first_step`, `step` and `between_steps` are plain text, tokenized in one piece with the text that they frame.
    """

    before_problem: str
    problem: str = "{problem}"
    """The problem and what is tokenized together with it."""
    after_problem: str
    first_step: str = ""
    """As `step`, for the first one; empty where it is no exception."""
    step: str = "{step}"
    """A step and what is tokenized together with it; `{number}` counts from 1."""
    between_steps: str = ""
    """Joins a step to the next one: where prefixes are read, tokenized together with the first of the two, and where
    steps are joined."""
    after_step: str = ""
    """Between a step and the place where its reward is read."""
    mark: Annotated[str, Meta(min_length=1)] | None = None
    """Follows every step; exactly one token, at which the step's reward is read."""
    after_mark: str = ""
    """Between the place where a reward is read and the next step; what would follow the last one is left out."""
    read_at: Literal["mark", "end"] = "mark"
    """`end`: there is no mark; a reward is read at the last token of `after_step`, or of the step."""
    reads: Literal["solution", "prefixes", "joined"] = "solution"
    """`prefixes`: every prefix of the solution is closed and read as a solution of its own (outcome models). `joined`:
    all steps are tokenized in one piece, so that the end of a step and what joins it to the next may be one token, and
    `after_step` closes the last (EurusPRM); of a log ratio only."""
    behind: Annotated[int, Meta(ge=0, le=8)] = 0
    """Of joined steps: how many tokens behind its end, tokenized with all before it, a step's sum goes on. That of
    the last one goes to the end of `after_step`."""
    lead: Annotated[int, Meta(ge=0, le=8)] = 0
    """Of joined steps: how many tokens before the solution the sums begin."""
    lines: Literal["whole", "least", "last", "mean"] = "whole"
    """A step of several lines: `whole`, read once at its end; else every line, an empty one too, is tokenized alone,
    closed by the mark and read, and the step's reward is the least, the last or the mean of its lines'."""
    trim: bool = False
    """Whether white space around problem and steps is cut off, as chat templates do."""
    normalization: Literal["none", "nfc"] = "none"
    """Unicode form in which the tokenizer expects problem and steps; llama.cpp does not bring it about itself."""

    def __post_init__(self) -> None:
        """Refuse a template that leaves out a text or the place of the rewards.

        Raises:
            ValueError: with the key and what is wrong.
        """
        for key, text, part in (
            ("problem", self.problem, "{problem}"),
            ("step", self.step, "{step}"),
            ("first_step", self.first_step or self.step, "{step}"),
        ):
            if text.count(part) != 1:
                raise ValueError(f"'{key}' must hold {part} once, found {text!r}")
        if (self.mark is None) != (self.read_at == "end"):
            raise ValueError("'mark' is the token where rewards are read: give it, or else read_at = \"end\"")
        if self.lines != "whole" and (self.mark is None or self.after_step or self.after_mark):
            raise ValueError("'lines' are closed by the mark and by nothing else: give no 'after_step' or 'after_mark'")
        if self.reads == "solution" and self.between_steps:
            raise ValueError("'between_steps' is for reads = \"prefixes\" only; here 'after_mark' parts the steps")
        if self.reads == "joined" and (self.read_at != "end" or not self.between_steps or not self.after_step):
            raise ValueError("joined steps have no mark: give 'between_steps', 'after_step' and read_at = \"end\"")
        if self.reads != "joined" and (self.behind or self.lead):
            raise ValueError("'behind' and 'lead' are for reads = \"joined\" only")
        if self.reads != "solution" and self.after_mark:
            raise ValueError("'after_mark' is never reached where prefixes are read; use 'between_steps'")

    @property
    def special_texts(self) -> tuple[str, ...]:
        """All parts that may hold special tokens."""
        return (self.before_problem, self.after_problem, self.after_step, self.mark or "", self.after_mark)


class Readout(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """How the hidden state at a mark becomes a reward."""

    kind: Kind
    """How a step is read.

    `mlp`: Linear → ReLU → Linear → softmax at a mark (Qwen2.5-Math-PRM, arXiv 2501.07301, section 4). `linear`: one
    Linear at a separator (Skywork, trl, PURE). `ensemble`: the mean of several small heads, whose spread is an
    uncertainty (ActPRM, arXiv 2504.10559). `token_pair`: softmax over two tokens of the language model's head
    (Math-Shepherd, RLHFlow). `outcome`: one value for a whole response (Qwen2.5-Math-RM). `log_ratio`: a sum of log
    ratios against a reference model (EurusPRM). `critic`: an instruct model names the first wrong step (ProcessBench).
    """
    positive: Annotated[int, Meta(ge=0, le=1)] = 1
    """The class whose probability is the reward."""
    activation: Literal["softmax", "sigmoid", "none"] = "softmax"
    """What turns the head's output into a reward; `none` where the value is unbounded."""
    tensors: tuple[str, ...] = ()
    """The head's tensors in the checkpoint, where they are not those of the `mlp` family."""
    tokens: tuple[str, ...] = ()
    """Of a token pair: the token that stands for a right step, and the one for a wrong one."""
    reference: str = ""
    """Of a log ratio: the reference model's repository."""
    scale: float = 1.0
    """Of a log ratio: what the sum of log ratios is multiplied with."""


class Files(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The model's files, relative to the card's folder. For a log ratio `head` is the reference model, also a GGUF."""

    backbone: str
    backbone_sha256: Sha256
    head: str
    head_sha256: Sha256
    adapter: str = ""
    """A LoRA as GGUF, which the backbone is read with; empty where it is read as it is."""
    adapter_sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?$")] = ""

    def __post_init__(self) -> None:
        """Refuse an adapter that is not pinned, and a hash of none.

        Raises:
            ValueError: with the keys.
        """
        if bool(self.adapter) != bool(self.adapter_sha256):
            raise ValueError("'adapter' and 'adapter_sha256' go together: give both or neither")

    @property
    def pinned(self) -> dict[str, str]:
        """Every file's sha256 by its name: backbone, head, and the adapter if there is one."""
        named = {self.backbone: self.backbone_sha256, self.head: self.head_sha256}
        return named | ({self.adapter: self.adapter_sha256} if self.adapter else {})


class CardShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What the backbone's config says; sizes of files and memory follow from it."""

    hidden: Positive
    layers: Positive
    heads: Positive
    kv_heads: Positive
    feed_forward: Positive
    vocab: Positive
    eps: Annotated[float, Meta(gt=0)] | None = None
    """None where it is read from the checkpoint alone."""
    rope_theta: Annotated[float, Meta(gt=0)] | None = None
    head_dim: Annotated[int, Meta(ge=0)] = 0
    """Width of an attention head where it is its own (Qwen3); 0 where it is hidden / heads."""
    tied: bool = False
    """Whether embedding and language model's head are one matrix."""


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A ready file on the hub, or one that is shipped beside a built-in card; `{type}` stands for the weight type."""

    repository: str = ""
    """Empty where the file is shipped with the card."""
    file: Annotated[str, Meta(min_length=1)]
    revision: str = ""
    sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?$")] = ""
    """What the file must have; empty where the first pull pins it."""
    size: Annotated[int, Meta(ge=0, le=2**40)] = 0
    """Bytes, so that a pull can be told of without asking the hub; 0 where the card does not say."""

    def __post_init__(self) -> None:
        """Refuse a shipped file that is not pinned.

        Raises:
            ValueError: with the keys.
        """
        if not self.repository and (not self.sha256 or self.revision or not NAME.fullmatch(self.file)):
            raise ValueError("a file without 'repository' is shipped beside the card: give its plain name and 'sha256'")


class Published(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Figures of the papers: F1 by subset of ProcessBench, accuracy by task of Best-of-8, each with `average`."""

    processbench: dict[str, Annotated[float, Meta(ge=0, le=100)]] = {}
    best_of_8: dict[str, Annotated[float, Meta(ge=0, le=100)]] = {}
    source: Annotated[str, Meta(min_length=1)]


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Where the weights come from."""

    repository: str
    revision: str = ""
    """A branch, tag or commit; empty is the main branch until a pull pins its commit."""
    revisions: tuple[Annotated[str, Meta(min_length=1)], ...] = ()
    """Instead of one: tried in this order, the first that is there and holds weights is taken and pinned."""
    files: tuple[str, ...] = (
        *("config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model"),
        *("vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json"),
        *("*.safetensors*", "pytorch_model*.bin*"),
    )
    """Shell-like patterns of the checkpoint's files that are needed."""
    backbone: Source | None = None
    """A ready GGUF of the backbone, so that only the head is taken from the checkpoint."""
    head: Source | None = None
    """A ready head."""
    adapter: Source | None = None
    """A ready LoRA of a ready backbone, with a ready head."""

    def __post_init__(self) -> None:
        """Refuse two answers to one question.

        Raises:
            ValueError: with the keys.
        """
        if self.revision and self.revisions:
            raise ValueError("'revision' is the one that is taken, 'revisions' are tried in turn: give one of the two")
        if self.adapter and not (self.backbone and self.head):
            raise ValueError("an 'adapter' was trained with a backbone and a head: give these, too")


class Writing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """How a critic was let write when its figures were made: at most so many tokens, greedy alone, votes drawn so."""

    new_tokens: Positive
    temperature: Annotated[float, Meta(gt=0, le=2)] = 1.0
    top_p: Annotated[float, Meta(gt=0, le=1)] = 1.0
    top_k: Annotated[int, Meta(ge=0)] = 0
    """0 where all tokens may be drawn."""
    source: Annotated[str, Meta(min_length=1)]


class Oracle(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A solution whose rewards the model's authors tell: what a right conversion gives back."""

    source: Annotated[str, Meta(min_length=1)]
    problem: str
    steps: Annotated[tuple[str, ...], Meta(min_length=1)]
    rewards: tuple[Probability, ...]
    tolerance: Annotated[float, Meta(gt=0, le=1)] = 0.05
    """Largest difference of a reward, of a type with 8 bits or more; a faithful run in bfloat16 is off by 0.04."""

    def __post_init__(self) -> None:
        """Refuse rewards that belong to no step.

        Raises:
            ValueError: with both counts.
        """
        if len(self.rewards) != len(self.steps):
            raise ValueError(f"'rewards' must be one a step: {len(self.steps)} steps, {len(self.rewards)} rewards")


class ModelCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One reward model. `context` counts tokens; `threshold` is the reward under which a step counts as wrong."""

    schema: Literal[1] = 1
    name: Name
    title: str
    licence: str
    licence_source: str = ""
    """Where the licence is stated."""
    architecture: str
    """The checkpoint's class name, e.g. `Qwen2ForProcessRewardModel`."""
    context: Positive
    threshold: Probability = 0.5
    threshold_source: str = "the usual 0.5"
    base: str = ""
    """The card that this model was made with; empty where it is its own."""
    weight_type: str = ""
    """Type of the backbone's matrices, e.g. `q8_0`; empty where the card has no files yet."""
    notice: str = ""
    """One sentence that must be shown with every result, e.g. that this is a demonstration."""
    template: Template
    readout: Readout
    files: Files | None = None
    origin: Origin | None = None
    shape: CardShape | None = None
    memory: dict[str, Positive] = {}
    """Megabytes (10⁶ bytes) of the backbone's weights by weight type; the KV cache comes on top."""
    published: Published | None = None
    writing: Writing | None = None
    """Of a critic: how its published figures were drawn."""
    oracle: Oracle | None = None

    def __post_init__(self) -> None:
        """Refuse a template that this readout cannot be read by, and an adapter that nothing would apply.

        Raises:
            ValueError: with the keys.
        """
        if self.files and self.files.adapter and self.readout.kind in {"log_ratio", "critic"}:
            raise ValueError(f"'files.adapter' is for a head that reads hidden states, not for a {self.readout.kind}")
        if self.writing and self.readout.kind != "critic":
            raise ValueError(f"'writing' is for a critic, not for a {self.readout.kind}")
        if self.template.reads == "joined" and self.readout.kind != "log_ratio":
            raise ValueError("'template.reads' = \"joined\" is for a log ratio, not for a head at a mark")


def read_card(path: Path) -> ModelCard:
    """Read and validate a card.

    Raises:
        CardError: the file cannot be read, is not TOML, or a key is unknown, missing or of the wrong kind.
    """
    try:
        if path.exists() and not path.is_file():
            raise CardError(f"{path}: is no file that can be read as a card")  # a named pipe would be waited for
        if path.stat().st_size > LARGEST:
            raise CardError(f"{path}: is larger than {LARGEST:,} bytes: no card")
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CardError(f"{path}: cannot be read: {error.strerror}") from error
    except RecursionError as error:
        raise CardError(f"{path}: nested too deep") from error
    except ValueError as error:  # no TOML, no UTF-8, a number of more digits than Python reads
        raise CardError(f"{path}: not a TOML file: {error}") from error
    try:
        return msgspec.convert(data, ModelCard)
    except msgspec.ValidationError as error:
        raise CardError(f"{path}: {_with_key(str(error))}") from error


def render_card(card: ModelCard) -> str:
    """Write a card as TOML, such that `read_card` gives it back; keys in the order of the schema."""
    return _render(msgspec.to_builtins(card), "").lstrip("\n")


def _render(table: dict[str, Any], path: str) -> str:
    """Render a table's values, then its sub-tables; JSON's strings are TOML's once DEL is escaped."""
    plain = {key: value for key, value in table.items() if value is not None and not isinstance(value, dict)}
    lines = [
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n".replace("\x7f", "\\u007f") for key, value in plain.items()
    ]
    tables = [
        f"\n[{path}{key}]\n{_render(value, f'{path}{key}.')}"
        for key, value in table.items()
        if isinstance(value, dict) and value
    ]
    return "".join(lines + tables)


def _with_key(message: str) -> str:
    """Turn msgspec's ``… - at `$.template.mark` `` into a sentence that starts with the key."""
    what, _, where = message.partition(" - at `$.")
    return f"key '{where.rstrip('`')}': {what}" if where else what
