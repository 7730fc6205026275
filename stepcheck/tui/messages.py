"""What threads say to the app. Each carries values only; a handler decides what they change."""

from typing import TYPE_CHECKING

from textual.message import Message

from stepcheck.tui.job import Said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepcheck.checker import ModelName, Review, Unscored
    from stepcheck.document import Document, Unread
    from stepcheck.engine.base import EngineInfo
    from stepcheck.tui.answers import Answers
    from stepcheck.tui.critiquing import Asking
    from stepcheck.tui.sight import Rewards


class ModelLoading(Said):
    """How much of the model is loaded, 0 to 1."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share


class ModelReady(Said):
    """The model is loaded."""

    def __init__(self, model: "ModelName", info: "EngineInfo", threshold: float) -> None:
        super().__init__()
        self.model, self.info, self.threshold = model, info, threshold


class ModelFailed(Said):
    """The model cannot be used."""

    def __init__(self, error: str) -> None:
        super().__init__()
        self.error = error


class Begun(Said):
    """A document's turn has come."""

    def __init__(self, key: int, document: "Document") -> None:
        super().__init__()
        self.key, self.document = key, document


class Partial(Said):
    """The first steps of a document are judged."""

    def __init__(self, key: int, document: "Document", rewards: "Rewards") -> None:
        super().__init__()
        self.key, self.document, self.rewards = key, document, rewards


class Scored(Said):
    """A document is judged, or cannot be."""

    def __init__(self, key: int, document: "Document", result: "Review | Unscored") -> None:
        super().__init__()
        self.key, self.document, self.result = key, document, result


class DocumentsRead(Said):
    """More documents of what was opened; `complete` with the last of them."""

    def __init__(self, items: "list[Document | Unread]", *, complete: bool) -> None:
        super().__init__()
        self.items, self.complete = items, complete


class FileChanged(Said):
    """A watched file was saved: what is in it now."""

    def __init__(self, key: int, item: "Document | Unread") -> None:
        super().__init__()
        self.key, self.item = key, item


class AnswersRead(Message):
    """The final answers of these documents are read and compared."""

    def __init__(self, documents: "Sequence[Document | None]", answers: "Answers") -> None:
        super().__init__()
        self.documents, self.answers = documents, answers


class CriticLoading(Message):
    """How much of the critic is loaded, 0 to 1."""

    def __init__(self, asking: "Asking", share: float) -> None:
        super().__init__()
        self.asking, self.share = asking, share


class CriticSaid(Message):
    """All that a critic has said so far; a later one takes the place of those that still wait."""

    def __init__(self, asking: "Asking", model: str, words: str) -> None:
        super().__init__()
        self.asking, self.model, self.words = asking, model, words

    def can_replace(self, message: Message) -> bool:
        """Skip to the last of many."""
        return isinstance(message, CriticSaid) and message.asking is self.asking


class CriticEnded(Message):
    """A critic has said all, or `error` says why not."""

    def __init__(self, asking: "Asking", error: str) -> None:
        super().__init__()
        self.asking, self.error = asking, error


class PullOffered(Message):
    """What a download would do."""

    def __init__(self, model: str, words: str) -> None:
        super().__init__()
        self.model, self.words = model, words


class PullMoved(Message):
    """How far a download is: a share from 0 to 1, and a few words."""

    def __init__(self, model: str, share: float, words: str) -> None:
        super().__init__()
        self.model, self.share, self.words = model, share, words


class PullEnded(Message):
    """A download is over; `words` say how, `there` whether the model can be used."""

    def __init__(self, model: str, words: str, *, there: bool) -> None:
        super().__init__()
        self.model, self.words, self.there = model, words, there
