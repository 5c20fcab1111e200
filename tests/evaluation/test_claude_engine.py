"""Claude as an engine: it looks and answers by the tools, over a fake of the Messages API that is strict."""

import asyncio
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from evaluation.layouts import metric_set
from servers import HANG, RESET, Reply, Request, http_server, reply_json

from steadyhand.cli import main
from steadyhand.evaluation.case import Case
from steadyhand.evaluation.claude import KEY, Claude, Price
from steadyhand.evaluation.errors import BadAnswer, NoEngine
from steadyhand.evaluation.metric_sets import read_case
from steadyhand.wiring import playbooks

SECRET = "sk-ant-canary-0001"
NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
STOCK = {
    "entity": "stock",
    "entity_kind": "service",
    "fault_class": "cpu_starvation",
    "claim": "Stock has no processor time left.",
    "confidence": 0.1,
    "supports": ["m4"],
    "path": [
        {"source": "stock", "target": "cart", "evidence": ["m1"]},
        {"source": "cart", "target": "front", "evidence": ["m2"]},
    ],
}


def use(tool: str, **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"toolu_{tool}_{len(given)}", "name": tool, "input": given}


def submits(*hypotheses: dict[str, Any]) -> dict[str, Any]:
    return use("submit_hypotheses", incident_id="inc-1", hypotheses=list(hypotheses))


@dataclass
class FakeMessages:
    """`POST /v1/messages`: each turn of the script in order, the last one again and again.

    A turn is the content of a message, or the text of its end with its stop reason.
    """

    turns: list[Any] = field(default_factory=lambda: [[submits()]])
    first: list[Reply] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    given: int = 0

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
        turn = self.turns[min(self.given, len(self.turns) - 1)]
        self.given += 1
        content, stop = (turn, "tool_use") if isinstance(turn, list) else ([text(turn[0])], turn[1])
        used = {"input_tokens": 900, "output_tokens": 40, "cache_read_input_tokens": 60}
        head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-test"}
        return {**head, "content": content, "stop_reason": stop, "stop_sequence": None, "usage": used}

    @property
    def told(self) -> list[dict[str, Any]]:
        """What the tools answered, as it was sent back."""
        last = self.asked[-1]["messages"]
        return [one for said in last[1:] if said["role"] == "user" for one in said["content"]]


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def failed(status: int, kind: str, message: str, **headers: str) -> Reply:
    body = {"type": "error", "error": {"type": kind, "message": message}}
    return Reply(status, json.dumps(body).encode(), {"content-type": "application/json", **headers})


def fault_of(body: dict[str, Any]) -> str:
    """What the API would refuse."""
    said = body["messages"]
    if body["model"] != "claude-test":
        return f"model: {body['model']}"
    if not body["max_tokens"] > 0 or said[0]["role"] != "user":
        return "messages: first message must use the user role"
    if any(one["role"] == other["role"] for one, other in pairwise(said)):
        return "messages: roles must alternate"
    if any(
        not NAME.fullmatch(one["name"]) or one["input_schema"]["type"] != "object" for one in body["tools"]
    ):
        return "tools: name or input_schema is not valid"
    return next(filter(None, (unanswered(*pair) for pair in pairwise(said))), "")


def unanswered(message: dict[str, Any], following: dict[str, Any]) -> str:
    """Each tool_use must have its tool_result in the very next message, and no result stands alone."""
    asked = [one["id"] for one in message["content"] if one["type"] == "tool_use"]
    answers = [one["tool_use_id"] for one in following["content"] if one["type"] == "tool_result"]
    if asked == answers:
        return ""
    return "messages: `tool_use` ids were found without `tool_result` blocks immediately after"


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


def claude(deadline: float = 20.0, price: Price | None = None) -> Claude:
    return Claude("claude-test", deadline, playbooks(), price)


def test_claude_is_shown_what_a_session_reads_first_and_has_its_tools_but_none_that_acts(
    tmp_path: Path, fake: FakeMessages
) -> None:
    assert claude()(case_in(tmp_path)).abstained
    [asked] = fake.asked
    shown = {one["title"]: one["source"]["data"] for one in asked["messages"][0]["content"][:-1]}
    assert "m1 " in shown["get_evidence"]
    assert "stock" in shown["get_diagnosis"]
    tools = {one["name"] for one in asked["tools"]}
    assert {"get_playbook", "find_similar_incidents", "query_metrics", "submit_hypotheses"} <= tools
    assert not {"execute_fix", "request_approval", "propose_fix", "escalate_incident"} & tools


def test_it_looks_by_the_tools_and_what_it_submits_is_scored(tmp_path: Path, fake: FakeMessages) -> None:
    look = [use("get_playbook", mechanism="lock_queue"), use("query_metrics", expression="latency")]
    fake.turns = [[text("First a look."), *look], [submits(STOCK)]]
    found = claude()(case_in(tmp_path))
    assert (found.components, found.confidence, found.failed) == (("stock",), 0.1, "")
    assert found.tokens == 2000
    answers = [one["content"] for one in fake.told]
    assert "lock" in answers[0]
    assert "series" in answers[1]


def test_a_refusal_of_a_tool_goes_back_as_an_error_that_can_be_mended(
    tmp_path: Path, fake: FakeMessages
) -> None:
    bold = STOCK | {"confidence": 0.99, "supports": ["m99"]}
    fake.turns = [[use("no_such_tool")], [submits(bold)], [submits(STOCK)]]
    assert claude()(case_in(tmp_path)).components == ("stock",)
    assert [one["is_error"] for one in fake.told] == [True, True]
    assert "cite ids that get_evidence lists" in fake.told[1]["content"]


def test_no_cause_at_all_means_nobody(tmp_path: Path, fake: FakeMessages) -> None:
    fake.turns = [[submits()]]
    found = claude()(case_in(tmp_path))
    assert (found.abstained, found.failed) == (True, "")


def test_what_it_costs_is_counted_where_a_price_is_given(tmp_path: Path, fake: FakeMessages) -> None:
    assert fake.turns == [[submits()]]
    found = claude(price=Price(read=3.0, written=15.0))(case_in(tmp_path))
    assert found.cost == pytest.approx((960 * 3.0 + 40 * 15.0) / 1e6)


@pytest.mark.parametrize(
    "reply",
    [failed(529, "overloaded_error", "busy", **{"retry-after-ms": "1"}), RESET],
    ids=["overloaded", "reset"],
)
def test_what_passes_is_tried_again(tmp_path: Path, fake: FakeMessages, reply: Reply) -> None:
    fake.first = [reply]
    assert claude()(case_in(tmp_path)).abstained
    assert len(fake.asked) == 2


def test_it_is_not_tried_for_ever(tmp_path: Path, fake: FakeMessages) -> None:
    fake.first = [failed(429, "rate_limit_error", "slow down", **{"retry-after-ms": "1"})] * 9
    with pytest.raises(BadAnswer, match=r"case-1: the Messages API: .*429.*slow down"):
        claude()(case_in(tmp_path))
    assert len(fake.asked) == 3


def test_an_answer_that_does_not_come_is_given_up(tmp_path: Path, fake: FakeMessages) -> None:
    fake.first = [HANG] * 9
    with pytest.raises(BadAnswer, match=r"no answer within 1 s"):
        claude(1.0)(case_in(tmp_path))
    assert len(fake.asked) == 1, "what is tried again has no deadline of its own"


@pytest.mark.parametrize(
    ("turns", "told", "tokens"),
    [
        ([("It is the stock service.", "end_turn")], "ended without an answer", 1000),
        ([("I would rather not.", "refusal")], "not whole: refusal", 1000),
        ([[use("get_topology")], ("{", "max_tokens")], "not whole: max_tokens", 2000),
        ([[use("get_topology")]], "not whole: 16 turns of looking", 16_000),
    ],
    ids=["words only", "refusal", "cut off", "never done"],
)
def test_what_is_no_answer_is_named_with_what_was_spent_on_it(
    tmp_path: Path, fake: FakeMessages, turns: list[Any], told: str, tokens: int
) -> None:
    fake.turns = turns
    with pytest.raises(BadAnswer, match=told) as caught:
        claude()(case_in(tmp_path))
    assert caught.value.tokens == tokens


@pytest.mark.parametrize(
    "reply", [Reply(200, b"<html>", {"content-type": "text/html"}), reply_json({"content": []})]
)
def test_another_server_at_the_address_is_named(tmp_path: Path, fake: FakeMessages, reply: Reply) -> None:
    fake.first = [reply]
    with pytest.raises(BadAnswer, match="what answered is not the Messages API"):
        claude()(case_in(tmp_path))


def test_a_refused_key_is_told_and_not_shown(
    tmp_path: Path, fake: FakeMessages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, "sk-ant-other-0002")
    with pytest.raises(BadAnswer, match=r"401.*invalid API key \[key\]"):
        claude()(case_in(tmp_path))
    assert not fake.asked


def test_without_a_key_it_says_which_one_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "another way in")
    with pytest.raises(NoEngine, match=KEY):
        claude()


def test_a_refusal_in_the_middle_is_one_failed_case_and_the_board_goes_on(
    tmp_path: Path, fake: FakeMessages, capsys: pytest.CaptureFixture[str]
) -> None:
    metric_set(tmp_path / "set")
    fake.turns = [("No.", "refusal"), [submits()]]
    data = tmp_path / "board.json"
    given = ["--engine", "claude", "--model", "claude-test", "--limit", "2", "--price", "3", "15"]
    assert main(["eval", str(tmp_path / "set"), *given, "--json", str(data)]) == 0
    printed = capsys.readouterr()
    assert "2000 tokens, $0.00" in printed.out
    assert "no answer to 1 of 2: case-1: the answer of claude-test is not whole: refusal" in printed.err
    cases = json.loads(data.read_text(encoding="utf-8"))["cases"]
    assert [(one["answer"]["failed"] != "", one["answer"]["tokens"]) for one in cases] == [
        (True, 1000),
        (False, 1000),
    ]
