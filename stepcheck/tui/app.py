"""The app: which screens there are, how threads' messages reach them, how it ends.

Owns the run: first paint, themes, the session, quitting. What a screen shows is the screen's.
"""

import gc
import signal
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.command import Provider

from stepcheck.document import Document
from stepcheck.tui import colours
from stepcheck.tui.files.reading import DocumentsRead, FileChanged, Target, read_again_in_thread, read_in_thread
from stepcheck.tui.files.saving import Dialogs
from stepcheck.tui.job import Job, Said
from stepcheck.tui.judging.scorer import Begun, ModelFailed, ModelLoading, ModelReady, Partial, Scored
from stepcheck.tui.judging.session import OpenDocument, Session
from stepcheck.tui.judging.view import Phase
from stepcheck.tui.keys import keymap
from stepcheck.tui.models.downloads import Downloads
from stepcheck.tui.parts.screen import SessionScreen
from stepcheck.tui.solution.critique.critiques import Critiques
from stepcheck.tui.solution.screen import SolutionScreen

if TYPE_CHECKING:
    from types import FrameType

    from stepcheck.config import Config
    from stepcheck.tui.judging.groups import Group
    from stepcheck.tui.models.pulling import Puller
    from stepcheck.tui.solution.critique.question import OpenCritic

WIDE = 100
"""Columns from which list and detail stand side by side."""
TALL = 24
"""Rows of the usual terminal; with fewer the problem takes two lines and the detail five."""


def _commands() -> type[Provider]:
    from stepcheck.tui.commands import StepcheckCommands

    return StepcheckCommands


class StepcheckApp(Dialogs, Downloads, Critiques):
    """Shows a target; `return_code` is the process's."""

    TITLE = "stepcheck"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "interrupt", show=False, priority=True),
        Binding("ctrl+q", "interrupt", show=False, priority=True),
    ]

    def __init__(
        self,
        target: Target,
        config: "Config",
        *,
        editor: Sequence[str] = ("vi",),
        puller: "Puller | None" = None,
        critic: "OpenCritic | None" = None,
    ) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (TALL, "-tall")]
        self.target, self.editor, self.puller, self.open_critic = target, tuple(editor), puller, critic
        self.session = Session(config, self.post_message, self._hear, config.model, config.threshold)
        self._readers: list[Job] = []
        """What reads files for what is open now."""
        colours.dress(self, config.theme)
        self.set_keymap(keymap(config.keys))

    def on_mount(self) -> None:
        """Show the text at once; the model comes after the first paint."""
        self._catch_interrupt()
        if self.target.small:
            self._take(list(self.target.read()), complete=True)
        else:
            self._first_screen()
            self.call_after_refresh(self._read)
        self.call_after_refresh(self._painted)

    def _read(self) -> None:
        self._readers = [read_in_thread(self.target, self.post_message, self._hear)]

    def _painted(self) -> None:
        """The text is on the screen: now the model. What is loaded until here is no garbage."""
        gc.enable()
        gc.freeze()
        self.open_model()

    def _first_screen(self) -> None:
        if self.target.many:
            from stepcheck.tui.documents.screen import DocumentsScreen

            self.push_screen(DocumentsScreen())
        else:
            self.push_screen(SolutionScreen(0))

    def _take(self, items: "list[object]", *, complete: bool) -> None:
        """Documents that came in; a single one, or the candidates of one problem, open at once."""
        self.session.complete = self.session.complete or complete
        self.session.add(items)  # type: ignore[arg-type]  # documents, as read
        if len(self.screen_stack) == 1:
            self._first_screen()
        for screen in self._screens():
            screen.entries_added()
        if complete and self.target.many:
            self._open_the_only_one()

    def _open_the_only_one(self) -> None:
        from stepcheck.tui.judging.groups import grouped

        groups = grouped(self.session.entries[:64])
        if len(groups) == 1 and len(self.session.entries) <= 64:  # noqa: PLR2004 (as above)
            self.open_group(groups[0])

    def _screens(self) -> "list[SessionScreen]":
        """The screens that can be told something; while the app ends, their widgets go one by one."""
        if not self.is_running:
            return []
        return [screen for screen in self.screen_stack if isinstance(screen, SessionScreen) and screen.is_mounted]

    def open_group(self, group: "Group") -> None:
        """Open a solution, or the candidates of one problem."""
        from stepcheck.tui.candidates.screen import CandidatesScreen

        if len(group.keys) > 1:
            self.push_screen(CandidatesScreen(group))
            return
        key = group.keys[0]
        entry = self.session.entries[key]
        if entry.result is None and isinstance(entry.item, Document):
            self.session.judge(key)
        self.push_screen(SolutionScreen(key))

    def open_path(self, path: str) -> None:
        """Open another file in the place of all that is open."""
        if self._changed():
            self.say("there are unsaved changes: save (Ctrl-S) or undo them first", error=True)
            return
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.close_critique()
        for reader in self._readers:
            reader.drop()
        self.session.stop()
        self.session.entries.clear()
        self.session.complete = False
        self.target = Target(path, None, self.target.split)
        self._first_screen()
        self._read()

    def open_model(self) -> None:
        """Load the model and judge what is open."""
        self.session.open_model()
        self._ask_all()
        self._tell_model()

    def use_model(self, name: str) -> None:
        """Let another model judge everything anew, by its own threshold."""
        self.session.model, self.session.threshold = name, None
        for entry in self.session.entries:
            entry.result, entry.rewards, entry.before = None, (), ()
        self.open_model()

    def _ask_all(self) -> None:
        self.session.ask(range(len(self.session.entries)))
        for screen in self._screens():
            if isinstance(screen, SolutionScreen) and screen.key < len(self.session.entries):
                self.session.judge(screen.key)

    def stop(self) -> None:
        """Stop judging; the model stays loaded."""
        self.session.stop()
        self._tell_model()

    def move_threshold(self, by: float | None) -> None:
        """Move the threshold, or take the model's; verdicts follow without judging anew."""
        if by is None:
            card = self.session.scorer.threshold if self.session.scorer is not None else None
            self.session.threshold = card
        else:
            self.session.threshold = min(max(round(self.session.shown_threshold + by, 4), 0.0), 1.0)
        self._tell_model()

    def _tell_model(self) -> None:
        for screen in self._screens():
            screen.model_changed()

    def _tell(self, key: int) -> None:
        for screen in self._screens():
            screen.entry_changed(key)

    @on(Said)
    def _said(self, message: Said) -> None:
        """Hand what a job says to whoever started it."""
        message.job.deliver(message)

    def _hear(self, message: Said) -> None:
        match message:
            case ModelLoading():
                self._model_loading(message)
            case ModelReady():
                self._model_ready(message)
            case ModelFailed():
                self._model_failed(message)
            case Begun():
                self._begun(message)
            case Partial():
                self._partial(message)
            case Scored():
                self._scored(message)
            case DocumentsRead():
                self._documents_read(message)
            case FileChanged():
                self._file_changed(message)

    def _model_loading(self, message: ModelLoading) -> None:
        """Show how far the loading is."""
        self.session.state.share = message.share
        self._tell_model()

    def _model_ready(self, message: ModelReady) -> None:
        """The model is there."""
        self.session.ready(message)
        self._tell_model()

    def _model_failed(self, message: ModelFailed) -> None:
        """Show why there is no model; the text stays readable and editable."""
        state = self.session.state
        state.phase, state.error = Phase.failed, message.error
        self._tell_model()

    def _begun(self, message: Begun) -> None:
        """A document's turn has come."""
        entry = self._entry(message.key, message.document)
        if entry is not None:
            entry.phase = Phase.scoring
            self._tell(message.key)

    def _partial(self, message: Partial) -> None:
        """The first rewards of a document."""
        entry = self._entry(message.key, message.document)
        if entry is not None:
            rest = len(message.document.steps) - len(message.rewards)
            entry.rewards, entry.phase = (*message.rewards, *(None for _ in range(rest))), Phase.scoring
            self._tell(message.key)

    def _entry(self, key: int, document: Document) -> OpenDocument | None:
        entry = self.session.entries[key] if key < len(self.session.entries) else None
        return entry if entry is not None and entry.item is document and entry.phase.busy else None

    def _scored(self, message: Scored) -> None:
        """A result."""
        if self.session.scored(message):
            self._tell(message.key)

    def _documents_read(self, message: DocumentsRead) -> None:
        """More documents."""
        self._take(list(message.items), complete=message.complete)

    def _file_changed(self, message: FileChanged) -> None:
        """A watched or edited file was read again."""
        for screen in self._screens():
            if isinstance(screen, SolutionScreen) and screen.key == message.key:
                screen.file_changed(message.item)

    def read_again(self, key: int) -> None:
        """Read a document's file anew."""
        if key < len(self.session.entries):
            item = self.session.entries[key].item
            self._readers = [reader for reader in self._readers if reader.alive]
            self._readers.append(read_again_in_thread(self.target, key, item, self.post_message, self._hear))

    def saved(self) -> None:
        """What we have written ourselves is no news to a screen that watches."""
        for screen in self._screens():
            if isinstance(screen, SolutionScreen):
                screen.saved_here()

    def action_interrupt(self) -> None:
        """Ctrl-C: quit at once."""
        self.leave()

    def end(self, code: int = 0) -> None:
        """End now, whatever is under way."""
        self.stop_pull()
        self.end_critic()
        if self.session.scorer is not None:
            threading.Thread(target=self.session.scorer.close, daemon=True).start()
        self.exit(return_code=code)

    def _catch_interrupt(self) -> None:
        """SIGINT and SIGTERM from outside end the app as its own keys do, so that the terminal is restored."""
        if threading.current_thread() is not threading.main_thread():
            return

        def caught(number: int, _frame: "FrameType | None") -> None:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self.end, 128 + number)

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, caught)

    def on_unmount(self) -> None:
        """Leave no process behind."""
        for reader in self._readers:
            reader.drop()
        self.end_critic()
        if self.session.scorer is not None:
            self.session.scorer.close()
