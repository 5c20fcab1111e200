"""A release that leaks connections, the service killed at every stage, and still a verified end."""

import json
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from e2e.world import World, world

from steadyhand.journey.audit.proof import find_problem
from steadyhand.journey.remedy.plan import Plan

pytestmark = pytest.mark.lab
_FIRST_LEAK = (
    "select extract(epoch from min(xact_start))::float8 from pg_stat_activity "
    "where state = 'idle in transaction' and state_change < now() - interval '4 seconds'"
)


def test_a_killed_service_loses_nothing_and_the_journey_ends_well(tmp_path: Path) -> None:
    with world(tmp_path / "leaky", 19100) as here:
        here.calm()
        here.break_it("leaky-release")
        incident = here.incident()["id"]
        first_leak = here.database(_FIRST_LEAK)
        view = here.question(incident)
        _names_the_truth(here, view, first_leak)
        _bound_to_the_digest(view)

        here.crash()  # before the approval
        here.revive()
        assert here.see(incident)["incident"]["plan"] == view["incident"]["plan"]
        here.engineer.decide(incident, "approve")

        here.phase(incident, "watching", 60)
        before = here.served()
        here.pause(12)
        after = here.served()
        stable, canary = (later - sooner for later, sooner in zip(after, before, strict=True))
        assert canary / (stable + canary) == pytest.approx(0.05, abs=0.025)  # by chance, of about 600
        assert here.share() == pytest.approx(0.05, abs=0.0001)

        here.crash()  # during the canary: the lease brings the traffic home
        here.until("traffic is home", lambda: here.share() == 0, 8)
        here.revive()
        here.phase(incident, "watching", 60)
        here.phase(incident, "verifying", 200)
        assert here.share() == 1.0

        here.crash()  # during 100 %
        here.until("traffic is home", lambda: here.share() == 0, 8)
        here.revive()
        here.phase(incident, "watching", 60)
        ended = here.resolved(incident, most=300)

        assert here.share() == 0
        assert here.until("users are well", here.well, 30)
        assert ended["rollout"]["phase"] == "verified"
        assert [one["action"] for one in ended["trail"]].count("rollout.taken_over") == 2
        assert find_problem(here.stage.rows()) == ""
        _a_flipped_byte_is_found(here)


def _names_the_truth(here: World, view: dict[str, Any], first_leak: float) -> None:
    truth, best = here.stage.truth(), view["diagnosis"]["hypotheses"][0]
    assert best["cause"]["entity"] == truth["component"]
    assert best["cause"]["fault_class"] == truth["fault_class"]
    assert best["cause"]["facts"]["version"] == truth["release"]
    assert best["cause"]["change_id"] == truth["change_id"]
    onset = datetime.fromisoformat(best["onset"]["at"]).timestamp()
    assert onset == pytest.approx(first_leak, abs=5)
    assert len(view["diagnosis"]["hypotheses"]) in (3, 4, 5)
    assert view["plan"]["fix"]["action"] == {"kind": "set_release", "service": "shop", "version": "2.13.0"}


def _bound_to_the_digest(view: dict[str, Any]) -> None:
    assert Plan.model_validate(view["plan"]).digest == view["digest"]


def _a_flipped_byte_is_found(here: World) -> None:
    here.stage.stop_service()
    path = here.stage.home / "steadyhand.db"
    with sqlite3.connect(path) as db:
        with pytest.raises(sqlite3.IntegrityError, match="may only grow"):
            db.execute("update audit set actor = 'eve' where seq = 3")
        db.execute("drop trigger audit_no_update")
        body = json.loads(db.execute("select body from audit where seq = 3").fetchone()[0])
        body[next(iter(body))] += "."
        db.execute("update audit set body = ? where seq = 3", (json.dumps(body),))
    assert "row 3 was changed" in find_problem(here.stage.rows())
