"""What may go wrong outside, and in our own store: each error says if a retry helps.

SteadyhandError
├── SourceError             an outside system did not give what was asked
│   ├── SourceUnavailable   not reachable, overloaded or too slow; a retry may help
│   └── SourceRefused       it answered and said no; a retry does not help
│       └── ForeignChange   somebody else holds or moved what we were moving: never fought
├── EffectUnknown           an effect was sent and no answer came: look before acting again
├── AlertRefused            a post of an alert source is not taken; the text names the place, never the value
│   ├── BadAlert            it is not what its source says it sends
│   ├── NotAuthentic        nothing proves that it comes from there
│   └── Replayed            it is old, or its id was used for something else
├── ConfigError             incident-config.yaml or the environment is wrong; names the key
└── LedgerError             the store cannot be read or written
    ├── LeaseLost           another process has taken the work over: drop it
    └── NewerRelease        a newer release wrote it: only that one knows what it means
"""

from datetime import timedelta


class SteadyhandError(Exception):
    """Something Steadyhand can name went wrong."""


class SourceError(SteadyhandError):
    """An outside system did not give what was asked."""

    def __init__(self, source: str, why: str) -> None:
        super().__init__(f"{source}: {why}")
        self.source = source
        self.why = why


class SourceUnavailable(SourceError):
    """The outside system was not reachable, overloaded or too slow; a retry may help.

    `again_after` is the wait it asked for, where it did.
    """

    def __init__(self, source: str, why: str, again_after: timedelta | None = None) -> None:
        super().__init__(source, why)
        self.again_after = again_after


class SourceRefused(SourceError):
    """The outside system answered and said no; a retry does not help."""


class ForeignChange(SourceRefused):
    """Somebody else holds, or has changed, what we were about to move: told by name, never fought."""


class EffectUnknown(SourceError):
    """An effect was sent and no answer came: look at the target before acting again."""


class AlertRefused(SteadyhandError):
    """A post of an alert source, or a channel's receipt, is not taken.

    The text names the place that is wrong and never its value.
    """


class BadAlert(AlertRefused):
    """The post is not what its source says it sends."""


class NotAuthentic(AlertRefused):
    """Nothing proves that the post comes from its source."""


class Replayed(AlertRefused):
    """The post is too old to be taken, or its id was used for another one."""


class ConfigError(SteadyhandError):
    """The configuration is wrong; the text names the key and the way out."""


class LedgerError(SteadyhandError):
    """The store cannot be read or written."""


class LeaseLost(LedgerError):
    """Another process has taken the work over: drop it, write nothing."""


class NewerRelease(LedgerError):
    """A newer release of Steadyhand wrote it: leave it alone, upgrade this one."""
