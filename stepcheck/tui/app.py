"""The app: which screens there are, what is read, how it ends.

Owns the run: first paint, themes, the session and the controllers, quitting. It is the `Desk` of its screens; what a
screen shows is the screen's.
"""

import gc
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import CommandPalette, Provider
from textual.signal import Signal

from stepcheck.document import Document, Unread
from stepcheck.report.clean import clean_line
from stepcheck.tui import colours
from stepcheck.tui.desk import Answer
from stepcheck.tui.files.reading import DocumentsRead, FileChanged, Reading, Target
from stepcheck.tui.files.saving import Saving
from stepcheck.tui.job import Said
from stepcheck.tui.judging.opening import OpenJudge, opener
from stepcheck.tui.judging.session import Session
from stepcheck.tui.keys import keymap
from stepcheck.tui.sizes import TALL, WIDE
from stepcheck.tui.solution.critique.critiques import Critiques
from stepcheck.tui.solution.screen import SolutionScreen

if TYPE_CHECKING:
    from types import FrameType

    from textual.screen import Screen

    from stepcheck.config import Config
    from stepcheck.tui.judging.groups import Group
    from stepcheck.tui.models.downloads import Downloads
    from stepcheck.tui.models.pulling import Puller
    from stepcheck.tui.solution.critique.question import OpenCritic

_FEW = 64
"""So many documents may be the candidates of one problem, which open at once."""


def _commands() -> type[Provider]:
    from stepcheck.tui.commands import StepcheckCommands

    return StepcheckCommands


class StepcheckApp(App[None]):
    """Shows a target; `return_code` is the process's.

    `open_judge` opens the models that judge, by default those that the settings ask for; `puller` fetches models, and
    `critic` opens the critic: without one the app says how to get it.
    """

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
        open_judge: OpenJudge | None = None,
        puller: "Puller | None" = None,
        critic: "OpenCritic | None" = None,
    ) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (TALL, "-tall")]
        self._editor, self._puller = tuple(editor), puller
        self.models_dir = config.models_dir
        self.session = Session(self, open_judge or opener(config), config.model, config.threshold)
        self.file_read: Signal[tuple[int, Document | Unread]] = Signal(self, "a file was read again")
        self.critiques = Critiques(self, lambda words: self.say(words, error=True), critic)
        self._asked_to_leave = False
        self.unfinished: list[Callable[[], bool]] = []
        self._downloads: Downloads | None = None
        self._reading = Reading(target, self.post_message, self._hear_reader)
        colours.dress(self, config.theme, config.origin("theme"))
        self.set_keymap(keymap(config.keys, config.origin("keys")))

    @property
    def path(self) -> str:
        """The file or folder that is open."""
        return self._reading.target.path

    @property
    def downloads(self) -> "Downloads":
        """What fetches models; made when it is first asked for, since few runs do."""
        if self._downloads is None:
            from stepcheck.tui.models.downloads import Downloads

            self._downloads = Downloads(self, self, self._puller)
        return self._downloads

    def on_mount(self) -> None:
        """Show the text at once; the model comes after the first paint."""
        self._catch_interrupt()
        if self._reading.target.small:
            self._take(list(self._reading.target.read()), complete=True)
        else:
            self._first_screen()
            self.call_after_refresh(self._reading.begin)
        self.call_after_refresh(self._painted)

    def _painted(self) -> None:
        """The text is on the screen: now the model. What is loaded until here is no garbage."""
        gc.enable()
        gc.freeze()
        self.session.open_model()

    def _first_screen(self) -> None:
        if self._reading.target.many:
            from stepcheck.tui.documents.screen import DocumentsScreen

            self.push_screen(DocumentsScreen(self))
        else:
            self.push_screen(SolutionScreen(self, 0, self.critiques))

    @on(Said)
    def _said(self, message: Said) -> None:
        """Hand what a job says to whoever started it."""
        message.job.deliver(message)

    def _hear_reader(self, message: Said) -> None:
        match message:
            case DocumentsRead():
                self._take(message.items, complete=message.complete, left_out=message.left_out)
            case FileChanged():
                self.file_read.publish((message.key, message.item))

    def _take(self, items: Sequence[Document | Unread], *, complete: bool, left_out: int = 0) -> None:
        """Documents that came in; a single one, or the candidates of one problem, open at once."""
        self.session.take(items, complete=complete, left_out=left_out)
        if len(self.screen_stack) == 1:
            self._first_screen()
        if complete and self._reading.target.many:
            self._open_the_only_one()

    def _open_the_only_one(self) -> None:
        from stepcheck.tui.judging.groups import grouped

        groups = grouped(self.session.entries[:_FEW])
        if len(groups) == 1 and len(self.session.entries) <= _FEW:
            self.open_group(groups[0])

    def say(self, words: str, *, error: bool = False) -> None:
        """Say something in passing; never markup."""
        self.notify(clean_line(words), severity="error" if error else "information", timeout=4, markup=False)

    def ask(self, question: "Screen[Answer]", answered: Callable[[Answer | None], None]) -> None:
        """Put a question over the screen."""
        self.push_screen(question, answered)

    def open_group(self, group: "Group") -> None:
        """Open a solution, or the candidates of one problem."""
        from stepcheck.tui.candidates.screen import CandidatesScreen

        if len(group.keys) > 1:
            self.push_screen(CandidatesScreen(self, group))
            return
        key = group.keys[0]
        if self.session.entries[key].result is None:
            self.session.judge(key)
        self.push_screen(SolutionScreen(self, key, self.critiques))

    def open_path(self, path: str) -> None:
        """Open another file in the place of all that is open."""
        if not self._finished():
            return
        if self.session.unsaved:
            self.say("there are unsaved changes: save (Ctrl-S) or undo them first", error=True)
            return
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.critiques.close()
        self.session.clear()
        self._reading.open(path)
        self._first_screen()
        self._reading.begin()

    def show_help(self) -> None:
        """Show every key of the screen that is open."""
        from stepcheck.tui.parts.help import HelpScreen

        self.push_screen(HelpScreen())

    def show_models(self) -> None:
        """Show which models are here and which are not."""
        from stepcheck.tui.models.screen import ModelsScreen

        self.push_screen(ModelsScreen(self, self.downloads, self.models_dir))

    def reread(self, document: Document, text: str) -> Document:
        """Cut an edited document by the rules it was read with. Raises InputError."""
        return self._reading.target.reread(document, text)

    def read_again(self, key: int) -> None:
        """Read a document's file anew."""
        if key < len(self.session.entries):
            self._reading.again(key, self.session.entries[key].item)

    def read_now(self, key: int) -> Document | Unread:
        """What is in a document's file now."""
        return self._reading.now(self.session.entries[key].item)

    def edit_file(self, path: str) -> None:
        """Open a file in the user's editor, and wait for its end."""
        with self.suspend():
            done = subprocess.run([*self._editor, path], check=False)  # noqa: S603 (the user's own editor)
        if done.returncode:
            self.say(f"the editor ended with status {done.returncode}", error=True)
        self.refresh(layout=True)

    def leave(self) -> None:
        """Quit; unsaved changes are asked about."""
        if self._asked_to_leave or not self._finished():
            return
        unsaved = self.session.unsaved
        if not unsaved:
            self.end()
            return
        from stepcheck.tui.parts.ask import AskScreen

        def answered(answer: str | None) -> None:
            self._asked_to_leave = False
            if answer == "d":
                self.end()
            elif answer == "s":
                Saving(self).save(unsaved[0], then=self.leave)

        names = ", ".join(sorted({clean_line(self.session.entries[key].item.source) for key in unsaved}))
        choices = {"s": "save and quit", "d": "drop the changes and quit"}
        self._asked_to_leave = True
        self.push_screen(AskScreen(f"{names} has unsaved changes.", choices), answered)

    def _finished(self) -> bool:
        """Whether nothing is being typed any more, or it could be kept."""
        return all(finish() for finish in tuple(self.unfinished))

    def action_command_palette(self) -> None:
        """Show the command palette, and what it lists."""
        if not CommandPalette.is_open(self):  # type: ignore[arg-type]  # an app without a result is an app
            listed = "a step, solution, file, model or theme …"
            self.push_screen(CommandPalette(placeholder=listed, id="--command-palette"))

    def action_interrupt(self) -> None:
        """Ctrl-C: quit at once."""
        self.leave()

    def end(self, code: int = 0) -> None:
        """End now, whatever is under way."""
        if self._downloads is not None:
            self._downloads.stop()
        self.critiques.end()
        threading.Thread(target=self.session.close, daemon=True).start()
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
        self._reading.drop()
        self.critiques.end()
        self.session.close()
