"""The desk: what screens and controllers may ask of the app, and all that they know of it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

    from textual.screen import Screen
    from textual.signal import Signal

    from stepcheck.document import Document, Unread
    from stepcheck.tui.judging.groups import Group
    from stepcheck.tui.judging.session import Session

Answer = TypeVar("Answer")


class Desk(Protocol):
    """The app, seen from a screen."""

    @property
    def session(self) -> "Session":
        """What is open and judged."""
        ...

    @property
    def path(self) -> str:
        """The file or folder that is open; `-` for standard input."""
        ...

    @property
    def models_dir(self) -> "Path | None":
        """The folder of the user's own models, where it is not the usual one."""
        ...

    @property
    def file_read(self) -> "Signal[tuple[int, Document | Unread]]":
        """A document's key and what is in its file now, after `read_again`."""
        ...

    @property
    def unfinished(self) -> list[Callable[[], bool]]:
        """What finishes an editing that is under way; False if somebody must be asked before the app is left."""
        ...

    def say(self, words: str, *, error: bool = False) -> None:
        """Say something in passing; never markup."""
        ...

    def ask(self, question: "Screen[Answer]", answered: Callable[[Answer | None], None]) -> None:
        """Put a question over the screen; `answered` hears None when it was left."""
        ...

    def open_group(self, group: "Group") -> None:
        """Open a solution, or the candidates of one problem."""
        ...

    def open_path(self, path: str) -> None:
        """Open another file in the place of all that is open."""
        ...

    def show_help(self) -> None:
        """Show every key of the screen that is open."""
        ...

    def show_models(self) -> None:
        """Show which models are here and which are not."""
        ...

    def reread(self, document: "Document", text: str) -> "Document":
        """Cut an edited document by the rules it was read with. Raises InputError."""
        ...

    def read_again(self, key: int) -> None:
        """Read a document's file anew; `file_read` tells what is in it."""
        ...

    def read_now(self, key: int) -> "Document | Unread":
        """What is in a document's file now, read while everybody waits."""
        ...

    def edit_file(self, path: str) -> None:
        """Open a file in the user's editor, and wait for its end."""
        ...

    def leave(self) -> None:
        """Quit; unsaved changes are asked about."""
        ...
