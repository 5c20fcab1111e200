"""Somebody who uses the service as a person does: signed in at the console's own door."""

import re
from typing import Any

import httpx2

from steadyhand.demo.stage import Access
from steadyhand.ports import SourceRefused

_DEADLINE_S = 10.0
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')


class Engineer:
    """One signed-in person, through the console's forms and the JSON door. No back door."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._http = httpx2.Client(base_url=access.url, timeout=_DEADLINE_S, trust_env=False)

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def incidents(self) -> list[dict[str, Any]]:
        """What the incident list shows."""
        found: list[dict[str, Any]] = self._get("/api/incidents")["incidents"]
        return found

    def incident(self, wanted: str) -> dict[str, Any]:
        """Everything about one incident."""
        found: dict[str, Any] = self._get(f"/api/incidents/{wanted}")
        return found

    def _get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        answer = self._http.get(path, auth=(self._access.name, self._access.pin))
        if not answer.is_success:
            raise SourceRefused("service", f"{path} answered {answer.status_code}: {answer.text[:200]}")
        return answer.json()

    def sign_in(self) -> None:
        """Sign in at the console. Raises SourceRefused."""
        page = self._http.get("/sign-in")
        form = {"csrf": _csrf(page.text), "name": self._access.name, "pin": self._access.pin, "next": "/"}
        self._expect(self._http.post("/sign-in", data=form), "signing in")

    def decide(self, incident: str, answer: str, reason: str = "") -> None:
        """Press Approve or Reject on the incident's page, for the plan as it is shown there."""
        page = self._http.get(f"/incidents/{incident}")
        view = self.incident(incident)
        form = {"csrf": _csrf(page.text), "digest": view["digest"], "answer": answer, "reason": reason}
        self._expect(self._http.post(f"/plans/{view['plan']['id']}/decision", data=form), answer)

    def close_incident(self, incident: str, why: str) -> None:
        """Say that an incident is over."""
        answer = self._http.post(
            f"/api/incidents/{incident}/close", json={"why": why}, auth=(self._access.name, self._access.pin)
        )
        self._expect(answer, "closing")

    def report(self, incident: str) -> str:
        """The report as the console lets one download it."""
        answer = self._http.get(f"/incidents/{incident}/report.md")
        self._expect(answer, "the report")
        return answer.text

    def _expect(self, answer: httpx2.Response, what: str) -> None:
        if answer.status_code not in (200, 302, 303):
            raise SourceRefused("console", f"{what}: {answer.status_code} {answer.text[:200]}")


def _csrf(page: str) -> str:
    found = _CSRF.search(page)
    return found.group(1) if found else ""
