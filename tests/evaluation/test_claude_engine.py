"""Claude as an engine, against a fake of the Messages API on loopback that enforces its rules."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from evaluation.layouts import metric_set
from servers import HANG, RESET, Reply, Request, http_server, reply_json

from steadyhand.cli import main
from steadyhand.evaluation.case import Case
from steadyhand.evaluation.claude import KEY, Claude
from steadyhand.evaluation.engines import pack
from steadyhand.evaluation.errors import BadAnswer, NoEngine
from steadyhand.evaluation.metric_sets import read_case

SECRET = "sk-ant-canary-0001"
STOCK = {"component": "stock", "confidence": 0.8, "fault_class": None, "change": None}


@dataclass
class FakeMessages:
    """`POST /v1/messages`, which answers with `text` after the `first` replies are used up."""

    text: str = json.dumps({"causes": [STOCK]})
    stop: str = "end_turn"
    first: list[Reply] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        if (request.method, request.path) != ("POST", "/v1/messages"):
            return failed(404, "not_found_error", request.path)
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if request.headers.get("x-api-key", key) != SECRET:  # releases of the SDK differ in the header
            return failed(401, "authentication_error", f"invalid API key {key}")
        if not request.headers.get("anthropic-version"):
            return failed(400, "invalid_request_error", "anthropic-version: header is required")
        self.asked.append(json.loads(request.body))
        wrong = fault_of(self.asked[-1])
        if wrong:
            return failed(400, "invalid_request_error", wrong)
        return self.first.pop(0) if self.first else reply_json(self.message())

    def message(self) -> dict[str, Any]:
        used = {"input_tokens": 900, "output_tokens": 40, "cache_read_input_tokens": 60}
        content = [{"type": "text", "text": self.text}]
        head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-test"}
        return {**head, "content": content, "stop_reason": self.stop, "stop_sequence": None, "usage": used}


def failed(status: int, kind: str, message: str, **headers: str) -> Reply:
    body = {"type": "error", "error": {"type": kind, "message": message}}
    return Reply(status, json.dumps(body).encode(), {"content-type": "application/json", **headers})


def fault_of(body: dict[str, Any]) -> str:
    """What the API would refuse."""
    if body["model"] != "claude-test":
        return f"model: {body['model']}"
    if not body["max_tokens"] > 0 or body["messages"][0]["role"] != "user":
        return "messages: first message must use the user role"
    form = body["output_config"]["format"]
    if form["type"] != "json_schema" or not closed(form["schema"]):
        return "output_config.format.schema: additionalProperties must be false, numbers without bounds"
    return ""


def closed(schema: Any) -> bool:  # JSON
    if isinstance(schema, list):
        return all(closed(one) for one in schema)
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        return False
    return not {"minimum", "maximum"} & set(schema) and all(closed(one) for one in schema.values())


@contextmanager
def served(answer: Callable[[Request], Reply]) -> Iterator[str]:
    """The fake in a thread of its own, for the command line asks from a loop of its own."""
    loop, ready, end, urls = asyncio.new_event_loop(), threading.Event(), asyncio.Event(), list[str]()

    async def serve() -> None:
        async with http_server(answer) as server:
            urls.append(server.url)
            ready.set()
            await end.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(20)
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(20)
        loop.close()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMessages]:
    one = FakeMessages()
    with served(one) as url:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
        monkeypatch.setenv(KEY, SECRET)
        yield one


def case_in(folder: Path) -> Case:
    return read_case(metric_set(folder))


def test_claude_sees_the_pack_a_program_sees_and_its_answer_is_scored(
    tmp_path: Path, fake: FakeMessages
) -> None:
    case = case_in(tmp_path)
    found = Claude("claude-test", 20.0)(case)
    assert (found.components, found.confidence, found.abstained) == (("stock",), 0.8, False)
    assert found.tokens == 1000
    [asked] = fake.asked
    sent = {one["title"]: one["source"]["data"] for one in asked["messages"][0]["content"]}
    assert sent == pack(case.inputs)


def test_no_cause_at_all_means_nobody(tmp_path: Path, fake: FakeMessages) -> None:
    fake.text = '{"causes": []}'
    assert Claude("claude-test", 20.0)(case_in(tmp_path)).abstained


@pytest.mark.parametrize(
    "reply",
    [failed(529, "overloaded_error", "busy", **{"retry-after-ms": "1"}), RESET],
    ids=["overloaded", "reset"],
)
def test_what_passes_is_tried_again(tmp_path: Path, fake: FakeMessages, reply: Reply) -> None:
    fake.first = [reply]
    assert Claude("claude-test", 20.0)(case_in(tmp_path)).components == ("stock",)
    assert len(fake.asked) == 2


def test_it_is_not_tried_for_ever(tmp_path: Path, fake: FakeMessages) -> None:
    fake.first = [failed(429, "rate_limit_error", "slow down", **{"retry-after-ms": "1"})] * 9
    with pytest.raises(BadAnswer, match=r"case-1: the Messages API: .*429.*slow down"):
        Claude("claude-test", 20.0)(case_in(tmp_path))
    assert len(fake.asked) == 3


def test_an_answer_that_does_not_come_is_given_up(tmp_path: Path, fake: FakeMessages) -> None:
    fake.first = [HANG] * 9
    with pytest.raises(BadAnswer, match=r"no answer within 0\.3 s"):
        Claude("claude-test", 0.3)(case_in(tmp_path))
    assert len(fake.asked) == 1, "what is tried again has no deadline of its own"


@pytest.mark.parametrize(
    ("text", "stop", "told"),
    [
        ("It is the stock service.", "end_turn", "not of the form"),
        ('{"causes": [{"component": "stock", "confidence": 7}]}', "end_turn", "not of the form"),
        ('{"causes": [{"component": "stock", "blame": 1}]}', "end_turn", "not of the form"),
        ('{"causes": [', "max_tokens", "not whole: max_tokens"),
        ("", "refusal", "not whole: refusal"),
    ],
)
def test_what_is_no_answer_is_not_scored(
    tmp_path: Path, fake: FakeMessages, text: str, stop: str, told: str
) -> None:
    fake.text, fake.stop = text, stop
    with pytest.raises(BadAnswer, match=told):
        Claude("claude-test", 20.0)(case_in(tmp_path))


@pytest.mark.parametrize(
    "reply", [Reply(200, b"<html>", {"content-type": "text/html"}), reply_json({"content": []})]
)
def test_another_server_at_the_address_is_named(tmp_path: Path, fake: FakeMessages, reply: Reply) -> None:
    fake.first = [reply]
    with pytest.raises(BadAnswer, match="what answered is not the Messages API"):
        Claude("claude-test", 20.0)(case_in(tmp_path))


def test_a_refused_key_is_told_and_not_shown(
    tmp_path: Path, fake: FakeMessages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, "sk-ant-other-0002")
    with pytest.raises(BadAnswer, match=r"401.*invalid API key \[key\]"):
        Claude("claude-test", 20.0)(case_in(tmp_path))
    assert not fake.asked


def test_without_a_key_it_says_which_one_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "another way in")
    with pytest.raises(NoEngine, match=KEY):
        Claude("claude-test", 20.0)


def test_the_board_of_claude_counts_its_tokens(
    tmp_path: Path, fake: FakeMessages, capsys: pytest.CaptureFixture[str]
) -> None:
    metric_set(tmp_path / "set")
    wanted = ["eval", str(tmp_path / "set"), "--engine", "claude", "--model", "claude-test", "--limit", "1"]
    assert main(wanted) == 0
    assert "1000 tokens" in capsys.readouterr().out
    assert len(fake.asked) == 1
