"""The door that says why: for people who sign in, and for nobody else."""

import pytest
from web.house import INGEST, House, alert, basic, bearer

pytestmark = pytest.mark.anyio


async def test_why_needs_a_person_and_an_incident(house: House) -> None:
    async with house.client(headers=bearer(INGEST)) as machine:
        await machine.post("/alerts/generic", json=alert("Checkout is slow"))
        assert (await machine.get("/api/incidents/inc-1/why")).status_code == 401
    async with house.client(headers=basic()) as ana:
        found = (await ana.get("/api/incidents/inc-1/why")).json()
        assert found["incident"] == "inc-1"
        assert found["told"][0]["step"].startswith("tier 1 of")
        assert found["next"]
        assert (await ana.get("/api/incidents/inc-9/why")).status_code == 404
