"""The causal traps: worlds in which the obvious answer is the wrong one."""

from collections.abc import Callable, Mapping

from steadyhand.evaluation.worlds.course import STEPS, ramp_from, step_from
from steadyhand.evaluation.worlds.story import (
    Story,
    connection_exhaustion,
    lock_queue,
    memory_leak,
    missing_index,
    slow_service,
    third_party_timeout,
)


def coincidental_deploy(story: Story) -> None:
    """An innocent deploy of the loud front just before the onset; the culprit came long before, elsewhere."""
    connection_exhaustion(story)
    guilty = next(one for one in story.deploys if one.guilty)
    guilty.at = story.onset - story.chance.uniform(50, 120)
    story.decoy(story.onset - story.chance.uniform(3, 12), story.world.front)


def deploy_after_onset(story: Story) -> None:
    """A deploy of the sick service itself, 20 s after it fell sick."""
    slow_service(story)
    story.decoy(story.onset + 2, story.component)


def no_guilty_change(story: Story) -> None:
    """A provider is down; the deploys around it are all innocent."""
    third_party_timeout(story)
    for _ in range(3):
        story.decoy(story.onset - story.chance.uniform(3, 60))


def periodic_batch(story: Story) -> None:
    """A batch takes the processor of another service every ten minutes, also just when the fault begins."""
    slow_service(story)
    other = next(one for one in reversed(story.world.services) if one != story.component)
    first = story.onset % 60
    story.course.bend(story.course.cpu[other], lambda at: float((at - first) % 60 < 8), times=2.5)  # noqa: PLR2004


def symptom_against_cause(story: Story) -> None:
    """The callers suffer ten times more visibly than the database that is the cause."""
    lock_queue(story)
    assert story.component is not None
    for user in story.world.users_of(story.component):
        story.course.bend(story.course.own[user], step_from(story.onset + 1), times=1 + 8 * story.strength)


def common_cause(story: Story) -> None:
    """One database slows all who use it down, and they do not call each other."""
    missing_index(story)
    story.deploys.clear()
    story.scanned.clear()


def delayed_effect(story: Story) -> None:
    """A leak that shows long after the release that brought it."""
    memory_leak(story)
    next(one for one in story.deploys if one.guilty).at = story.onset - 60.0


def demand(story: Story) -> None:
    """More requests than ever, and everybody slower in proportion."""
    course = story.course
    for name in story.world.services:
        course.bend(course.load[name], step_from(story.onset), times=2.5)
        course.bend(course.own[name], step_from(story.onset + 1), times=1 + 2.5 * story.strength)
        course.bend(course.cpu[name], step_from(story.onset + 1), times=1.8)
    story.component, story.fault_class = story.world.front, "traffic_surge"


def retry_storm(story: Story) -> None:
    """The callers of a slow service ask again and again, so that its load grows too."""
    slow_service(story)
    assert story.component is not None
    story.course.bend(story.course.load[story.component], step_from(story.onset + 2), times=3.0)
    for user in story.world.users_of(story.component):
        story.course.bend(story.course.cpu[user], step_from(story.onset + 2), times=1.4)
        story.again[user, story.component] = 3


def missing_data(story: Story) -> None:
    """The culprit stops to report at the very moment it breaks."""
    slow_service(story)
    assert story.component is not None
    story.muted.add(story.component)


def clock_skew(story: Story) -> None:
    """The logs of one bystander are 90 s ahead."""
    third_party_timeout(story)
    other = next(one for one in reversed(story.world.services) if one != story.component)
    story.skewed[other] = -90.0


def low_count_noise(story: Story) -> None:
    """A rarely used service fails one of its two requests just then."""
    slow_service(story)
    other = next(one for one in reversed(story.world.services) if one != story.component)
    story.course.load[other] = [0.02] * STEPS
    story.course.failing[other] = [0.5 if at % 37 == story.onset % 37 else 0.0 for at in range(STEPS)]


def two_faults(story: Story) -> None:
    """A second, smaller fault three minutes later elsewhere: two incidents, not one chain."""
    slow_service(story)
    other = next(one for one in reversed(story.world.services) if one != story.component)
    story.course.bend(story.course.cpu[other], step_from(story.onset + 18), times=2.0)


def silent_early_return(story: Story) -> None:
    """A function returns early: a message and the calls behind it are gone, users see errors."""
    service = story.chance.choice(
        [one for one in story.world.services[1:] if story.world.calls[one]] or ["", ""]
    )
    service = service or story.world.services[-1]
    story.hushed.add(service)
    story.course.bend(story.course.failing[story.world.front], step_from(story.onset), plus=0.15)
    for callee in story.world.calls[service]:
        story.course.bend(story.course.load[callee], step_from(story.onset), times=0.3)
    story.component = service


def retry_cycle(story: Story) -> None:
    """Two services call each other; one was slow for half a minute, and both ask again and again ever since.

    What began it is over. Neither end is the cause more than the other: the right word is the cycle.
    """
    course, start = story.course, story.onset
    callees = [one for one in story.world.services[1:] if story.world.users_of(one)]
    one = story.chance.choice(callees)
    other = story.chance.choice(story.world.users_of(one))
    course.bend(course.own[one], lambda at: float(start <= at < start + 3), times=1 + 20 * story.strength)
    for end, others in ((one, other), (other, one)):
        story.again[end, others] = 3
        course.bend(course.load[end], ramp_from(start + 1, 6), times=1 + 6 * story.strength)
        course.bend(course.own[end], ramp_from(start + 1, 6), times=1 + 25 * story.strength)
        course.bend(course.cpu[end], ramp_from(start + 2, 6), times=1.8)
        story.said += [
            (at, end, "WARN", f"retrying call to {others}, attempt {at % 3 + 2}")
            for at in range(start + 1, start + 60)
        ]
    for tracks in (course.wire, course.lost):
        tracks[one, other] = list(tracks[other, one])
    story.calls_back = (one, other)
    story.component, story.fault_class = one, "retry_storm"
    story.equally = frozenset({other})


def coincidental_flag(story: Story) -> None:
    """A flag of the loud front is turned on just before; the release that leaks came long ago, elsewhere."""
    connection_exhaustion(story)
    next(one for one in story.deploys if one.guilty).at = story.onset - story.chance.uniform(50, 120)
    story.turned(story.onset - story.chance.uniform(0.5, 6), story.world.front)


TRAPS: Mapping[str, Callable[[Story], None]] = {
    "coincidental deploy": coincidental_deploy,
    "deploy after onset": deploy_after_onset,
    "no guilty change": no_guilty_change,
    "periodic batch": periodic_batch,
    "symptom against cause": symptom_against_cause,
    "common cause": common_cause,
    "delayed effect": delayed_effect,
    "demand": demand,
    "retry storm": retry_storm,
    "missing data": missing_data,
    "clock skew": clock_skew,
    "low-count noise": low_count_noise,
    "two faults": two_faults,
    "silent early return": silent_early_return,
}
"""Those of the seeds of `generated:`; its order is part of what a seed means."""

EVERY_TRAP: Mapping[str, Callable[[Story], None]] = {
    **TRAPS,
    "retry cycle": retry_cycle,
    "coincidental flag": coincidental_flag,
}
"""All there are; those beside the fourteen are among the worlds of `traps:` alone."""
