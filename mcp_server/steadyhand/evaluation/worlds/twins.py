"""Paired twins: two worlds from the same dice, alike in everything but the one fact that names the cause.

Who answers both sides alike has not seen that fact, however good its single answers look: a pair counts only
when both sides are right and told apart. Each side is a function of a story; what both share is drawn first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from steadyhand.evaluation.worlds.course import step_from
from steadyhand.evaluation.worlds.further import new_path, slow_wire
from steadyhand.evaluation.worlds.story import Deploy, Story, connection_exhaustion, pair, slow_service

Side = Callable[[Story], None]
_ASKED = "-SELECT name FROM stock\n+SELECT name, size FROM stock"


@dataclass(frozen=True)
class Twins:
    """Two sides of one world."""

    one: Side
    other: Side


def _release_just_before(story: Story) -> None:
    connection_exhaustion(story)


def _release_just_after(story: Story) -> None:
    """The same release of the same service, begun 30 s after it fell sick."""
    connection_exhaustion(story)
    release = next(one for one in story.deploys if one.guilty)
    release.guilty, release.at = False, story.onset + 3.0


def _slow_provider(story: Story) -> None:
    """A provider is slow, and so are the calls to it."""
    _, outsider = pair(story, story.world.outsiders)
    story.course.bend(story.course.own[outsider], step_from(story.onset), plus=2 * story.strength)
    story.component = outsider


def _slow_user_of_it(story: Story) -> None:
    """Its caller is as slow by itself; the provider answers as ever."""
    user, _ = pair(story, story.world.outsiders)
    story.course.bend(story.course.own[user], step_from(story.onset), plus=1.2 * story.strength)
    story.component = user


def _database_slow(story: Story) -> str:
    database = pair(story, story.world.databases)[1]
    course, start = story.course, story.onset
    course.bend(course.own[database], step_from(start), times=1 + 25 * story.strength)
    for user in story.world.users_of(database):
        course.bend(course.pool[user], step_from(start + 1), plus=14 * story.strength)
    story.component = database
    return database


def _held_by_a_lock(story: Story) -> None:
    """A look into the database shows who blocks whom."""
    story.locked.add(_database_slow(story))
    story.fault_class = "lock_queue"


def _read_as_a_whole(story: Story) -> None:
    """A look into the database shows a table read whole, and its rows are counted."""
    database = _database_slow(story)
    story.course.bend(story.course.rows[database], step_from(story.onset), times=1 + 4000 * story.strength)
    story.scanned[database] = "orders"
    story.fault_class = "missing_index"


def _arrow(story: Story) -> tuple[str, str]:
    """A service that is called, not by the front alone, and one of its callers."""
    called = [one for one in story.world.services[1:] if story.world.users_of(one)]
    callee = story.chance.choice(called)
    return story.chance.choice(story.world.users_of(callee)), callee


def _slow_callee(story: Story) -> None:
    story.component = _arrow(story)[1]
    story.course.bend(story.course.own[story.component], step_from(story.onset), plus=2 * story.strength)


def _slow_caller(story: Story) -> None:
    """Its caller shows the same; the callee is as quick as ever."""
    story.component = _arrow(story)[0]
    story.course.bend(story.course.own[story.component], step_from(story.onset), plus=1.2 * story.strength)


def _sick(story: Story) -> None:
    slow_service(story)


def _well(story: Story) -> None:
    """The same bystanders and the same releases, and nothing wrong."""
    story.chance.choice(story.world.services[1:])  # what the other side draws


def _two_releases(story: Story, guilty: int) -> None:
    """Two services released in the same minute, by changes that look alike; one of them falls sick."""
    both = story.chance.sample(story.world.services[1:], 2)
    for place, name in enumerate(both):
        story.decoy(story.onset - 2.0 - place / 10, name)
        story.deploys[-1].diff = _ASKED
    story.deploys[guilty].guilty = True
    course, story.component = story.course, both[guilty]
    course.bend(course.own[story.component], step_from(story.onset), times=1 + 30 * story.strength)
    course.bend(course.failing[story.component], step_from(story.onset), plus=0.15 * story.strength)


def _first_release(story: Story) -> None:
    _two_releases(story, 0)


def _second_release(story: Story) -> None:
    _two_releases(story, 1)


def _one_service_changed_twice(story: Story) -> tuple[str, Deploy, Deploy]:
    """A service is released, and seconds later a flag of it is turned on; then it is slow and fails."""
    service = story.chance.choice(story.world.services[1:])
    story.decoy(story.onset - 3.0, service)
    story.deploys[-1].diff = "-def parcel(item):\n+def parcel(item, size):"
    story.turned(story.onset - 2.0, service)
    new_path(story, service)
    release, flag = story.deploys[-2:]
    return service, release, flag


def _the_release(story: Story) -> None:
    """What fails names what the release changed."""
    service, release, _ = _one_service_changed_twice(story)
    release.guilty = True
    _fails(story, service, "TypeError in parcel: missing argument 'size'")


def _the_flag(story: Story) -> None:
    """What fails names the flag."""
    service, _, flag = _one_service_changed_twice(story)
    flag.guilty = True
    _fails(story, service, f"{flag.flag} is on: no rule for this customer")


def _fails(story: Story, service: str, text: str) -> None:
    story.said += [(at, service, "ERROR", text) for at in range(story.onset, story.onset + 60)]


def _slow_wire(story: Story) -> None:
    """Its caller waits as long; the callee itself answers as quickly as ever."""
    slow_wire(story, *_arrow(story), 2 * story.strength)


def _slower(story: Story) -> None:
    """All services are slower and busier."""
    course = story.course
    for name in story.world.services:
        course.bend(course.own[name], step_from(story.onset + 1), times=1 + 2.5 * story.strength)
        course.bend(course.cpu[name], step_from(story.onset + 1), times=1.8)


def _more_requests(story: Story) -> None:
    """Because more is asked of all of them."""
    for name in story.world.services:
        story.course.bend(story.course.load[name], step_from(story.onset), times=2.5)
    _slower(story)
    story.component, story.fault_class = story.world.front, "traffic_surge"


def _same_requests(story: Story) -> None:
    """Although no more is asked: what they share has become scarce, and no service of theirs is to blame."""
    _slower(story)
    story.fault_class = "cpu_starvation"


TWINS: Mapping[str, Twins] = {
    "release before or after": Twins(_release_just_before, _release_just_after),
    "provider or its user": Twins(_slow_provider, _slow_user_of_it),
    "lock or missing index": Twins(_held_by_a_lock, _read_as_a_whole),
    "callee or caller": Twins(_slow_callee, _slow_caller),
    "fault or none": Twins(_sick, _well),
    "which of two releases": Twins(_first_release, _second_release),
    "demand or scarcity": Twins(_more_requests, _same_requests),
    "release or flag": Twins(_the_release, _the_flag),
    "callee or the way to it": Twins(_slow_callee, _slow_wire),
}
