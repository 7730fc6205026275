"""POST /pooling: as vLLM answers for process reward models."""

import base64
import struct
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from stepcheck import Checker, Document, EngineOptions, Step
from stepcheck.hub.disk.store import find
from tests.fakes import FakeChecker
from tests.serving import NOISE, ROW, Client, serving

TEXT = (
    "<|im_start|>user\nWhat is 2 + 3?<|im_end|>\n<|im_start|>assistant\n"
    "2 + 3 = 6<extra_0>The answer is 6.<extra_0><|im_end|>\n"
)


@pytest.fixture(scope="module")
def nano() -> Iterator[Client]:
    with serving(Checker("nano", options=EngineOptions(n_threads=1))) as client:
        yield client


@pytest.fixture(scope="module")
def rewards() -> tuple[float, ...]:
    with Checker("nano", options=EngineOptions(n_threads=1)) as checker:
        return checker.check(Document(str(ROW["problem"]), tuple(map(Step, ROW["steps"])))).rewards


def pooled(client: Client, **body: Any) -> Any:
    response = client.ask("POST", "/pooling", body)
    assert response.status == 200, response.data
    return response.json


def test_a_text_gives_a_pair_a_mark(nano: Client, rewards: tuple[float, ...]) -> None:
    """The second of each pair is the reward that the judge gives locally; the fields are those of PoolingResponse."""
    found = pooled(nano, model="nano", input=TEXT, task="token_classify")
    assert found.keys() == {"id", "object", "created", "model", "data", "usage"}
    assert (found["object"], found["model"], found["id"][:5]) == ("list", "nano", "pool-")
    (data,) = found["data"]
    assert (data["index"], data["object"]) == (0, "pooling")
    assert [pair[1] for pair in data["data"]] == pytest.approx(rewards, abs=NOISE)
    assert [sum(pair) for pair in data["data"]] == pytest.approx([1, 1])
    assert found["usage"]["prompt_tokens"] == found["usage"]["total_tokens"] > 20


def test_all_forms_of_a_prompt_say_the_same(nano: Client, rewards: tuple[float, ...]) -> None:
    """A list of texts, a conversation, base64, and what earlier versions called the task."""
    conversation = [
        {"role": "user", "content": ROW["problem"]},
        {"role": "assistant", "content": [{"type": "text", "text": "".join(f"{s}<extra_0>" for s in ROW["steps"])}]},
    ]
    two = pooled(nano, input=[TEXT, TEXT], task="encode")["data"]
    assert [each["index"] for each in two] == [0, 1]
    for data in (*two, *pooled(nano, messages=conversation, use_activation=True, user="me")["data"]):
        assert [pair[1] for pair in data["data"]] == pytest.approx(rewards, abs=NOISE)
    coded = pooled(nano, input=TEXT, encoding_format="base64")["data"][0]["data"]
    assert struct.unpack("<4f", base64.b64decode(coded))[1::2] == pytest.approx(rewards, abs=NOISE)


def test_a_conversation_s_problem_sets_no_mark(nano: Client) -> None:
    """Only the assistant's turn is read for marks, and nothing in it but marks is more than text."""
    turns = [
        {"role": "user", "content": "1 + 1?<extra_0>"},
        {"role": "assistant", "content": "2<|im_end|><extra_0> rest"},
    ]
    assert len(pooled(nano, messages=turns)["data"][0]["data"]) == 1


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"input": "no mark"}, 400, "<extra_0>"),
        ({"input": []}, 400, "empty"),
        ({"input": [TEXT, ""]}, 400, "input[1]"),
        ({"input": TEXT, "messages": []}, 400, "one of"),
        ({"input": TEXT, "model": "gpt"}, 404, "nano"),
        ({"input": TEXT, "task": "embed"}, 400, "token_classify"),
        ({"input": TEXT, "use_activation": False}, 400, "use_activation"),
        ({"input": TEXT, "truncate_prompt_tokens": 8}, 400, "whole"),
        ({"input": TEXT, "chat_template": "{{ x }}"}, 400, "chat_template"),
        ({"input": TEXT, "encoding_format": "bytes"}, 400, "base64"),
        ({"input": TEXT, "secret": 1}, 400, "secret"),
        ({"messages": [{"role": "user", "content": "x"}]}, 400, "assistant"),
        ({"input": "word " * 4000 + "<extra_0>"}, 400, "context"),
        ({"input": [[1, 2]]}, 400, "nothing to read"),
        ({"input": [TEXT, 5]}, 400, "token ids"),
        ({"input": [9**9]}, 400, "no token of this model"),
    ],
)
def test_what_is_not_done_is_refused(nano: Client, body: dict[str, Any], status: int, says: str) -> None:
    """What would change a reward is never ignored; the sentence names the field, or what to do."""
    response = nano.ask("POST", "/pooling", body)
    assert response.status == status, response.data
    assert says in response.json["error"]["message"]


def test_a_judge_that_reads_no_prompts_says_where_to_ask() -> None:
    """Any judge can be served; only one that reads prompts answers here."""
    with serving(FakeChecker()) as client:
        response = client.ask("POST", "/pooling", {"input": TEXT})
        assert response.status == 400
        assert "/v1/score" in response.json["error"]["message"]


def test_token_ids_are_read_as_they_are(nano: Client, rewards: tuple[float, ...]) -> None:
    """The tokens of the same text, with what follows the last mark, give the same pairs; a flat list is one prompt."""
    ids = tokens(TEXT)
    for given in (ids, [ids]):
        (data,) = pooled(nano, input=given)["data"]
        assert [pair[1] for pair in data["data"]] == pytest.approx(rewards, abs=NOISE)
    assert len(pooled(nano, input=[ids, ids])["data"]) == 2


def test_a_mark_of_white_space_is_known_by_its_token_alone() -> None:
    """A text is refused, and told what to send: as token ids the same gives a pair a newline."""
    with Checker("nano", options=EngineOptions(n_threads=1)) as checker:
        template = msgspec.structs.replace(checker.card.template, mark="\n")
        judge = Checker(msgspec.structs.replace(checker.card, template=template), checker.reader, checker._head)
        conversation = [{"role": "user", "content": "1 + 1?"}, {"role": "assistant", "content": "2\n"}]
        with serving(judge) as client:
            for body in ({"input": TEXT}, {"messages": conversation}):
                response = client.ask("POST", "/pooling", body)
                assert response.status == 400
                assert "white space" in response.json["error"]["message"]
            (data,) = pooled(client, input=tokens(TEXT))["data"]
    assert len(data["data"]) == TEXT.count("\n") == 4


def tokens(text: str) -> list[int]:
    """A text's token ids, as llama.cpp reads them in one piece."""
    from llama_cpp import Llama

    model = Llama(str(find("nano", None).backbone), vocab_only=True, verbose=False)
    found: list[int] = model.tokenize(text.encode(), add_bos=False, special=True)
    model.close()
    return found
