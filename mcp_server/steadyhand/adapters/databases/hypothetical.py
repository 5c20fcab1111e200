"""Whether an index would help, asked of the planner itself: HypoPG shows it one that does not exist.

A hypothetical index lives in the memory of this session only; nothing is built and nothing is executed.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from steadyhand.adapters.databases.link import Link, named

SCHEMA = """
select n.nspname::text from pg_extension e join pg_namespace n on n.oid = e.extnamespace
where e.extname = 'hypopg'
"""
_CREATE = "select indexname::text from {schema}.hypopg_create_index(%s)"
_RESET = "select {schema}.hypopg_reset()"
_WORTH = 0.5  # a plan that costs more than this of before is no proof

Plan = Mapping[str, object]


async def installed(link: Link) -> str | None:
    """The schema of the extension, None where it is not there. Raises SourceError."""
    rows: Any = await link.rows(SCHEMA)
    return str(rows[0][0]) if rows else None


async def verdict(
    link: Link,
    schema: str,
    table: tuple[str, str],
    columns: Sequence[str],
    plan: Callable[[], Awaitable[Plan]],
) -> str:
    """What the planner says to an index on these columns, in a few words. Raises SourceError."""
    before = _cost(await plan())
    statement = named(
        "create index on {schema}.{table} ({columns})", schema=table[0], table=table[1], columns=columns
    )
    try:
        made: Any = await link.rows(named(_CREATE, schema=schema), statement.as_string())
        after = await plan()
    finally:
        await link.rows(named(_RESET, schema=schema))
    used = any(str(one.get("Index Name")) == made[0][0] for one in _nodes(after))
    cost = _cost(after)
    if not used or cost > _WORTH * before:
        return f"the planner would not gain by it (cost {before:.0f} to {cost:.0f})"
    return f"the planner would use it: cost {before:.0f} to {cost:.0f}"


def _cost(plan: Plan) -> float:
    cost = plan.get("Total Cost")
    return float(cost) if isinstance(cost, int | float) else 0.0


def _nodes(plan: Plan) -> list[Plan]:
    below = plan.get("Plans")
    return [plan, *(one for child in (below if isinstance(below, list) else ()) for one in _nodes(child))]
