"""What a post told: read when it came in, or from the post itself when it is heard."""

from steadyhand.journey.alert.model import Delivery
from steadyhand.ports import ManyAlerts, Post, SteadyhandError
from steadyhand.responder.outside import Outside
from steadyhand.store_alerts import ReadPost, WaitingPost


class UnknownSource(SteadyhandError):
    """A source is configured no more, or as another kind: nobody can say what its posts mean."""


def whole(outside: Outside, told: Delivery, post: Post) -> Delivery:
    """The same, with every alert of the post read."""
    if not told.later:
        return told
    alerts = _source(outside, told.source).alerts(post)
    return told.model_copy(update={"alerts": alerts, "later": 0})


def read_waiting(outside: Outside, post: WaitingPost) -> ReadPost:
    """A post that waits, read. Raises UnknownSource."""
    kept = post.alerts()
    if kept:
        return ReadPost(post.number, post.at, kept)
    raw = Post(headers={}, body=post.raw.encode(), received_at=post.at)
    return ReadPost(post.number, post.at, _source(outside, post.source).alerts(raw))


def _source(outside: Outside, name: str) -> ManyAlerts:
    found = outside.sources.get(name)
    if not isinstance(found, ManyAlerts):
        raise UnknownSource(f"connections.alerts names no source {name!r} that reads such posts")
    return found
