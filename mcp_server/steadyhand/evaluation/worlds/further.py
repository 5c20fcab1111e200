"""Faults beside the six named ones: what services share, what lies between them, and what is switched on."""

from collections.abc import Callable, Mapping

from steadyhand.evaluation.worlds.course import step_from
from steadyhand.evaluation.worlds.story import Story


def noisy_neighbour(story: Story) -> None:
    """A process that is none of ours takes the processors of a host; all who run there wait for one."""
    course, start, world = story.course, story.onset, story.world
    homes = [node for node, placed in world.nodes.items() if set(placed) & set(world.services)]
    node = story.chance.choice(homes)
    course.bend(course.others[node], step_from(start), plus=2 + 5 * story.strength)
    for name in world.nodes[node]:
        course.bend(course.waiting[name], step_from(start), plus=0.9 * story.strength)
        course.bend(course.own[name], step_from(start), times=1 + 20 * story.strength)
    story.component, story.fault_class = node, "cpu_starvation"


def network_between(story: Story) -> None:
    """Packets get lost between two services: the caller waits and fails, the callee answers as ever."""
    caller, callee = story.chance.choice(story.world.arrows)
    slow_wire(story, caller, callee, 2 * story.strength)
    story.course.bend(story.course.lost[caller, callee], step_from(story.onset), plus=0.2 * story.strength)
    story.said += [
        (at, caller, "ERROR", f"call to {callee}: connection reset by peer")
        for at in range(story.onset + 1, story.onset + 60, 2)
    ]


def slow_wire(story: Story, caller: str, callee: str, seconds: float) -> None:
    """The way between two takes longer; either end counts, and so does the arrow between them."""
    story.course.bend(story.course.wire[caller, callee], step_from(story.onset), plus=seconds)
    story.component, story.fault_class = callee, "network_fault"
    story.equally = frozenset({caller, f"{caller}->{callee}"})


def guilty_flag(story: Story) -> None:
    """A flag is turned on, and within seconds the path that it opens is slow and fails."""
    service = story.chance.choice(story.world.services)
    story.turned(story.onset - story.chance.uniform(0.1, 1.0), service, guilty=True)
    new_path(story, service)
    story.said += [
        (at, service, "ERROR", "cannot read field 'tier' of a customer without one")
        for at in range(story.onset, story.onset + 60)
    ]
    story.fault_class = "bad_config"


def new_path(story: Story, service: str) -> None:
    """What the service does now takes longer and fails now and then."""
    course = story.course
    course.bend(course.own[service], step_from(story.onset), times=1 + 20 * story.strength)
    course.bend(course.failing[service], step_from(story.onset), plus=0.25 * story.strength)
    story.component = service


FURTHER: Mapping[str, Callable[[Story], None]] = {
    "noisy neighbour": noisy_neighbour,
    "network between two": network_between,
    "guilty flag": guilty_flag,
}
