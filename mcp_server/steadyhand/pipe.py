"""The stdio door: JSON-RPC lines on stdin and stdout, the control service's MCP over HTTP behind it.

Standard library only and alone in its file, so that a session has its tools within a blink: an MCP SDK
takes a second to import. It holds no state worth keeping; the service does. Runs as `steadyhand mcp`, or
with any Python as `python3 -IS pipe.py`.

The service is found through `service.json` in its data folder (STEADYHAND_HOME, else ~/.steadyhand), or at
STEADYHAND_URL when it lives elsewhere. Where none runs on this machine, one is started. What a service says
outside of a request (the GET stream of the handshake protocols) is not carried: ours says nothing there.
"""

import binascii
import http.client
import json
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

Message = dict[str, Any]

CONNECT_S = 5.0  # loopback answers at once; another host gets a little patience
SILENCE_S = 300.0  # an open stream is pinged far more often than this
START_S = 25.0  # below the half minute after which a client gives a server up
GRACE_S = 3.0  # when our start lost a race, the winner needs this long to listen
FAREWELL_S = 1.5  # clients kill a server that lingers for two seconds

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
_HEADER_SAFE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_PARSE_ERROR, _INVALID_REQUEST, _NO_SERVICE = -32700, -32600, -32001


class NoService(Exception):
    """The service cannot be asked; the text names the way out."""


class Cancelled(Exception):
    """The client no longer wants the answer."""


class Service:
    """Where the control service is, what it wants to see, and how to start it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self.folder = Path(env.get("STEADYHAND_HOME") or Path.home() / ".steadyhand")
        self.elsewhere = env.get("STEADYHAND_URL", "")
        self._starting = threading.Lock()

    def connect(self) -> http.client.HTTPConnection:
        """A connection to the running service, started here if none runs. Raises NoService."""
        if found := self.reach():
            return found
        if self.elsewhere:
            raise NoService("no Steadyhand service answers at STEADYHAND_URL; start it on its own host.")
        with self._starting:
            return self.reach() or self._start()

    def token(self) -> str:
        """The bearer token, read anew each time because a service may renew it. Raises NoService."""
        path = self.folder / "mcp.token"
        try:
            token = path.read_text("ascii").strip()
        except (OSError, ValueError) as error:
            why = f"cannot read {path} ({type(error).__name__})"
            raise NoService(f"{why}; `steadyhand serve` writes it.") from error
        if not _HEADER_SAFE.fullmatch(token):
            raise NoService(f"{path} holds no token; remove it and run `steadyhand serve`.")
        return token

    def reach(self) -> http.client.HTTPConnection | None:
        """A connection to the service if it runs. Raises NoService for a URL the token must not travel to."""
        url = self.elsewhere or self._local_url()
        if not url:
            return None
        connection = connection_to(url)
        try:
            connection.connect()
        except OSError:
            return None
        connection.sock.settimeout(SILENCE_S)
        return connection

    def _local_url(self) -> str:
        """What service.json says, if the process that wrote it lives: its port may be a stranger's by now."""
        try:
            note = json.loads((self.folder / "service.json").read_text("utf-8"))
            return str(note["url"]) if _is_alive(int(note["pid"])) else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def _start(self) -> http.client.HTTPConnection:
        import subprocess  # noqa: PLC0415  rarely needed, and a tenth of the start-up time

        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = self.folder / "serve.log"
        env = {name: text for name, text in self.env.items() if not name.startswith("CLAUDE")}
        with log.open("ab") as words:
            starter = subprocess.Popen(  # noqa: S603  the command is our own; no text of a client is in it
                [*self._command(), "serve", "--detach"],
                stdin=subprocess.DEVNULL, stdout=words, stderr=words, env=env, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if found := self.reach():
                return found
            if starter.poll():
                until = min(until, time.monotonic() + GRACE_S)
            time.sleep(0.05)
        raise NoService(f"Steadyhand's service did not start; {log} says why. Or run `steadyhand serve`.")

    def _command(self) -> list[str]:
        import shutil  # noqa: PLC0415  rarely needed

        checkout = Path(__file__).resolve().parents[2] / ".venv" / "bin" / "python"
        if python := self.env.get("STEADYHAND_PYTHON"):
            return [python, "-m", "steadyhand"]
        if __package__:
            return [sys.executable, "-m", "steadyhand"]
        if checkout.exists():
            return [str(checkout), "-m", "steadyhand"]
        if script := shutil.which("steadyhand", path=self.env.get("PATH")):
            return [script]
        raise NoService(
            "Steadyhand's service is not running and `steadyhand` is not on the PATH:"
            " pip install steadyhand, or set STEADYHAND_PYTHON to the Python that has it."
        )


class Flight:
    """One request on its way. Closing its connection is how protocol 2026-07-28 says stop."""

    def __init__(self) -> None:
        self.cancelled = False
        self._sock: socket.socket | None = None
        self._lock = threading.Lock()

    def board(self, sock: socket.socket) -> None:
        """Tie the flight to its connection. Raises Cancelled when the client has changed its mind."""
        with self._lock:
            self._sock = sock
            if self.cancelled:
                raise Cancelled

    def cancel(self) -> None:
        """Close the connection, now or as soon as there is one."""
        with self._lock:
            self.cancelled = True
            if self._sock is not None:
                try:
                    self._sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    return  # the answer was faster and the connection is gone


class Door:
    """Carries each message to the service and its answers back."""

    def __init__(self, service: Service, out: BinaryIO) -> None:
        self.service = service
        self.session = ""  # of the handshake protocols; 2026-07-28 has none
        self.version = ""
        self._hello: Message = {}
        self._flights: dict[str, Flight] = {}
        self._threads: list[threading.Thread] = []
        self._out = out
        self._writing = threading.Lock()
        self._greeting = threading.Lock()

    def take(self, line: bytes) -> None:
        """Carry one line: requests side by side, the handshake and notifications in order."""
        try:
            message = json.loads(line)
        except ValueError:
            return self._fail(None, _PARSE_ERROR, "not JSON")
        if not _is_message(message):
            return self._fail(None, _INVALID_REQUEST, "one JSON-RPC message a line")
        if message.get("method") == "notifications/cancelled" and self._cancel(message):
            return None
        flight = Flight()
        if not _wants_answer(message) or message["method"] == "initialize":
            return self._carry(message, flight)
        self._flights[json.dumps(message["id"])] = flight
        thread = threading.Thread(target=self._carry, args=(message, flight), daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        return thread.start()

    def farewell(self) -> None:
        """Let open requests end for a moment, then tell the service that the session is over."""
        until = time.monotonic() + FAREWELL_S
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        # reach, not connect: nobody starts a service to say goodbye to it
        if self.session and (connection := self.service.reach()):
            connection.sock.settimeout(1.0)
            connection.request("DELETE", "/mcp", headers=self._headers({}))
            connection.getresponse().close()

    def _cancel(self, message: Message) -> bool:
        """Whether the cancellation is dealt with here and need not travel."""
        if self.version:
            return False
        wanted = json.dumps(_params(message).get("requestId"))
        if flight := self._flights.get(wanted):
            flight.cancel()
        return True

    def _carry(self, message: Message, flight: Flight) -> None:
        try:
            self._exchange(message, flight)
        except Cancelled:
            return
        except NoService as failure:
            self._fail(message, _NO_SERVICE, str(failure))
        except (OSError, ValueError, http.client.HTTPException) as failure:
            if not flight.cancelled:
                why = f"the connection to Steadyhand's service broke ({type(failure).__name__})"
                self._fail(message, _NO_SERVICE, f"{why}; look what happened before asking again.")
        finally:
            self._flights.pop(json.dumps(message.get("id")), None)

    def _exchange(self, message: Message, flight: Flight) -> None:
        session = "" if _modern_version(message) else self.session
        response = self._post(message, flight)
        if response.status == http.client.NOT_FOUND and session:
            response.close()
            self._greet_again(session)
            response = self._post(message, flight)
        if response.status in {http.client.UNAUTHORIZED, http.client.FORBIDDEN}:
            where = self.service.folder / "mcp.token"
            raise NoService(f"the service refused the token in {where}; is STEADYHAND_HOME its data folder?")
        self._hand_back(message, response, flight)

    def _post(self, message: Message, flight: Flight) -> http.client.HTTPResponse:
        connection = self.service.connect()
        flight.board(connection.sock)
        connection.request("POST", "/mcp", json.dumps(message).encode(), self._headers(message))
        return connection.getresponse()

    def _headers(self, message: Message) -> dict[str, str]:
        modern = _modern_version(message)
        named = _params(message).get(_NAMED_BY.get(message.get("method", ""), ""))
        wanted = {"Mcp-Method": message.get("method"), "Mcp-Name": named, "MCP-Protocol-Version": modern}
        if not modern and message.get("method") != "initialize":
            wanted |= {"MCP-Protocol-Version": self.version, "Mcp-Session-Id": self.session}
        return {
            "Authorization": f"Bearer {self.service.token()}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            **{key: _header(text) for key, text in wanted.items() if text and isinstance(text, str)},
        }

    def _greet_again(self, lost: str) -> None:
        """Repeat the client's handshake with a service that was restarted and forgot the session."""
        with self._greeting:
            if self.session != lost:
                return
            response = self._post(self._hello, Flight())
            for reply in _replies(response):
                self._remember(self._hello, reply, response)
            self._post({"jsonrpc": "2.0", "method": "notifications/initialized"}, Flight()).close()

    def _hand_back(self, message: Message, response: http.client.HTTPResponse, flight: Flight) -> None:
        answered = False
        for reply in _replies(response):
            if "method" not in reply:
                answered = True
                reply["id"] = message.get("id")  # a request refused before it was read comes back without one
            self._remember(message, reply, response)
            if _wants_answer(message):
                self._emit(reply)
        if flight.cancelled:
            raise Cancelled
        if _wants_answer(message) and not answered:
            raise NoService(f"Steadyhand's service answered HTTP {response.status} and no MCP message.")

    def _remember(self, message: Message, reply: Message, response: http.client.HTTPResponse) -> None:
        if message.get("method") == "initialize" and isinstance(reply.get("result"), dict):
            self._hello = message
            self.session = response.getheader("Mcp-Session-Id", "")
            self.version = str(reply["result"].get("protocolVersion", ""))

    def _fail(self, message: Message | None, code: int, why: str) -> None:
        if message and not _wants_answer(message):
            sys.stderr.write(f"steadyhand mcp: {message.get('method', 'an answer')} was lost: {why}\n")
            return
        identity = message["id"] if message else None
        self._emit({"jsonrpc": "2.0", "id": identity, "error": {"code": code, "message": why}})

    def _emit(self, message: Message) -> None:
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        with self._writing:
            try:
                self._out.write(line)
                self._out.flush()
            except BrokenPipeError:
                return  # the client is gone; the end of stdin says so too


def connection_to(url: str) -> http.client.HTTPConnection:
    """An unopened connection to https, or to plain http on this machine; raises NoService otherwise."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https" and host:
        return http.client.HTTPSConnection(host, parts.port, timeout=CONNECT_S)
    if parts.scheme == "http" and host in _LOOPBACK:
        return http.client.HTTPConnection(host, parts.port, timeout=CONNECT_S)
    raise NoService(f"no token goes to {parts.scheme}://{host}: https, or http on this machine, will do.")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True  # it lives, under another user
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _is_message(given: object) -> bool:
    if not isinstance(given, dict):
        return False
    return isinstance(given.get("method", ""), str) and isinstance(given.get("params") or {}, dict)


def _params(message: Message) -> Message:
    return message.get("params") or {}


def _wants_answer(message: Message) -> bool:
    return "id" in message and "method" in message


def _modern_version(message: Message) -> str:
    """The protocol version a self-contained message carries; empty for those of the handshake protocols."""
    meta = _params(message).get("_meta")
    return str(meta.get(_VERSION_KEY, "")) if isinstance(meta, dict) else ""


def _header(text: str) -> str:
    """Text as MCP writes it into a header: plain if it survives there, else in its base64 envelope."""
    if _HEADER_SAFE.fullmatch(text) and not text.startswith("=?base64?"):
        return text
    return f"=?base64?{binascii.b2a_base64(text.encode(), newline=False).decode()}?="


def _replies(response: http.client.HTTPResponse) -> Iterator[Message]:
    """The JSON-RPC messages of an answer, as they come; bodies of other kinds hold none."""
    for text in _texts(response):
        reply = json.loads(text)
        if isinstance(reply, dict) and reply.get("jsonrpc") == "2.0":
            yield reply


def _texts(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """The body of a JSON answer, or the data of each event of a stream."""
    kind = response.getheader("Content-Type", "")
    if "event-stream" not in kind:
        body = response.read() if "json" in kind else b""
        yield from [body] if body else []
        return
    data: list[bytes] = []
    for raw in response:
        line = raw.rstrip(b"\r\n")
        if line.startswith(b"data:"):
            data.append(line[5:].strip())
        elif not line:
            text, data = b"\n".join(data), []
            yield from [text] if text else []


def main(env: Mapping[str, str] = os.environ) -> int:
    """Carry stdin to the service and its answers to stdout until stdin ends."""
    door = Door(Service(env), sys.stdout.buffer)
    try:
        for line in sys.stdin.buffer:
            if line.strip():
                door.take(line)
        door.farewell()
    except (KeyboardInterrupt, NoService, OSError, http.client.HTTPException):
        return 0  # the session is over; what is left of it the service forgets by itself
    return 0


if __name__ == "__main__":
    sys.exit(main())
