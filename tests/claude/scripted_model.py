"""A stand-in for the Messages API on loopback: it says what the test wrote down, and keeps what it was sent.

It keeps no conversation: which line is due follows from the number of assistant messages in the request, and
whose line it is from a word in the system prompt, so a sub-agent has lines of its own.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Call:
    """One tool call."""

    tool: str
    given: Mapping[str, object] = field(default_factory=dict)

    def block(self, identity: str) -> dict[str, Any]:
        return {"type": "tool_use", "id": identity, "name": self.tool, "input": {}}

    def delta(self) -> dict[str, Any]:
        return {"type": "input_json_delta", "partial_json": json.dumps(dict(self.given))}


@dataclass(frozen=True)
class Say:
    """One sentence, which ends the turn."""

    text: str

    def block(self, _identity: str) -> dict[str, Any]:
        return {"type": "text", "text": ""}

    def delta(self) -> dict[str, Any]:
        return {"type": "text_delta", "text": self.text}


Line = Call | Say


@dataclass
class ScriptedModel:
    """The lines of each speaker, by a word in the system prompt; "" is the main one."""

    lines: Mapping[str, Sequence[Line]]
    requests: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def next_line(self, request: dict[str, Any]) -> Line:
        """What is said to this request."""
        self.requests.append(request)
        if not request.get("tools"):
            return Say("a title")
        system = json.dumps(request.get("system"))
        speaker = next((word for word in self.lines if word and word in system), "")
        said = sum(message["role"] == "assistant" for message in request["messages"])
        lines = self.lines[speaker]
        return lines[said] if said < len(lines) else Say("the script is over")

    @property
    def first(self) -> str:
        """All text of the first request with tools."""
        return json.dumps(next(one for one in self.requests if one.get("tools")), ensure_ascii=False)


def events(line: Line, number: int) -> Iterator[dict[str, Any]]:
    """The stream of one answer."""
    usage = {"input_tokens": 10, "output_tokens": 10}
    stop = "tool_use" if isinstance(line, Call) else "end_turn"
    message = {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": "scripted",
        "content": [],
    }
    yield {"type": "message_start", "message": {**message, "stop_reason": None, "usage": usage}}
    yield {"type": "content_block_start", "index": 0, "content_block": line.block(f"toolu_{number:08d}")}
    yield {"type": "content_block_delta", "index": 0, "delta": line.delta()}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": usage}
    yield {"type": "message_stop"}


@contextmanager
def speaking(model: ScriptedModel) -> Iterator[None]:
    """Serve the model's lines until the block ends; its address is in `model.url`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            line = model.next_line(request)
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            for event in events(line, len(model.requests)):
                self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())

        def log_message(self, *_words: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        model.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever).start()
        try:
            yield
        finally:
            server.shutdown()
