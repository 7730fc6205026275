"""The app on a real pty: the terminal is taken and given back, whatever happens, and no foreign byte acts on it."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.test_report import HOSTILE

if sys.platform == "win32":
    pytest.skip("a pty is POSIX; Windows has a console of its own", allow_module_level=True)

import pexpect

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"
ROOT = Path(__file__).parents[2]
WRONG = str(ROOT / "examples" / "wrong.md")
COLOUR = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m")


class Terminal:
    """The app in a pty, everything that it wrote, and how the terminal was set before it began."""

    def __init__(self, command: list[str], cwd: Path, size: tuple[int, int] = (30, 100), **environment: str) -> None:
        outer = {name: value for name, value in os.environ.items() if not name.startswith("STEPCHECK_")}
        outer.pop("NO_COLOR", None)
        env = outer | {"TERM": "xterm-256color", "COLORTERM": "truecolor", **environment}
        self.child = pexpect.spawn(command[0], command[1:], cwd=str(cwd), env=env, dimensions=size, timeout=30)
        self.written = b""

    def until(self, text: str) -> None:
        """Read until a text is written."""
        self.child.expect_exact(text.encode())
        self.written += self.child.before + text.encode()

    def rest(self, seconds: float = 0.4) -> None:
        """Read what comes for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                self.written += self.child.read_nonblocking(65536, timeout=0.1)
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                return

    def press(self, *keys: str) -> None:
        """Send keys one by one; what follows an Escape too closely would be one key with it."""
        for key in keys:
            self.child.send(key)
            self.rest(0.25)

    def end(self) -> int:
        """Read to the end; the exit status, or 128 + signal."""
        self.child.expect(pexpect.EOF)
        self.written += self.child.before
        self.child.close()
        status, number = self.child.exitstatus, self.child.signalstatus
        return int(status if status is not None else 128 + number)

    @property
    def engines(self) -> list[psutil.Process]:
        """The processes below the app."""
        return psutil.Process(self.child.pid).children(recursive=True)


def app(*arguments: str, cwd: Path = ROOT, **environment: str) -> Terminal:
    return Terminal([sys.executable, "-m", "stepcheck", "tui", *arguments], cwd, (30, 100), **environment)


def assert_restored(terminal: Terminal) -> None:
    """The other screen was entered and left, and the modes of mouse, paste and cursor are as they were."""
    written = terminal.written
    assert written.count(ENTER) == written.count(LEAVE) == 1
    assert written.rindex(LEAVE) > written.rindex(ENTER)
    for mode in (b"1000", b"1003", b"1006", b"2004"):
        if b"\x1b[?" + mode + b"h" in written:
            assert written.rindex(b"\x1b[?" + mode + b"l") > written.rindex(b"\x1b[?" + mode + b"h")
    assert written.rindex(b"\x1b[?25h") > written.rindex(b"\x1b[?25l")
    assert b"Traceback" not in written


def gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=2)
    return not [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def test_the_terminal_is_given_back() -> None:
    """Enter the other screen, judge, quit with q: exit 0, the terminal as it was, its line settings too."""
    shell = Terminal(["sh", "-c", f"stty -a; {sys.executable} -m stepcheck tui {WRONG}; echo code=$?; stty -a"], ROOT)
    shell.until("first error")
    shell.child.send("q")
    assert shell.end() == 0
    assert_restored(shell)
    assert b"code=0" in shell.written
    settings = re.findall(rb"speed[^\x1b]*?iutf8.*?(?=code=|\x1b|\Z)", shell.written, re.DOTALL)
    first, last = (set(re.split(rb"[\s;]+", found)) for found in (settings[0], settings[-1]))
    assert len(settings) == 2
    assert first == last
    assert {b"icanon", b"echo"} <= last


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals(number: signal.Signals, code: int) -> None:
    """Kill -INT and -TERM: exit 130 and 143, the terminal as it was, no process left."""
    terminal = app(WRONG)
    terminal.until("first error")
    engines = terminal.engines
    assert engines
    terminal.child.kill(number)
    assert terminal.end() == code
    assert_restored(terminal)
    assert gone(engines)


def test_a_workers_death() -> None:
    """The engine's process is killed in front of the app: it goes on, says so, and gives the terminal back."""
    terminal = app(WRONG)
    terminal.until("first error")
    for engine in terminal.engines:
        engine.kill()
    terminal.child.send("R")
    terminal.until("Not scored")
    terminal.child.send("q")
    assert terminal.end() == 0
    assert_restored(terminal)


@pytest.mark.timed
@pytest.mark.parametrize("rounds", [3, pytest.param(100, marks=pytest.mark.soak)])
@pytest.mark.timeout(1800)
def test_interrupts_at_any_moment(rounds: int, tmp_path: Path) -> None:
    """SIGINT while starting, loading or scoring: 130 within 1 s, the terminal restored, no process left."""
    rows = ({"id": str(i), "problem": f"{i} Add.", "steps": ["1 + 1 = 2. " * 40] * 3} for i in range(3000))
    (tmp_path / "many.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    rng, slowest = random.Random(0), 0.0
    for _ in range(rounds):
        terminal = app("many.jsonl", cwd=tmp_path)
        terminal.child.expect_exact(ENTER)
        terminal.written += terminal.child.before + ENTER
        time.sleep(rng.uniform(0.2, 1.5))
        engines = terminal.engines
        terminal.child.kill(signal.SIGINT)
        asked = time.monotonic()
        assert terminal.end() == 130
        slowest = max(slowest, time.monotonic() - asked)
        assert_restored(terminal)
        assert gone(engines)
    print(f"{rounds} interrupts: slowest {slowest:.2f} s")
    assert slowest <= 1.0 if rounds > 10 else slowest <= 3.0


def test_standard_input_beside_the_terminal() -> None:
    """`cat FILE | stepcheck tui -`: the text comes through the pipe, the keys from the terminal."""
    shell = Terminal(["sh", "-c", f"cat {WRONG} | {sys.executable} -m stepcheck tui -; echo code=$?"], ROOT)
    shell.until("first error")
    shell.child.send("G")
    shell.until("Step 4 of 4")
    shell.child.send("q")
    shell.end()
    assert b"code=0" in shell.written
    assert_restored(shell)


@pytest.mark.parametrize("source", [WRONG, "-"])
def test_without_a_terminal(source: str) -> None:
    """No terminal: exit 2 and one sentence that says what to use instead, no traceback, no escape sequence."""
    done = subprocess.run(
        [sys.executable, "-m", "stepcheck", "tui", source],
        input="P\n\na\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        start_new_session=True,
    )
    assert done.returncode == 2
    assert "stepcheck score FILE --format plain" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "\x1b" not in done.stdout + done.stderr


def test_a_dumb_terminal() -> None:
    """TERM=dumb: the same sentence."""
    terminal = app(WRONG, TERM="dumb")
    assert terminal.end() == 2
    assert b"TERM=dumb" in terminal.written
    assert ENTER not in terminal.written


def test_no_color() -> None:
    """NO_COLOR: not one colour sequence leaves; glyphs, numbers and the cursor's mark are there."""
    terminal = app(WRONG, NO_COLOR="1")
    terminal.until("first error")
    terminal.press("j", "n", "?", "\x1b", "m", "\x1b", "e", "\x1b", "q")
    assert terminal.end() == 0
    assert not COLOUR.findall(terminal.written)
    assert "✗".encode() in terminal.written
    assert "▌".encode() in terminal.written


def test_colours_are_found_where_they_are() -> None:
    """The search above sees the colours of an ordinary run."""
    terminal = app(WRONG)
    terminal.until("first error")
    terminal.child.send("q")
    terminal.end()
    assert COLOUR.findall(terminal.written)


def acting(written: str) -> Iterator[str]:
    """Yield what of the hostile classes came out: a character that no app writes, or a whole sequence."""
    own = {"\x1b", "\r", "\n", "\x0f"}  # the app's own bytes; of these only whole sequences tell
    for name, text in HOSTILE.items():
        foreign = {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} - own
        sequence = re.search(r"\x1b[\[\]PX^_c][^\x1b]{2,}|a\rb|\x1bc", text)
        if any(c in written for c in foreign) or (sequence is not None and sequence[0] in written):
            yield name


def test_the_search_for_acting_text_finds_it() -> None:
    """Each class would be seen if it came through."""
    for name, text in HOSTILE.items():
        if name != "lone surrogate":
            assert name in list(acting(f"x{text}y"))
    assert not list(acting("\x1b[0m\x1b[38;2;1;2;3mtext\r\n"))


def test_hostile_text_does_not_act(tmp_path: Path) -> None:
    """All classes in problem, steps, id, answer and file name, on every screen of the app: no foreign control byte."""
    assert len(HOSTILE) >= 22
    texts = [f"{text} is {name}" for name, text in HOSTILE.items() if name != "lone surrogate"]
    row = {"id": f"id{texts[7]}", "problem": " ".join(texts), "steps": texts, "answer": texts[8]}
    rows = [row, {"problem": " ".join(texts), "responses": ["\n\n".join(texts), f"\\boxed{{{texts[7]}}}"]}]
    name = "evil\x1b[31m\u202e.jsonl"
    (tmp_path / name).write_text("".join(json.dumps(r) + "\n" for r in rows))
    (tmp_path / "evil\x1b]0;x\x07.md").write_text("P\n\n" + "\n\n".join(texts[1:]))
    terminal = Terminal([sys.executable, "-m", "stepcheck", "tui", "."], tmp_path, (40, 120))
    terminal.rest(4)
    keys = ["\r", "j", "r", "/is\r\r", "\x1b", "jjj", "e", " x", "\x13", "p", "?", "\x1b", "\x10Step", "\x1b", "xj"]
    keys += ["\x1b", "\x1b", "j\r", "j", "\r", "G", "e", "\x1b", "\x1b", "\x1b", "jj\r", "GGe", "\x13", "xh", "\r", "w"]
    terminal.press(*keys)
    terminal.child.kill(signal.SIGTERM)
    assert terminal.end() == 143
    assert_restored(terminal)
    written = terminal.written.decode("utf-8", "surrogateescape")
    written = re.sub(r"\x1b\]22;[a-z-]*\x07", "", written)  # Textual's own: the shape of the mouse pointer
    assert list(acting(written)) == []
    assert "␛" in written
    assert "Step" in written
