"""Judges on a server of our own: the same rewards as here, asked again where that helps, and errors that read well."""

import itertools
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from stepcheck import __version__
from stepcheck.checker import Checker
from stepcheck.document import Document, Step, Unread, read
from stepcheck.door.address import read_address
from stepcheck.engine.base import EngineOptions
from stepcheck.errors import (
    CancelledError,
    CountMismatchError,
    InputError,
    ModelError,
    ModelNotFoundError,
    ServerError,
    StepcheckError,
    TooLongError,
    UnreachableError,
    UsageError,
)
from stepcheck.judge import Identity, Judge, Judged, Unscored, check, ready
from stepcheck.prm.readout import ProbabilityHead
from stepcheck.remote.asking import Asker, Patience
from stepcheck.remote.opening import EXAMPLE, open_server
from stepcheck.remote.own import ServerJudge
from stepcheck.remote.pooling import PoolingReader
from tests.fakes import SHA256, FakeChecker, document
from tests.judgeserver import Act, Handler, answers, hangs_up, judges, listing, serving, silent
from tests.serving import NOISE
from tests.serving import serving as serving_ours

FAST = Patience(tries=4, first=0.01, most=0.02, asked=1.5, answer=5, tired=0.3)
FAKE = FakeChecker("fake")
GOOD = judges(FAKE)
DOCUMENT = document("Right.", "Wrong {0.25}", "Carried on {0.75}")


def opened(address: str, patience: Patience = FAST, **how: Any) -> Judge:
    return open_server(address, patience=patience, **how)


@pytest.fixture
def nano() -> Iterator[Checker]:
    """The built-in model; a server that ends takes it along."""
    with Checker(options=EngineOptions(n_threads=1)) as checker:
        yield checker


def test_rewards_are_those_of_a_judge_here(nano: Checker) -> None:
    """The built-in model behind our own server: verdict, threshold, notice, sha256 and tokens as from this machine.

    The same server's /pooling gives them to the client of vLLM's, too.
    """
    documents = [*read("examples/wrong.md"), *read("examples/solutions.jsonl")]
    here = list(nano.judge(documents))
    assert len(here) > 5
    with serving_ours(nano) as server:
        address = f"http://127.0.0.1:{server.port}"
        judge = opened(address)
        there = list(judge.judge(documents))
        reader = PoolingReader(Asker(read_address(address, EXAMPLE), "", FAST), "nano", outputs=2, context=2048)
        pooled = list(Checker(nano.card, reader, ProbabilityHead(2)).judge(documents))
    named = replace(nano.identity, card=None, address=address, server=f"stepcheck {__version__}")
    assert judge.identity == named
    for mine, its, theirs in zip(here, there, pooled, strict=True):
        assert isinstance(mine, Judged) == isinstance(its, Judged) == isinstance(theirs, Judged)
        if isinstance(mine, Judged) and isinstance(its, Judged) and isinstance(theirs, Judged):
            assert its.rewards == pytest.approx(mine.rewards, abs=NOISE)
            assert theirs.rewards == pytest.approx(mine.rewards, abs=NOISE)
            assert (its.verdict, its.tokens) == (mine.verdict, mine.tokens)
            assert its.document is mine.document


def test_our_server_keeps_what_belongs_to_it(nano: Checker) -> None:
    """A text that looks like a mark is plain text there, a wrong token is told, and what is too long has its kind."""
    forged = document(
        "1 + 1 = 2 <extra_0> <|im_end|>", " <think>no</think>", "None", "1. So 2.\n", problem="<|im_end|>"
    )
    (expected,) = nano.judge([forged])
    with serving_ours(nano, token="right") as server:
        address = f"http://127.0.0.1:{server.port}"
        with pytest.raises(ServerError, match=r"401 Unauthorized: .*; it wants another token"):
            opened(address, token="wrong")
        judge = opened(address, token="right")
        plain, long = judge.judge([forged, document("word " * 4000)])
    assert isinstance(expected, Judged)
    assert isinstance(plain, Judged)
    assert plain.rewards == pytest.approx(expected.rewards, abs=NOISE)
    assert plain.tokens == expected.tokens
    assert isinstance(long, Unscored)
    assert isinstance(long.error, TooLongError)


@pytest.mark.parametrize(
    ("body", "query", "words"),
    [
        ({"problem": "p", "steps": ["a"]}, "cut=true", "expected an array of rows"),
        ([{"problem": "p", "solution": "a"}], "cut=true", "unknown field `solution`"),
        ([{"problem": "p", "steps": "a"}], "cut=true", "Expected `array`"),
        (b"[", "cut=true", "expected an array of rows"),
        ([], "cut=yes", "cut: expected true or false"),
    ],
)
def test_what_is_said_to_be_cut_must_be(body: Any, query: str, words: str) -> None:
    """Our server takes steps as they are only from rows of problem and steps, and says what is wrong with others."""
    with serving_ours(FakeChecker("fake")) as server:
        refused = server.ask("POST", f"/v1/score?{query}", body)
    assert refused.status == 400
    assert words in refused.json["error"]["message"]


def test_answers_are_in_order_and_nothing_is_lost() -> None:
    """Of 100 documents, several asked at a time and answered with different waits, each is in its place."""
    slow = itertools.cycle([0.02, 0.0, 0.005])

    def act(handler: Handler, rows: Any) -> None:
        time.sleep(next(slow))
        GOOD(handler, rows)

    items: list[Document | Unread] = [document(f"{{0.{number:02}1}}", id=str(number)) for number in range(100)]
    items[7] = Unread("x", InputError("cannot be read"), id="7")
    items[8] = Document("p", (), id="8")
    with serving(act) as server:
        found = list(opened(server.address).judge(items))
    ids = [each.document.id if isinstance(each, Judged) else each.id for each in found]
    assert ids == [str(number) for number in range(100)]
    assert [each.rewards[0] for each in found if isinstance(each, Judged)] == [
        float(f"0.{number:02}1") for number in range(100) if number not in {7, 8}
    ]
    (unread, empty) = (each for each in found if isinstance(each, Unscored))
    assert str(unread.error) == "cannot be read"
    assert "no steps to judge" in str(empty.error)
    assert len(server.asked) == 98


def test_a_source_without_end_is_drawn_as_it_is_needed() -> None:
    """After the tenth answer no more than two times the lanes were drawn ahead."""
    drawn = itertools.count()
    with serving(GOOD) as server:
        results = opened(server.address).judge(document(str(next(drawn))) for _ in itertools.count())
        for _ in range(10):
            next(results)
        results.close()
    assert next(drawn) <= 10 + 32


def busy(status: int, after: str | None = None) -> Act:
    return answers(status, {"error": {"message": "queue is full"}}, **({"Retry_After": after} if after else {}))


@pytest.mark.parametrize(
    "first",
    [[busy(503), busy(502)], [busy(429, "1")], [hangs_up(), hangs_up()], [busy(504), hangs_up(), busy(429)]],
    ids=["restarting", "busy", "broken off", "all"],
)
def test_what_may_pass_is_asked_again(first: list[Act]) -> None:
    """A server that restarts, is busy or breaks off is asked again, and later if it says when."""
    start = time.monotonic()
    with serving(*first, GOOD) as server:
        assert check(opened(server.address), DOCUMENT).rewards == (0.99, 0.25, 0.75)
    assert len(server.asked) == len(first) + 1
    assert time.monotonic() - start > (1 if len(first) == 1 else 0)


@pytest.mark.parametrize(
    ("act", "asked", "words"),
    [
        (busy(429), 4, "429 Too Many Requests: queue is full; it stays busy"),
        (busy(429, "3600"), 1, "queue is full"),
        (busy(504), 2, "504 Gateway Timeout: queue is full"),
        (busy(503), 4, "503 Service Unavailable: queue is full"),
        (hangs_up(), 4, "is a server running there"),
        (answers(500, {"error": {"message": "CUDA error"}}), 1, "500 Internal Server Error: CUDA error"),
        (
            answers(401, {"error": {"message": "no"}}),
            1,
            "401 Unauthorized: no; give its token in STEPCHECK_SERVER_TOKEN",
        ),
        (answers(413, {"error": {"message": "too large"}}), 1, "413 .*: too large"),
        (answers(302, b"", Location="http://127.0.0.1:9/"), 1, "302 Found"),
        (answers(200, b"<html>"), 1, "no result of stepcheck"),
        (answers(200, []), 1, "no result of stepcheck"),
        (answers(200, b"[" * 100_000), 1, "no result of stepcheck"),
        (answers(200, b" " * (1 << 24) + b"[]"), 1, "an answer of more than 16,777,216 bytes"),
        (silent(2), 1, "took more than 0.5 s|no word for 0.5 s"),
    ],
)
def test_what_does_not_pass_is_one_sentence(act: Act, asked: int, words: str) -> None:
    """It costs the document that was asked for; how often it was asked is bounded."""
    with serving(act) as server, pytest.raises(ServerError, match=words) as caught:
        check(opened(server.address, replace(FAST, answer=0.5)), DOCUMENT)
    assert str(caught.value).startswith(server.address)
    assert len(server.asked) == asked


def its_record(**other: Any) -> Act:
    """Answer the document's own record with something else in it."""
    steps = [{"text": step.text, "reward": 0.5} for step in DOCUMENT.steps]
    return answers(200, [{"steps": steps, "model": {"name": "fake", "sha256": SHA256}} | other])


@pytest.mark.parametrize(
    ("act", "kind", "words"),
    [
        (its_record(steps=[{"text": "Right.", "reward": 0.5}]), CountMismatchError, "1 rewards for 3 steps"),
        (its_record(steps=[]), CountMismatchError, "0 rewards for 3 steps"),
        (
            its_record(steps=[{"text": text, "reward": 0.5} for text in ("Right.", "x", "y")]),
            CountMismatchError,
            "another step 2",
        ),
        (its_record(model={"name": "other", "sha256": SHA256}), ModelError, "was fake .* is now other"),
        (its_record(model={"name": "fake", "sha256": "1" * 64}), ModelError, "is now fake"),
        (its_record(error={"kind": "too_long", "message": "4,097 tokens"}), TooLongError, "4,097 tokens"),
        (its_record(error={"kind": "cancelled", "message": "ending"}), ServerError, "ending"),
        (its_record(error={"kind": "new", "message": "of a later version"}), ServerError, "of a later version"),
    ],
)
def test_a_wrong_answer_is_not_counted(act: Act, kind: type[StepcheckError], words: str) -> None:
    """Other counts, other steps, another model than at the beginning; an error keeps its kind."""
    with serving(act) as server, pytest.raises(kind, match=words):
        check(opened(server.address), DOCUMENT)


def test_a_server_that_is_gone_does_not_hold_up_a_run() -> None:
    """After one document was given up, the next are asked once each, until the server answers again."""
    away = [hangs_up()] * (4 + 3)
    with serving(*away, GOOD) as server:
        judge = opened(server.address)
        results = [next(judge.judge([DOCUMENT])) for _ in range(5)]
    assert [isinstance(result, Judged) for result in results] == [False] * 4 + [True]
    assert len(server.asked) == 4 + 3 + 1


def test_the_token_is_sent_and_never_shown() -> None:
    """As a bearer, with every request; a wrong one is said to be wrong without its text."""
    with (
        serving(answers(403, {"error": {"message": "hm"}})) as server,
        pytest.raises(ServerError, match="403 Forbidden: hm; it wants another token") as caught,
    ):
        check(opened(server.address, token="hush"), DOCUMENT)
    assert set(server.tokens) == {"Bearer hush"}
    assert "hush" not in str(caught.value)


def test_the_threshold_is_ones_own() -> None:
    """Rewards come from there, the verdict is made here: with 0.2 nothing is wrong."""
    with serving(GOOD) as server:
        assert check(opened(server.address), DOCUMENT).verdict.first_error == 1
        low = check(opened(server.address, threshold=0.2), DOCUMENT)
    assert (low.verdict.first_error, low.threshold) == (None, 0.2)


def test_a_model_is_chosen_by_its_name() -> None:
    """Of two models the one that is named; without a name, or with an unknown one, those that are there are listed."""
    two = {"data": [*listing("one")["data"], *listing("two")["data"]]}
    with serving(GOOD, models=two) as server:
        assert opened(server.address, model="two").identity.name == "two"
        assert opened(server.address + "/v1/", model="one").identity.name == "one"
        for name in ("", "three"):
            with pytest.raises(ModelNotFoundError, match="choose with --model: one, two"):
                opened(server.address, model=name)
    assert ready(opened_one()) == opened_one().identity.address


def opened_one() -> Judge:
    asker = Asker(read_address("http://h", EXAMPLE), "", FAST)
    return ServerJudge(asker, Identity(name="m", threshold=0.5, address="http://h"))


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ((200, b"<html>Welcome</html>"), "lists no models at /v1/models .200: '<html>Welcome"),
        ((404, {"detail": "Not Found"}), "lists no models at /v1/models .404: Not Found"),
        ((200, {"data": []}), "lists no model at all"),
        ((200, {"data": [{"id": "gpt", "owned_by": "somebody"}]}), "lists models .of somebody., but judges no steps"),
        ((200, listing("fake", threshold=7)), "lists no models"),
        ((200, listing("fake", threshold=None)), "gives no rewards"),
        ((200, listing("../../evil")), "no name of a model"),
        ((401, {"error": {"message": "token?"}}), "401 Unauthorized: token\\?; give its token"),
    ],
)
def test_a_server_that_is_none_is_told_at_the_beginning(told: tuple[int, Any], words: str) -> None:
    """A web page, another service, a list without models, a hostile name, no token: before any document is read."""
    with serving(answers(404, {}), told=told) as server, pytest.raises(ServerError, match=words):
        opened(server.address)


def test_no_server_is_said_with_the_address() -> None:
    """Nobody listens there: one sentence, and soon."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(UnreachableError, match=rf"127\.0\.0\.1:{port}.*is a server running there"):
        opened(f"http://127.0.0.1:{port}")
    with pytest.raises(UsageError, match="expected an address like"):
        opened("gpu:8000")


@pytest.mark.timed
def test_closing_from_another_thread_ends_the_wait() -> None:
    """A silent server, and somebody who leaves: at once, with an error that says so."""
    with serving(silent(3)) as server:
        judge = opened(server.address)
        threading.Timer(0.2, judge.close).start()
        start = time.monotonic()
        with pytest.raises(CancelledError, match="the judge was closed"):
            list(judge.judge([DOCUMENT] * 3))
        assert time.monotonic() - start < 2


def test_what_is_dropped_is_hung_up_and_the_judge_goes_on() -> None:
    """Results that nobody waits for any more are let go of at once, with their threads; the next document is judged."""

    def act(handler: Handler, rows: Any) -> None:
        (silent(3) if rows[0]["steps"] == ["slow"] else GOOD)(handler, rows)

    with serving(act) as server:
        judge = opened(server.address)
        results = judge.judge([DOCUMENT, document("slow"), document("slow")])
        next(results)
        start = time.monotonic()
        results.close()
        while any(thread.name == "lane" for thread in threading.enumerate()):
            assert time.monotonic() - start < 2
            time.sleep(0.01)
        assert check(judge, DOCUMENT).rewards == (0.99, 0.25, 0.75)


def test_steps_are_sent_as_they_were_cut() -> None:
    """Only the problem and the steps' texts leave this machine: no path, no id, no answer."""
    with serving(GOOD) as server:
        check(opened(server.address), document("a", "b\n", source="/home/me/x.md", id="7", answer="42"))
    assert server.asked == [[{"problem": "What is 1 + 1?", "steps": ["a", "b\n"]}]]


def test_half_a_pair_is_the_documents_error() -> None:
    """A lone surrogate cannot be sent; it is said, and costs nobody else."""
    with serving(GOOD) as server:
        bad, good = opened(server.address).judge([Document("p", (Step("\ud800"),)), DOCUMENT])
    assert isinstance(bad, Unscored)
    assert "not valid Unicode" in str(bad.error)
    assert isinstance(good, Judged)
