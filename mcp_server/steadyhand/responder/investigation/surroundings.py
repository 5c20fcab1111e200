"""The graph of services as it is written and as it was seen."""

from functools import partial

from steadyhand.journey.evidence.model import Window
from steadyhand.journey.seen import Graph, graph
from steadyhand.responder.investigation.asking import ask_all
from steadyhand.responder.outside import Outside

_WITHIN_S = 4.0  # who depends on whom is asked before everything else


async def look_around(outside: Outside, window: Window) -> tuple[Graph, tuple[str, ...]]:
    """What is known of who calls whom in the window, and which source did not answer."""
    asks = [(one.name, partial(one.edges, window)) for one in (*outside.edges, *outside.traces)]
    edges, gaps = await ask_all(asks, _WITHIN_S)
    return graph(outside.rules.topology, edges), tuple(gaps)
