"""What was not proven, and what should be done next."""

from collections.abc import Iterator, Sequence

from steadyhand.journey.audit.entry import Entry
from steadyhand.journey.diagnosis.model import Diagnosis, Hypothesis
from steadyhand.journey.evidence.wording import quantity
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.remedy.model import CreateIndex, SetRelease
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rollout.model import Promote
from steadyhand.journey.rollout.state import WITHOUT_PROOF, Rollout


def unproven(
    incident: Incident,
    diagnosis: Diagnosis | None,
    blamed: Hypothesis | None,
    plan: Plan | None,
    rollout: Rollout | None,
) -> tuple[str, ...]:
    """Everything a reader might take for proven that is not."""
    said = [*_of_diagnosis(diagnosis, blamed)]
    if rollout is not None:
        said += _of_rollout(rollout)
    if incident.status == "resolved" and (rollout is None or rollout.phase != "verified"):
        said.append("Recovery was not verified by measurement: a person closed the incident.")
    for goal in plan.goals if plan else ():
        if goal.normal is None:
            said.append(f"What {goal.name} normally is was not measured; its goal is the configured bound.")
    return tuple(said)


def _of_diagnosis(diagnosis: Diagnosis | None, blamed: Hypothesis | None) -> Iterator[str]:
    if diagnosis is None or blamed is None:
        yield "No cause was found; that the symptoms went away does not explain them."
        return
    if diagnosis.calibrated_on == "uncalibrated":
        yield (
            f"The confidence of {quantity(blamed.confidence, 'share')} is uncalibrated: "
            "it ranks the hypotheses and is no measured probability."
        )
    if blamed.contradicts:
        yield f"Evidence speaks against the cause: {', '.join(blamed.contradicts)}."
    if diagnosis.unexplained:
        yield f"No hypothesis explains {', '.join(diagnosis.unexplained)}."
    for gap in diagnosis.data_gaps:
        yield f"Not seen: {gap.rstrip('.')}."


def _of_rollout(rollout: Rollout) -> Iterator[str]:
    if not rollout.moves_traffic:
        yield "The fix was not compared with a control: recovery after it is no proof that it was the cause."
        return
    yield (
        "The control was not freshly restarted beside the canary: "
        "a part of the difference may be the restart's and not the release's."
    )
    verdict = rollout.verdict
    if rollout.grade == WITHOUT_PROOF:
        yield "The fix got all traffic on a person's word: the judge had proven nothing."
    if isinstance(verdict, Promote) and verdict.grade == "not worse":
        yield "The canary was proven not worse, which is not proven better."
    if verdict is not None and verdict.figures.phi is None:
        yield "How bursty the traffic is was not measured; the interval takes failures for independent."


def follow_ups(
    incident: Incident,
    diagnosis: Diagnosis | None,
    plan: Plan | None,
    rollout: Rollout | None,
    trail: Sequence[Entry],
) -> tuple[str, ...]:
    """What a person should do next."""
    return (*_after_fix(plan, rollout), *_after_people(trail), *_after_gaps(incident, diagnosis))


def _after_fix(plan: Plan | None, rollout: Rollout | None) -> Iterator[str]:
    if plan is None or rollout is None:
        return
    if rollout.phase != "verified":
        yield f"The fix did not hold ({rollout.phase}): find another one."
        return
    action, back = plan.fix.action, plan.fix.rollback
    if isinstance(action, SetRelease) and isinstance(back, SetRelease):
        yield f"Mend what {back.version} of {back.service} broke before it ships again."
    if isinstance(action, CreateIndex):
        yield f"Put index {action.name} into the schema's migrations, so that every environment has it."


def _after_people(trail: Sequence[Entry]) -> Iterator[str]:
    actions = [one.action for one in trail]
    if "incident.escalated" in actions or "approval.unanswered" in actions:
        yield "Look at why the first tier did not answer in time."
    if "plan.rejected" in actions:
        yield "Feed the reason of the rejection back into the playbook."


def _after_gaps(incident: Incident, diagnosis: Diagnosis | None) -> Iterator[str]:
    if diagnosis is not None and diagnosis.data_gaps:
        yield f"Close the {len(diagnosis.data_gaps)} gap(s) in the evidence named above."
    if incident.episode:
        yield f"It came back {incident.episode} time(s): the first fix was not the whole fix."
