"""A night on call, in memory: a real store, real rules, fakes for the world, a clock moved by hand."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from stores import Place

from steadyhand.adapters.ledger import schema
from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.journey.alert.model import Alert
from steadyhand.journey.alert.rule import EnrichmentRule
from steadyhand.journey.audit.redact import redacted
from steadyhand.journey.commands import Record
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.ladder import Tier
from steadyhand.journey.escalation.policy import EscalationRule
from steadyhand.journey.escalation.throttle import ThrottleRule
from steadyhand.journey.evidence.masking import uncounted
from steadyhand.journey.evidence.model import DatabaseReport, Series, Window
from steadyhand.journey.incident.state import Incident, Investigated
from steadyhand.journey.remedy.goals import GoalRule, goals
from steadyhand.journey.remedy.model import CreateIndex, DropIndex, Fix, SetRelease
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.topology import Service
from steadyhand.responder.alerts.intake import happen, take_alert
from steadyhand.responder.engine.worker import Worker
from steadyhand.responder.fixes.deciding import decide, hash_pin, sign_in
from steadyhand.responder.fixes.planning import weigh
from steadyhand.responder.outside import Outside
from steadyhand.responder.rules import Rules
from steadyhand.responder.views import IncidentView, list_incidents, view_incident
from steadyhand.store import Person
from steadyhand.testing.clock import VirtualClock
from steadyhand.testing.database import MemoryDatabase
from steadyhand.testing.phone import Phone
from steadyhand.testing.traffic import TrafficSimulator

PIN = "314159"
ERRORS = "error share of the shop"
TIERS = (
    Tier(name="on_call", contacts=(Contact(type="phone", user="ana"),), escalate_after=timedelta(minutes=15)),
    Tier(name="lead", contacts=(Contact(type="phone", user="bo"),), escalate_after=timedelta(minutes=30)),
)
RULES = Rules(
    services=(
        Service(name="shop", depends_on=("postgres",), tier=1),
        Service(name="postgres", kind="database"),
    ),
    escalation=EscalationRule(tiers=TIERS, repeat=1),
    enrichment=EnrichmentRule(deadline=timedelta()),  # pages leave at once; test_enrichment tells otherwise
    throttle=ThrottleRule(limits={}),  # and each for itself; test_throttled_pages tells otherwise
    goals={"shop": (GoalRule(name="errors", kind="errors", expression=ERRORS, bound=0.02),)},
)
ROLL_BACK = Fix(
    title="Roll shop back to 1.0",
    action=SetRelease(service="shop", version="1.0"),
    rollback=SetRelease(service="shop", version="1.1"),
    risk="low",
    why_this_risk="1.0 ran for a week",
    recovery_s=60,
    canaryable=True,
    blast_radius=("shop",),
)
BUILD_INDEX = Fix(
    title="Index orders(email)",
    action=CreateIndex(database="postgres", table="orders", columns=("email",), name="ix_orders_email"),
    rollback=DropIndex(database="postgres", name="ix_orders_email"),
    risk="medium",
    why_this_risk="reads the whole table",
    recovery_s=30,
    canaryable=False,
    production_database=True,
    blast_radius=("postgres",),
)


class Users:
    """A MetricSource: the share of failed answers that users get, given what the arms do."""

    name = "users"

    def __init__(self, traffic: TrafficSimulator, database: MemoryDatabase) -> None:
        self.blind = False
        self.override: float | None = None
        self._traffic = traffic
        self._database = database

    async def series(self, selector: str, window: Window, step: timedelta) -> Sequence[Series]:  # noqa: ARG002 - a port's shape
        return ()

    async def value(self, expression: str, at: datetime) -> float | None:  # noqa: ARG002 - a port's shape
        if self.blind:
            return None
        if self.override is not None:
            return self.override
        if "ix_orders_email" in self._database.indexes:
            return 0.0
        share = (await self._traffic.observe()).share
        return self._traffic.stable.error_rate * (1 - share) + self._traffic.canary.error_rate * share


class Night:
    """One service over one store. `restart()` is a kill -9 and a new process."""

    def __init__(self, folder: Path, rules: Rules = RULES, place: Place | None = None) -> None:
        self.clock = VirtualClock()
        self.place = place or folder / "night.db"
        self.phone = Phone()
        self.traffic = TrafficSimulator(self.clock, version="1.1")
        self.traffic.stable.error_rate = 0.3
        self.database = MemoryDatabase(DatabaseReport(database="postgres", at=self.clock.now()))
        self.users = Users(self.traffic, self.database)
        self.rules = rules
        self._ids: Counter[str] = Counter()
        self._lives = 0
        self.restart()

    @property
    def path(self) -> Path:
        """The file of its store, where it is one."""
        assert isinstance(self.place, Path), "a store elsewhere has no file"
        return self.place

    def restart(self) -> None:
        """Whatever was under way is gone; only the store remains."""
        self._lives += 1
        self.outside = Outside(
            rules=self.rules,
            clock=self.clock,
            ledger=SqlLedger(self.place),
            new_id=self._new_id,
            owner=f"life-{self._lives}",
            metrics=(self.users,),
            hands={"postgres": self.database},
            traffic={"shop": self.traffic},
            channels={"phone": self.phone},
        )
        self.outside.ledger.reclaim(self.clock.now(), all_owners=True)
        self.worker = Worker(self.outside)

    def _new_id(self, prefix: str) -> str:
        self._ids[prefix] += 1
        return f"{prefix}-{self._ids[prefix]}"

    def hire(self, name: str = "ana", role: str = "approver") -> None:
        person = Person(name=name, role=role, pin_hash=hash_pin(PIN), locked_until=self.clock.now())
        with self.outside.ledger.write() as tx:
            tx.save_person(person)

    def alert(
        self,
        name: str = "HighErrorRate",
        status: str = "firing",
        service: str = "shop",
        severity: str = "critical",
    ) -> str:
        alert = Alert(
            source="test",
            dedup_key=f"{service}:{name}",
            name=name,
            service=service,
            status=status,
            severity=severity,
            starts_at=self.clock.now(),
        )
        return take_alert(self.outside, alert, alert.model_dump_json())

    def leave_alone(self, incident: str) -> None:
        """The engine does not look into it."""
        with self.outside.ledger.write() as tx:
            tx.disarm(f"{incident}:investigate")

    async def turn(self) -> None:
        await self.worker.turn()
        await self.worker.settle()

    async def pass_time(self, seconds: int) -> None:
        """Seconds go by, one turn of the worker in each."""
        for _ in range(seconds):
            await self.clock.advance(seconds=1)
            await self.turn()

    async def leap(self, **span: float) -> None:
        """Time jumps; the worker turns once afterwards, and once more for the mail."""
        await self.clock.advance(**span)
        await self.turn()
        await self.turn()

    def propose(self, incident: str, fix: Fix = ROLL_BACK, **changes: object) -> Plan:
        """The engine has found something: a plan is stored and the question asked."""
        now = self.clock.now()
        plan = Plan(
            id=self._new_id("plan"),
            incident=incident,
            hypothesis="h1",
            service="shop",
            fix=fix,
            confidence=0.9,
            calibrated=False,
            canary=self.rules.canary,
            recovery=self.rules.recovery,
            goals=goals(self.rules.goals["shop"], (), ()),
            created_at=now,
            expires_at=now + self.rules.approval.expires_after,
        ).model_copy(update=changes)
        with self.outside.ledger.write() as tx:
            tx.put("plan", plan.id, incident, plan, now)
            before = tx.incident(incident)
            assert before is not None
            verdict = weigh(self.outside, tx, before, plan)
            found = Investigated(
                evidence_at=now, started_at=None, headline="A bad release.", plans=(plan,), verdict=verdict
            )
            happen(tx, incident, found, now)
        return plan

    async def answer(self, plan: Plan, answer: str = "approve", by: str = "ana", reason: str = "") -> None:
        person = await sign_in(self.outside, by, PIN, "test")
        await decide(self.outside, person, plan.id, plan.digest, answer, "test", reason)

    def every_message_is_on_record(self) -> None:
        """Whatever became of each message so far, the trail has a line about it."""
        with self.outside.ledger.read() as tx:
            told = {uncounted(one.body["message"]) for one in tx.trail() if one.action.startswith("message.")}
        over = schema.outbox.c.state.not_in(("queued", "sending"))
        with self.outside.ledger.doors.reader.connect() as db:
            found = db.execute(select(schema.outbox.c.key).where(over)).scalars().all()
        keys = (redacted(Record(action="message", body={"message": one})).body["message"] for one in found)
        unsaid = [one for one in keys if uncounted(one) not in told]
        assert not unsaid, f"nothing is on record of {unsaid}"

    def view(self, incident: str) -> IncidentView:
        return view_incident(self.outside, incident)

    def incidents(self) -> Sequence[Incident]:
        return list_incidents(self.outside)

    def actions(self, incident: str) -> list[str]:
        return [one.action for one in self.view(incident).trail]
