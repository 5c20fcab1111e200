"""What users feel, read from the lab's metrics: for the eye, and to check that they are really well."""

import httpx2

from steadyhand.demo.config import ERRORS, LATENCY
from steadyhand.demo.screen import Sparkline


class Vitals:
    """Error share and p95 as users see them."""

    def __init__(self, metrics_url: str) -> None:
        self._url = metrics_url
        self._latency = Sparkline("p95", " s", 0.4)
        self._errors = Sparkline("failed answers", "", 0.02)
        self.latest: tuple[float | None, float | None] = (None, None)

    @property
    def lines(self) -> tuple[Sparkline, Sparkline]:
        """The two charts."""
        return self._latency, self._errors

    @property
    def well(self) -> bool:
        """Measured, and within the limits. No data is not well."""
        latency, errors = self.latest
        return latency is not None and errors is not None and latency <= 0.4 and errors <= 0.02  # noqa: PLR2004

    def read(self) -> None:
        """One more reading of both."""
        self.latest = (self._value(LATENCY), self._value(ERRORS))
        self._latency.add(self.latest[0])
        self._errors.add(self.latest[1])

    def _value(self, expression: str) -> float | None:
        try:
            answer = httpx2.get(
                f"{self._url}/api/v1/query", params={"query": expression}, timeout=3, trust_env=False
            )
            found = answer.json()["data"]["result"]
        except (httpx2.TransportError, ValueError, KeyError):
            return None
        value = float(found[0]["value"][1]) if found else float("nan")
        return None if value != value else value  # noqa: PLR0124 - NaN is the number that is not itself
