r"""Answers that try to run code, and answers that try to take time, memory or processes."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from stepcheck.answers import Grader, extract
from stepcheck.answers.algebra import STARVED_SECONDS, Algebra

GOLDS = ("x+1", "(1, 2)", r"\frac{1}{2}")


def payloads(mark: str) -> list[str]:
    """Forty ways to make a file, if anything evaluates an answer."""
    run = f"__import__('pathlib').Path({mark!r}).touch()"
    shell = f"__import__('os').system('touch {mark}')"
    wraps = (
        "{}", "({})", "[{}]", "x + {}", "{} + 1", r"\text{{{}}}", r"\frac{{1}}{{{}}}", "exec({!r})", "eval({!r})",
        "$({})$", "lambda: {}", "f'{{{}}}'", "(lambda x: {})(1)", "[{} for i in (1,)]", "sympify({!r})", "S({!r})",
        "Symbol('x').subs('x', {!r})", "{{'a': {}}}", "1 if {} else 2", r"\operatorname{{{}}}(1)",
    )  # fmt: skip
    return [wrap.format(code) for wrap in wraps for code in (run, shell)]


def test_no_answer_is_executed(tmp_path: Path) -> None:
    """40 payloads as answer, as reference and in a response, against three kinds of golds: no file appears."""
    mark = tmp_path / "executed"
    found = payloads(str(mark))
    assert len(found) == 40
    exec(found[0])  # noqa: S102 (the payload would work)
    assert mark.exists()
    mark.unlink()
    with Grader() as grader:
        for payload in found:
            boxed = extract(f"The answer is $\\boxed{{{payload}}}$.")
            answer = boxed.text if boxed else payload
            for gold in GOLDS:
                grader.compare(gold, answer)
                grader.compare(payload, gold)
            grader._algebra.equal("x", payload)
    assert not mark.exists()
    print(f"{len(found)} payloads, 0 executed")


def idle() -> bool:
    """Whether there is a core to spare: a process that gets none is given more time."""
    return psutil.getloadavg()[0] < (psutil.cpu_count() or 1)


def bombs() -> list[str]:
    """Answers that never end, or fill the memory, wherever they are reckoned with."""
    return [
        "9^{9^{9^{9}}}", "10^{10^{10}}", r"2^{2^{2^{2^{2^{2}}}}}", r"(((99^{99})^{99})^{99})^{99}", "99999999!!",
        "(10^{8})!",
        r"\binom{10^{9}}{5 \cdot 10^{8}}", r"\sum_{i=1}^{10^{12}} \frac{1}{i}", "(x+y+z+1)^{4000}",
        r"\prod_{i=1}^{10^9} i", r"\int_0^1 x^{x^{x^{x^x}}} dx", r"\lim_{x \to 0} (\sin x)^{(\tan x)^{x^x}}",
        "(" * 140 + "x" + ")" * 140, r"\frac{1}{" * 60 + "x" + "}" * 60, "x^{" * 90 + "2" + "}" * 90, "9" * 290,
        r"\sqrt{" * 45 + "7" + "}" * 45, "1e999999999", "+".join(["x^{99}"] * 40), r"\sin(" * 50 + "x" + ")" * 50,
    ]  # fmt: skip


@pytest.mark.timed
@pytest.mark.parametrize("count", [4, pytest.param(200, marks=pytest.mark.soak)])
@pytest.mark.timeout(1800)
def test_a_bomb_costs_two_seconds_and_leaves_nothing(count: int) -> None:
    """Each bomb, from another thread: an answer within 2 s where a core is to spare, and no process after it."""
    found = [bomb for _ in range(count) for bomb in bombs()][:count]
    times: list[float] = []

    def work() -> None:
        with Grader() as grader:
            grader._algebra.equal("x", "x + 0")  # loaded before the clock runs
            for number, bomb in enumerate(found):
                grader._algebra.equal("y", "y")
                start = time.monotonic()
                grader.compare(f"x + {number}", bomb)
                times.append(time.monotonic() - start)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    print(f"{count} bombs: slowest {max(times):.2f} s, median {sorted(times)[count // 2] * 1000:.0f} ms")
    assert len(times) == count
    assert max(times) <= (2.0 if idle() else STARVED_SECONDS + 0.5)
    assert not [child for child in psutil.Process().children(recursive=True) if "prover" in " ".join(child.cmdline())]


def test_the_grader_goes_on_after_a_bomb() -> None:
    """The next question has its answer, from a new process."""
    with Grader() as grader:
        assert grader.compare("x", "9^{9^{9^{9^{9}}}}").equal is not True
        assert grader.compare("x^2-1", "(x-1)(x+1)").equal is True


def test_a_process_without_a_parent_ends(tmp_path: Path) -> None:
    """The parent is gone in the middle of a bomb that holds the interpreter: the watchdog ends the process."""
    code = (
        "import subprocess, sys, time; from stepcheck.answers.algebra import COMMAND\n"
        "child = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        'child.stdout.readline(); child.stdin.write(b\'["verify", "x", "99999^{99999^{9}}+(10^{9})!"]\\n\')\n'
        "child.stdin.flush()\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid)); time.sleep(0.3); import os; os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    pid = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 20
    while time.monotonic() < until and psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie":
        time.sleep(0.1)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie"


def test_a_process_that_cannot_start_is_no_answer() -> None:
    """Without math-verify's process answers are compared as far as that goes; the rest could not be told."""
    with Grader(Algebra((sys.executable, "-c", "import sys; sys.exit(1)"))) as grader:
        assert grader.compare("x^2-1", "(x-1)(x+1)").equal is None
        assert grader.compare("1/2", "0.5").equal is True
