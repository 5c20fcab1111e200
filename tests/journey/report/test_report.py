"""The report says what is known, by whose consent, and what was not proven."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadyhand.journey.alert.model import Alert
from steadyhand.journey.approval.consent import Decision
from steadyhand.journey.audit.entry import Entry
from steadyhand.journey.audit.proof import GENESIS
from steadyhand.journey.diagnosis.model import Cause, Diagnosis, Hypothesis
from steadyhand.journey.evidence.model import Item, Onset, Page, Window
from steadyhand.journey.incident.open import open_incident
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.recovery.model import Goal, RecoveryRule
from steadyhand.journey.remedy.model import CreateIndex, DropIndex, Fix, SetRelease
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.report.figures import figures, span
from steadyhand.journey.report.markdown import markdown, plain
from steadyhand.journey.report.model import Report
from steadyhand.journey.report.timeline import timeline
from steadyhand.journey.report.write import describe, write
from steadyhand.journey.rollout.machine import start
from steadyhand.journey.rollout.model import Counts, Figures, Promote
from steadyhand.journey.rollout.rule import CanaryRule
from steadyhand.journey.rollout.state import Rollout
from steadyhand.responder.rules import Rules

AT = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
ROLL_BACK = Fix(
    title="Roll shop back from 1.1 to 1.0",
    action=SetRelease(service="shop", version="1.0"),
    rollback=SetRelease(service="shop", version="1.1"),
    risk="low",
    why_this_risk="it ran before",
    recovery_s=60,
    canaryable=True,
    blast_radius=("shop",),
)
INDEX = ROLL_BACK.model_copy(
    update={
        "title": "Index orders (email)",
        "action": CreateIndex(database="db", table="orders", columns=("email",), name="ix_orders_email"),
        "rollback": DropIndex(database="db", name="ix_orders_email"),
        "canaryable": False,
    }
)
FIGURES = Figures(
    seconds=30,
    share=0.05,
    canary=Counts(requests=150, errors=0),
    stable=Counts(requests=2850, errors=855),
    metric="errors",
    ratio=0.0,
    lower=0.0,
    upper=0.18,
    could_have_seen=1.7,
    phi=1.0,
)


def at(second: float) -> datetime:
    return AT + timedelta(seconds=second)


def incident(status: str = "resolved", **milestones: float) -> Incident:
    alert = Alert(
        source="test", dedup_key="k", name="HighErrorRate", service="shop", status="firing", starts_at=AT
    )
    opened, _ = open_incident(
        "inc-1", alert, ("SEV2", "a major feature is broken"), Rules().policy("SEV2"), AT
    )
    reached = {name: at(second) for name, second in milestones.items()}
    return opened.model_copy(update={"status": status, "milestones": reached, "note": "As it is."})


def plan(fix: Fix = ROLL_BACK) -> Plan:
    goals = (Goal(name="failed answers", kind="errors", expression="e", bound=0.02, unit="share"),)
    return Plan(
        id="plan-1",
        incident="inc-1",
        hypothesis="h1",
        service="shop",
        fix=fix,
        confidence=0.95,
        calibrated=False,
        canary=CanaryRule(),
        recovery=RecoveryRule(),
        goals=(goals[0].model_copy(update={"at_incident": 0.3, "normal": 0.001}),),
        created_at=AT,
        expires_at=at(900),
    )


def diagnosis(**changes: object) -> Diagnosis:
    cause = Cause(entity="shop", entity_kind="service", fault_class="connection_leak")
    best = Hypothesis(
        id="h1",
        rank=1,
        cause=cause,
        claim="shop leaks connections.",
        confidence=0.95,
        score=3.0,
        supports=("m1",),
        contradicts=(),
    )
    told = Diagnosis(
        incident="inc-1",
        hypotheses=(best,),
        none_of_these=0.05,
        calibrated_on="uncalibrated",
        model_version="1",
    )
    return told.model_copy(update=changes)


def rollout(phase: str = "verified", fix: Fix = ROLL_BACK, **changes: object) -> Rollout:
    done = {"phase": phase, "reason": "Verified: failed answers recovered and held.", **changes}
    return start("roll-1", plan(fix), "one", AT).model_copy(update=done)


def page(title: str = "pool climbs 4 -> 20 of 20") -> Page:
    onset = Onset(at=at(-60), lo=at(-61), hi=at(-60))
    item = Item(id="m1", kind="metric", role="saturation", entity="shop", title=title, onset=onset)
    window = Window(start=at(-600), end=AT)
    return Page(
        incident="inc-1", service="shop", window=window, baseline=window, items=(item,), order=("m1",)
    )


def entry(seq: int, second: float, action: str, actor: str = "steadyhand", **body: str) -> Entry:
    ts = round(at(second).timestamp() * 1000)
    return Entry(
        seq=seq,
        ts=ts,
        incident="inc-1",
        actor=actor,
        actor_kind="system",
        via="service",
        action=action,
        body=body,
        prev=GENESIS,
    )


def full() -> Report:
    yes = Decision(plan="plan-1", digest=plan().digest, answer="approve", by="ana", via="console", at=at(40))
    return write(
        incident(started=-60, detected=0, fix_ready=10, decided=40, rollout_started=41, resolved=120),
        page=page(),
        diagnosis=diagnosis(),
        plan=plan(),
        decision=yes,
        rollout=rollout(verdict=Promote(grade="proven better", figures=FIGURES)),
        trail=(entry(1, 0, "incident.opened", alert="HighErrorRate"), entry(2, 40, "plan.approved", "ana")),
    )


def test_the_figures_are_the_spans_between_milestones() -> None:
    found = figures(
        incident(started=-60, detected=0, evidence_ready=8, fix_ready=10, decided=40, resolved=120)
    )
    assert found.detect == timedelta(seconds=60)
    assert found.evidence == timedelta(seconds=8)
    assert found.fix_ready == timedelta(seconds=10)
    assert found.approval == timedelta(seconds=30)
    assert found.resolve == timedelta(seconds=120)
    assert found.whole == timedelta(seconds=180)
    assert found.rollout is None


def test_an_open_incident_has_no_time_to_resolve_even_if_it_was_resolved_before() -> None:
    found = figures(incident("investigating", started=-60, detected=0, resolved=120))
    assert (found.resolve, found.whole) == (None, None)


def test_an_answer_to_an_earlier_question_is_no_approval_time() -> None:
    assert figures(incident(fix_ready=100, decided=40)).approval is None


def test_nothing_known_gives_no_figure() -> None:
    assert set(figures(incident()).model_dump().values()) == {None}


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, "unknown"), (0, "0s"), (8.26, "8.3s"), (83.4, "1m23s"), (3600, "1h")]
)
def test_a_span_is_written_as_fine_as_it_matters(seconds: float | None, words: str) -> None:
    assert span(None if seconds is None else timedelta(seconds=seconds)) == words


def test_signals_and_deeds_stand_in_one_order_of_time() -> None:
    trail = (entry(1, 0, "incident.opened", alert="A", service="shop", severity="SEV2", severity_why="w"),)
    events = timeline(trail, page())
    assert [one.source for one in events] == ["m1", "row 1"]
    assert events[1].text == "A fired on shop; opened as SEV2: w."
    assert (events[0].kind, events[1].kind) == ("signal", "alert")


def test_a_row_no_words_are_known_for_is_told_as_it_is() -> None:
    (event,) = timeline((entry(1, 0, "moon.rose", phase="full"),), None)
    assert event.text == "moon.rose (phase full)"


@given(st.dictionaries(st.sampled_from(["plan", "reason", "note", "why", "digest"]), st.text()))
def test_the_words_of_a_row_are_never_read_as_a_template(body: dict[str, str]) -> None:
    (event,) = timeline((entry(1, 0, "plan.rejected", **body),), None)
    assert event.text == f"Rejected {body.get('plan', '')}: {body.get('reason', '')}".strip()


def test_the_report_names_who_consented_to_which_digest() -> None:
    said = " ".join(full().done)
    assert f"ana approved it by console at 02:00:40 UTC, bound to digest {plan().digest}." in said
    assert "The way back: Bring shop to release 1.1." in said


def test_the_canarys_verdict_comes_with_its_figures() -> None:
    said = " ".join(full().canary)
    assert "5.0 % of answers came from the fix for 30 s." in said
    assert "proven better" in said
    assert "harm from 1.7 times the control's rate up" in said


def test_what_was_not_proven_is_said() -> None:
    said = " ".join(full().unproven)
    assert "95 % is uncalibrated" in said
    assert "not freshly restarted" in said


def test_a_database_fix_is_not_said_to_be_compared_with_a_control() -> None:
    report = write(incident(), diagnosis=diagnosis(), plan=plan(INDEX), rollout=rollout(fix=INDEX))
    assert "not compared with a control" in " ".join(report.unproven)
    assert "applied in place" in " ".join(report.canary)
    assert "ix_orders_email into the schema's migrations" in " ".join(report.follow_ups)


def test_not_worse_is_not_called_better() -> None:
    unmeasured = FIGURES.model_copy(update={"phi": None})
    verdict = Promote(grade="not worse", figures=unmeasured)
    said = " ".join(write(incident(), diagnosis=diagnosis(), rollout=rollout(verdict=verdict)).unproven)
    assert "not worse, which is not proven better" in said
    assert "bursty" in said


def test_an_incident_closed_by_hand_is_not_called_verified() -> None:
    assert "a person closed the incident" in " ".join(write(incident()).unproven)


def test_what_speaks_against_the_cause_and_whom_it_touched_is_said() -> None:
    told = diagnosis()
    doubtful = told.hypotheses[0].model_copy(
        update={"contradicts": ("m2",), "blast_radius": ("shop", "edge")}
    )
    report = write(incident(), page=page(), diagnosis=told.model_copy(update={"hypotheses": (doubtful,)}))
    assert "Evidence speaks against the cause: m2." in report.unproven
    assert "Touched: shop, edge." in report.impact
    assert "- Against: not on the page any more (m2)" in markdown(report)


def test_a_rollout_the_judge_has_not_spoken_of_is_told_as_such() -> None:
    report = write(
        incident("rolling_out"), diagnosis=diagnosis(calibrated_on="lab"), rollout=rollout("shifting")
    )
    assert report.canary == ("The judge has not spoken.",)
    assert report.root_cause is not None
    assert report.root_cause.calibrated


def test_a_gap_in_the_evidence_is_neither_hidden_nor_forgotten() -> None:
    told = diagnosis(data_gaps=("no logs of db",), unexplained=("m9",))
    report = write(incident(), diagnosis=told)
    assert "Not seen: no logs of db." in report.unproven
    assert "No hypothesis explains m9." in report.unproven
    assert "Close the 1 gap(s)" in " ".join(report.follow_ups)


def test_a_fix_that_was_taken_back_asks_for_another() -> None:
    report = write(incident("needs_human"), diagnosis=diagnosis(), plan=plan(), rollout=rollout("reverted"))
    assert "find another one" in " ".join(report.follow_ups)
    assert report.final is False


def test_people_who_did_not_answer_are_a_follow_up() -> None:
    trail = (entry(1, 0, "incident.escalated", to="lead"), entry(2, 9, "plan.rejected", "ana", reason="no"))
    said = " ".join(write(incident().model_copy(update={"episode": 1}), trail=trail).follow_ups)
    assert "first tier did not answer" in said
    assert "reason of the rejection" in said
    assert "came back 1 time(s)" in said


def test_an_incident_nothing_is_known_of_still_has_a_report() -> None:
    text = markdown(write(incident("investigating")))
    assert "**Draft: the incident is still open.**" in text
    assert "No cause has been named." in text
    assert "Nothing was done: no plan was put." in text


def test_a_number_that_was_not_measured_is_said_to_be_so() -> None:
    unmeasured = plan().model_copy(
        update={"goals": (plan().goals[0].model_copy(update={"at_incident": None, "normal": None}),)}
    )
    report = write(incident(), plan=unmeasured)
    assert "failed answers was not measured when it hurt." in report.impact
    assert "normally is was not measured" in " ".join(report.unproven)


def test_the_markdown_has_every_section_in_order() -> None:
    text = markdown(full())
    heads = [line for line in text.splitlines() if line.startswith("#")]
    assert heads == [
        "# SEV2 shop: HighErrorRate",
        "## Summary",
        "## Impact",
        "## Figures",
        "## Timeline (UTC)",
        "## Root cause",
        "## What was done, and by whose consent",
        "## Canary",
        "## Not proven",
        "## Follow-ups",
    ]
    assert "| Time to resolve (MTTR) | 2m |" in text
    assert "- For: pool climbs 4 -&gt; 20 of 20 (m1)" in text


def test_each_action_is_described() -> None:
    assert describe(ROLL_BACK.action) == "Bring shop to release 1.0"
    assert describe(INDEX.action) == "Create index ix_orders_email on orders (email) in db, concurrently"
    assert describe(INDEX.rollback) == "Drop index ix_orders_email in db, concurrently"


@given(st.text())
def test_no_words_become_markup_a_link_a_mention_or_a_line(words: str) -> None:
    text = plain(f"{words}<b>*x* [a](javascript:b) @team https://evil.test | `c`\n# d")
    assert "\n" not in text
    assert "<" not in text
    assert "://" not in text.replace("://\u200b", "")
    assert "@" not in text.replace("@\u200b", "")
    assert all(text[place - 1] == "\\" for place, one in enumerate(text) if one in "*[]`|#")


def test_hostile_evidence_stays_words_in_the_report() -> None:
    text = markdown(write(incident(), page=page("<script>x</script>\n# Resolved"), diagnosis=diagnosis()))
    assert "<script>" not in text
    assert "\n# Resolved" not in text
