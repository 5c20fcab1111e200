"""A healthy lab says nothing, and an innocent release is not blamed for what a third party does."""

from pathlib import Path

import httpx2
import pytest
from e2e.world import world

pytestmark = pytest.mark.lab
_AGO_S = 30


def test_health_gives_no_hypothesis_and_an_innocent_release_is_not_blamed(tmp_path: Path) -> None:
    with world(tmp_path / "quiet", 19500) as here:
        here.calm()
        asked = httpx2.post(
            f"{here.stage.access.url}/alerts/generic",
            json={"title": "Somebody is worried", "service": "shop"},
            headers={"authorization": f"Bearer {(here.stage.home / 'ingest.token').read_text()}"},
            trust_env=False,
        )
        assert asked.is_success
        view = here.question(here.incident()["id"])
        seen = [item["title"] for item in view["page"]["items"]]
        assert view["diagnosis"]["hypotheses"] == [], seen
        assert view["diagnosis"]["none_of_these"] == 1.0
        assert view["plan"] is None
        here.engineer.close_incident(view["incident"]["id"], "all is well")

        lab = here.stage.lab.description
        shipped = httpx2.post(
            f"{lab.platform_url}/releases",
            json={"arm": "stable", "version": "2.13.1", "replicas": 3},
            headers={"authorization": f"Bearer {lab.platform_token}"},
            timeout=60,
            trust_env=False,
        )
        assert shipped.is_success, shipped.text
        here.pause(_AGO_S)
        here.break_it("slow-payments")

        def second() -> str:
            newest = here.engineer.incidents()[0]
            return (
                newest["id"]
                if newest["id"] != view["incident"]["id"] or newest["status"] != "resolved"
                else ""
            )

        found = here.question(here.until("the alert", second, 90))
        best = found["diagnosis"]["hypotheses"][0]
        assert (best["cause"]["entity"], best["cause"]["fault_class"]) == ("payments", "third_party_timeout")
        assert best["cause"]["change_id"] is None
        assert found["plan"] is None
