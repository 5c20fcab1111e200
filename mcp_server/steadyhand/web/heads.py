"""HTTP read by a parser in C, with a bound on what is kept of a request before anybody has looked at it."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_HEAD = 64 * 1024


class BoundedHeads(HttpToolsProtocol):
    """Refuses heads and trailers that go on and on; of bodies `Bounded` takes care."""

    _unread = 0

    def data_received(self, data: bytes) -> None:
        """Read on; 400 for more than LONGEST_HEAD bytes that neither end a head nor are of a body."""
        self._unread += len(data)
        super().data_received(data)
        if self._unread > LONGEST_HEAD and not self.transport.is_closing():
            self.send_400_response(f"the head of the request is longer than {LONGEST_HEAD} bytes")

    def on_headers_complete(self) -> None:
        """The head has ended."""
        self._unread = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request has ended, its trailers as well."""
        self._unread = 0
        super().on_message_complete()
