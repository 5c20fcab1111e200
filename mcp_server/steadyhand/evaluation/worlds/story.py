"""What a fault does to a world, and what is true of it afterwards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from steadyhand.evaluation.worlds.course import CALM, Arrow, Course, ramp_from, step_from
from steadyhand.evaluation.worlds.shape import World

_OF_FLAGS = ("new-price", "fast-path", "beta-list", "short-form", "dark-mode", "wide-search")
_TURNED_ON = '{"op": "replace", "path": "/environments/production/on", "value": true}'


@dataclass
class Deploy:
    """A change of a service, at a step (fractions of one allowed); of a flag, `flag` is its key."""

    id: str
    service: str
    at: float
    kind: str
    diff: str
    guilty: bool = False
    flag: str = ""


@dataclass
class Story:
    """One world's fault: what its looks into databases, its logs and its deploys will tell, and the truth."""

    course: Course
    chance: Random
    strength: float
    onset: int
    component: str | None = None
    fault_class: str | None = None
    deploys: list[Deploy] = field(default_factory=list)
    idle: dict[str, str] = field(default_factory=dict)  # database -> service that holds its sessions
    scanned: dict[str, str] = field(default_factory=dict)  # database -> table
    locked: set[str] = field(default_factory=set)
    said: list[tuple[int, str, str, str]] = field(default_factory=list)  # step, service, level, text
    muted: set[str] = field(default_factory=set)  # services whose series and spans stop at the onset
    again: dict[Arrow, int] = field(default_factory=dict)  # how often a call is tried since the onset
    skewed: dict[str, float] = field(default_factory=dict)
    hushed: set[str] = field(default_factory=set)  # services that no longer say and call what they did
    equally: frozenset[str] = frozenset()  # as much to blame as `component`
    calls_back: tuple[str, str] | None = None  # who calls one of its callers too

    @property
    def world(self) -> World:
        """Where it happens."""
        return self.course.world

    def guilty(self, service: str, kind: str, diff: str, before: float = 2.0) -> None:
        """The change that brings the fault, so many steps before its onset."""
        self.deploys.append(Deploy("dep-guilty", service, self.onset - before, kind, diff, guilty=True))

    def decoy(self, at: float, service: str | None = None) -> None:
        """An innocent change."""
        name = service or self.chance.choice(self.world.services)
        number = len(self.deploys)
        self.deploys.append(
            Deploy(f"dep-decoy-{number}", name, at, "code", f"-<b>{number}</b>\n+<i>{number}</i>")
        )

    def turned(self, at: float, service: str | None = None, *, guilty: bool = False) -> str:
        """A flag of a service is turned on; returns its key, which tells nothing."""
        name = service or self.chance.choice(self.world.services)
        key = f"{self.chance.choice(_OF_FLAGS)}-{self.chance.randint(100, 999)}"
        self.deploys.append(Deploy(f"dep-flag-{key}", name, at, "flag", _TURNED_ON, guilty, key))
        return key

    def name_deploys(self) -> None:
        """Number them by time, so that no name tells which is guilty."""
        for number, one in enumerate(sorted(self.deploys, key=lambda one: one.at), start=1):
            one.id = f"dep-{number}"


def pair(story: Story, callees: tuple[str, ...]) -> tuple[str, str]:
    """A service and one of those it calls."""
    callee = story.chance.choice([one for one in callees if story.world.users_of(one)])
    users = [one for one in story.world.users_of(callee) if one in story.world.services]
    return story.chance.choice(users), callee


def connection_exhaustion(story: Story) -> None:
    """A release forgets to give connections back: the pool fills along a line, then callers wait."""
    service, database = pair(story, story.world.databases)
    course, start = story.course, story.onset
    course.bend(course.pool[service], ramp_from(start, 12), plus=18)
    course.bend(course.own[service], ramp_from(start + 4, 8), times=1 + 30 * story.strength)
    course.bend(course.failing[service], step_from(start + 10), plus=0.2 * story.strength)
    story.idle[database] = service
    story.said += [
        (at, service, "ERROR", "no free connection in pool") for at in range(start + 8, start + 60)
    ]
    story.guilty(service, "code", "-    pool.putconn(conn)\n+    audit(conn)")
    story.component, story.fault_class = service, "connection_leak"


def memory_leak(story: Story) -> None:
    """A release keeps what it should let go; collections slow it down, then its callers."""
    service = story.chance.choice(story.world.services)
    course, start = story.course, story.onset
    course.bend(course.memory[service], ramp_from(start, 40), times=1 + 3 * story.strength)
    course.bend(course.own[service], ramp_from(start + 4, 12), times=1 + 12 * story.strength)
    course.bend(course.cpu[service], ramp_from(start + 6, 20), times=1.5)
    story.guilty(service, "code", "+history.append(request)  # keep all in memory")
    story.component, story.fault_class = service, "memory_leak"


def lock_queue(story: Story) -> None:
    """A long statement holds a lock; everybody on that database queues behind it."""
    database = pair(story, story.world.databases)[1]
    course, start = story.course, story.onset
    course.bend(course.own[database], step_from(start), times=1 + 40 * story.strength)
    for user in story.world.users_of(database):
        course.bend(course.pool[user], step_from(start + 1), plus=14 * story.strength)
    story.locked.add(database)
    story.component, story.fault_class = database, "lock_queue"


def third_party_timeout(story: Story) -> None:
    """A provider hangs; there is nothing to take back here."""
    service, outsider = pair(story, story.world.outsiders)
    course, start = story.course, story.onset
    course.bend(course.own[outsider], step_from(start), times=1 + 60 * story.strength)
    course.bend(course.failing[outsider], step_from(start), plus=0.5 * story.strength)
    story.said += [
        (at, service, "ERROR", f"call to {outsider} timed out after {at % 7 + 3} s")
        for at in range(start + 1, start + 60)
    ]
    story.component, story.fault_class = outsider, "third_party_timeout"


def cache_miss_storm(story: Story) -> None:
    """A cache is lost; the database behind it takes all reads."""
    cache = story.chance.choice(story.world.caches)
    course, start = story.course, story.onset
    course.bend(course.hits[cache], step_from(start), times=0.03)
    course.bend(course.alive[cache], step_from(start), times=0.0)
    database = story.world.databases[0]
    course.bend(course.rows[database], step_from(start), times=1 + 8 * story.strength)
    course.bend(course.own[database], step_from(start + 1), times=1 + 12 * story.strength)
    course.bend(course.cpu[database], step_from(start + 1), times=1 + story.strength)
    for user in story.world.users_of(cache):
        course.bend(course.own[user], step_from(start), times=1 + 4 * story.strength)
        story.said += [(at, user, "WARN", f"cache {cache} unreachable") for at in range(start, start + 60)]
    story.component, story.fault_class = cache, "cache_loss"


def missing_index(story: Story) -> None:
    """A release asks by a column no index covers; every call reads the whole table."""
    service, database = pair(story, story.world.databases)
    course, start = story.course, story.onset
    course.bend(course.rows[database], step_from(start), times=1 + 4000 * story.strength)
    course.bend(course.own[database], step_from(start), times=1 + 25 * story.strength)
    course.bend(course.cpu[database], step_from(start), times=1 + 1.2 * story.strength)
    story.scanned[database] = "orders"
    story.guilty(service, "code", "+SELECT * FROM orders WHERE customer_email = %s")
    story.component, story.fault_class = database, "missing_index"


def slow_service(story: Story) -> None:
    """One service is slow by itself, for a reason nobody named."""
    service = story.chance.choice(story.world.services[1:])
    course, start = story.course, story.onset
    course.bend(course.own[service], step_from(start), times=1 + 30 * story.strength)
    course.bend(course.cpu[service], step_from(start), times=1 + 0.8 * story.strength)
    story.component = service


def bystanders(story: Story, many: int) -> None:
    """Things that move at about the same time and have nothing to do with it: a job, a full heap, a campaign.

    They are as loud as the fault itself, and no caller feels them.
    """
    course, names = story.course, story.world.services
    for _ in range(many):
        name = story.chance.choice(names)
        track = story.chance.choice((course.cpu, course.memory, course.load, course.pool))[name]
        start = story.onset + story.chance.randint(-12, 3)
        course.bend(track, step_from(start), times=story.chance.uniform(1.5, 2.5))


def loud(story: Story) -> None:
    """Everybody above the cause queues, retries and times out: the further up, the louder than the cause."""
    course, heard = story.course, [story.component or story.world.front]
    for name in heard:
        heard.extend(one for one in story.world.users_of(name) if one not in heard)
    for depth, name in enumerate(heard[1:], start=1):
        if name in story.world.services and story.fault_class != "traffic_surge":
            times = 1 + story.chance.uniform(0.5, 3.0) * story.strength * depth
            course.bend(course.own[name], step_from(story.onset + 1), times=times)


FAMILIES: Mapping[str, Callable[[Story], None]] = {
    "connection exhaustion": connection_exhaustion,
    "memory leak cascade": memory_leak,
    "runaway query lock": lock_queue,
    "third-party timeout": third_party_timeout,
    "cache-miss storm": cache_miss_storm,
    "missing index": missing_index,
}
ONSET = CALM + 6
