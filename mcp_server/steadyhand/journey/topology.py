"""Who depends on whom: the services section of incident-config.yaml."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from steadyhand.journey.rule import Rule

Kind = Literal["service", "database", "cache", "queue", "third_party", "balancer", "client", "node"]


class Service(Rule):
    """A thing that can be sick: a service, database, cache or third party."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    kind: Kind = "service"
    depends_on: tuple[str, ...] = ()
    production: bool = Field(default=True, description="Real users are behind it.")
    tier: Literal[1, 2, 3] = Field(default=2, description="1: users cannot do without it.")
    metrics: tuple[str, ...] = Field(default=(), description="Selectors that hold its series.")
    owner: str = ""


def _sound(services: tuple[Service, ...]) -> tuple[Service, ...]:
    """Each name once, and each arrow ends at one of them."""
    names = [one.name for one in services]
    twice = next((one for one in names if names.count(one) > 1), None)
    if twice is not None:
        raise ValueError(f"two services are named {twice!r}")
    for one in services:
        lost = next((name for name in one.depends_on if name not in names), None)
        if lost is not None:
            raise ValueError(f"services.{one.name}.depends_on names {lost!r}, which is no service here")
    return services


Services = Annotated[tuple[Service, ...], AfterValidator(_sound)]


class Topology(Rule):
    """All services and the arrows between them."""

    services: Services = ()

    def get(self, name: str) -> Service | None:
        """The service of this name, if it is known."""
        return next((one for one in self.services if one.name == name), None)

    def callers(self, name: str) -> tuple[str, ...]:
        """Those that depend on it directly."""
        return tuple(one.name for one in self.services if name in one.depends_on)

    def neighbourhood(self, name: str) -> tuple[str, ...]:
        """The service itself, its direct callers, and all it depends on, near ones first."""
        seen, queue = [name], [name]
        while queue:
            service = self.get(queue.pop(0))
            for other in service.depends_on if service else ():
                if other not in seen:
                    seen.append(other)
                    queue.append(other)
        return (*seen, *(one for one in self.callers(name) if one not in seen))

    def with_seen(self, seen: tuple[Service, ...]) -> "Topology":
        """The same with these in place of, or beside, those of their names."""
        known = {one.name: one for one in (*self.services, *seen)}
        kept = tuple(
            one.model_copy(update={"depends_on": tuple(name for name in one.depends_on if name in known)})
            for one in known.values()
        )
        return Topology(services=kept)

    def path(self, start: str, end: str) -> tuple[str, ...]:
        """The shortest way from a cause to a symptom, against the arrows of dependence; empty if none."""
        ways: list[tuple[str, ...]] = [(start,)]
        seen = {start}
        while ways:
            way = ways.pop(0)
            if way[-1] == end:
                return way
            fresh = [caller for caller in self.callers(way[-1]) if caller not in seen]
            seen.update(fresh)
            ways.extend((*way, caller) for caller in fresh)
        return ()
