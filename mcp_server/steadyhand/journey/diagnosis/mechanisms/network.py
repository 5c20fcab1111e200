"""Faults of what lies between two services: each is well by itself, and the calls between them are not."""

from steadyhand.journey.diagnosis.model import Check
from steadyhand.journey.diagnosis.scene import Scene
from steadyhand.journey.diagnosis.signals.network import apart
from steadyhand.journey.diagnosis.suspect import Mechanism, Suspect
from steadyhand.journey.evidence.model import Bearing

NETWORK = "network_fault"
_MOST = 3


def _arrows(scene: Scene) -> tuple[Suspect, ...]:
    """The few arrows whose ends disagree most."""
    farthest = sorted(apart(scene), key=lambda one: (-one.figures["between"], one.caller, one.entity))
    return tuple(_suspect(one) for one in farthest[:_MOST])


def _suspect(arrow: Bearing) -> Suspect:
    """Named by the end that more such arrows share, the callee where neither does."""
    caller, callee = arrow.caller, arrow.entity
    shared = arrow.figures["of_caller"] > arrow.figures["of_callee"]
    return Suspect(
        entity=caller if shared else callee,
        kind="network_edge",
        facts={"caller": caller, "callee": callee, "edge": f"{caller}->{callee}"},
    )


MECHANISMS = (
    Mechanism(
        name=NETWORK,
        suspects=_arrows,
        claim="The network between {caller} and {callee} delays or loses calls: {caller} sees them slow or "
        "failing, and {callee} answers them as ever.",
        checks=(
            Check(
                name="the call from both ends",
                tool="query_metrics",
                query="latency and errors of {callee} as {caller} measures them, and as {callee} does",
                look_at="latency and failures of the same calls at {caller} and at {callee}",
                expect_if_true="far more at {caller}; at {callee} as before",
                expect_if_false="both ends tell the same: look into {callee}",
            ),
            Check(
                name="other ways",
                tool="query_metrics",
                query="latency of all calls to {callee}, and of all calls {caller} makes",
                look_at="other callers of {callee}, and other callees of {caller}",
                expect_if_true="only this way suffers, or all that begin or end at one host do",
                expect_if_false="all callers of {callee} wait alike, and so does {callee} itself",
            ),
            Check(
                name="packets",
                tool="person",
                query="on the host of {caller}: ping or mtr to {callee}; ss -ti to its address",
                look_at="loss, round trip and retransmissions between the two hosts",
                expect_if_true="packets are lost, or the round trip is far longer than within each end",
                expect_if_false="no loss, and a round trip as ever",
            ),
        ),
        brought_by=frozenset({"config"}),
        words=frozenset({"network", "policy", "firewall", "mesh", "proxy", "route", "mtu"}),
        remediation="escalate_upstream",
        remediation_of_change="config_revert",
        playbook="network-fault",
    ),
)
