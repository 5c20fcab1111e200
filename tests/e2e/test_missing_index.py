"""The 3 AM story: a release filters on a column without an index. Killed while the index is built."""

from datetime import datetime
from pathlib import Path

import pytest
from e2e.world import world

from steadyhand.journey.audit.proof import find_problem

pytestmark = pytest.mark.lab
_VALID = "select bool_and(indisvalid) from pg_index where indexrelid = to_regclass('{name}')"


def test_the_index_is_named_built_and_verified_though_the_service_dies_in_the_middle(tmp_path: Path) -> None:
    with world(tmp_path / "index", 19300) as here:
        here.calm()
        here.break_it("missing-index")
        incident = here.incident()["id"]
        view = here.question(incident)

        truth, best = here.stage.truth(), view["diagnosis"]["hypotheses"][0]
        assert best["cause"]["entity"] == truth["component"]
        assert best["cause"]["fault_class"] == truth["fault_class"]
        assert best["cause"]["facts"]["table"] == truth["table"]
        assert best["cause"]["facts"]["columns"] == truth["column"]
        seen = [item["title"] for item in view["page"]["items"]]
        assert best["cause"]["facts"].get("version") == truth["release"], (best["cause"], best["onset"], seen)
        onset = datetime.fromisoformat(best["onset"]["at"]).timestamp()
        # Two guests a second are slow: a percentile shows them in steps of some seconds.
        assert onset == pytest.approx(truth["onset"], abs=8)

        action = view["plan"]["fix"]["action"]
        assert (action["kind"], action["table"], action["columns"]) == (
            "create_index",
            "orders",
            ["customer_email"],
        )
        assert view["plan"]["fix"]["production_database"]
        assert view["options"][1]["fix"]["action"]["kind"] == "set_release"

        here.engineer.decide(incident, "approve")
        here.phase(incident, "applying", 20)
        here.crash()  # the build goes on or leaves an invalid index: both must end well
        here.revive()
        ended = here.resolved(incident, most=300)

        assert here.database(_VALID.format(name=action["name"])) is True
        assert here.until("users are well", here.well, 30)
        assert ended["rollout"]["phase"] == "verified"
        assert find_problem(here.stage.rows()) == ""
