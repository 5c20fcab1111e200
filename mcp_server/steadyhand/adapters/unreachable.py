"""Why a far end cannot be reached, in words that quote nothing of its address."""

import ssl
from collections.abc import Iterator
from socket import gaierror


def why_unreachable(error: BaseException) -> str:
    """The cause behind a failure of transport; the failure's own name where no cause is known."""
    for cause in _causes(error):
        match cause:
            case gaierror():
                return "DNS does not know its name"
            case ConnectionRefusedError():
                return "nothing listens at its port"
            case ssl.SSLCertVerificationError():
                return f"its certificate is not accepted: {cause.verify_message}"
            case ssl.SSLError():
                return "it does not speak TLS there"
            case _:
                continue
    return type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
