"""How much each signal says for or against each mechanism: one table.

Log-odds, set by hand from the known behaviour of each mechanism and calibrated on nothing (the
eight recordings of bench/capsules.py were known by then, so their score there proves no more than
that nothing contradicts the table):
+3 nearly settles it, +1 leans, -2 nearly rules it out. A signal's pair is (when present,
when absent although its kind of evidence was looked at). A learned table of the same shape
replaces this one without any other change.
"""

from collections.abc import Mapping

from pydantic import Field

from steadyhand.journey.diagnosis.suspect import Mechanism
from steadyhand.journey.rule import Value

Pair = tuple[float, float]


class CulpritWeights(Value):
    """How much each trait of a change says that it brought the fault."""

    near: float = Field(default=1.2, description="It began just before; fades to 1/e after 10 minutes.")
    own: float = Field(default=0.3, description="It changed the sick thing itself.")
    arm: float = Field(
        default=2.5, description="Only the version it brought suffers; taken off where others suffer alike."
    )
    at_once: float = Field(
        default=0.7, description="What it changed fell sick while it was under way, or within a minute."
    )
    touches: float = Field(default=2.5, description="Its text names the mechanism, table or column.")
    misses: float = Field(default=-1.5, description="Its whole text is known and names nothing of the kind.")
    unnamed: float = Field(
        default=-2.0, description="New errors name what another change of the same thing touched, and not it."
    )
    idle: float = Field(default=-1.5, description="It changed nothing: the version is the one before.")


class PlaybookWeights(Value):
    """How much a playbook says: a starting point for reasoning, not a rule."""

    prior: float = Field(default=-2.0, description="Of a failure known by its playbook alone.")
    missing: float = Field(default=-0.3, description="Times the worth of a symptom that was looked for.")
    least: float = Field(default=0.0, description="Below this log-odds it is no suspect: too little is seen.")
    hint: float = Field(default=0.15, description="Times the worth, where the table knows the failure too.")
    no_change: float = Field(default=2.0, description="Log-odds of: no known change brought it.")
    common: dict[str, Pair] = Field(
        default={
            "its_callers_suffer": (0.3, 0.0),
            "log_names_it": (0.5, 0.0),
            "nobody_feels_it": (-1.0, 0.0),
            "change_touches": (1.0, 0.0),
            "cause_after_effect": (-1.0, 0.0),
        },
        description="Signal -> pair, of every failure known by its playbook alone.",
    )


class Weights(Value):
    """One version of the table."""

    version: str
    calibrated_on: str
    none: float = Field(description="Log-odds of: none of the known mechanisms.")
    prior: dict[str, float] = Field(description="Mechanism -> log-odds before any evidence.")
    signals: dict[str, dict[str, Pair]] = Field(description="Mechanism -> signal -> pair.")
    no_change: dict[str, float] = Field(description="Mechanism -> log-odds of: no known change brought it.")
    culprit: CulpritWeights = CulpritWeights()
    playbook: PlaybookWeights = PlaybookWeights()

    def pairs(self, mechanism: Mechanism) -> Mapping[str, Pair]:
        """What each signal says of it, the hints of its playbook included."""
        table = self.signals.get(mechanism.name)
        told = self.playbook
        if table is not None:
            return {**table, **{name: (told.hint * one.worth, 0.0) for name, one in mechanism.hints.items()}}
        own = {name: (one.worth, _missing(one.worth, told)) for name, one in mechanism.hints.items()}
        return {**told.common, **own}

    def prior_of(self, mechanism: str) -> float:
        """Log-odds before any evidence."""
        return self.prior.get(mechanism, self.playbook.prior)

    def innocence(self, mechanism: str) -> float:
        """Log-odds of: no known change brought it."""
        return self.no_change.get(mechanism, self.playbook.no_change)


def _missing(worth: float, told: PlaybookWeights) -> float:
    """What the absence of a symptom says; that nothing speaks against it says nothing."""
    return told.missing * max(worth, 0.0)


HAND_SET = Weights(
    version="hand-set-1",
    calibrated_on="uncalibrated",
    none=1.0,
    prior={
        "bad_config": -1.0,
        "bad_release": -1.0,
        "cache_loss": -1.0,
        "connection_leak": -1.0,
        "cpu_starvation": -1.0,
        "lock_queue": -1.0,
        "memory_leak": -1.0,
        "missing_index": -1.0,
        "network_fault": -1.0,
        "retry_storm": -1.0,
        "service_fault": 0.0,
        "third_party_timeout": -1.0,
        "traffic_surge": -1.0,
    },
    signals={
        "connection_leak": {
            "sessions_idle": (1.0, -1.5),
            "idle_after_read": (1.5, 0.0),
            "idle_ages_spread": (0.8, 0.0),
            "idle_after_write": (-1.0, 0.0),
            "saturation_ramps": (2.0, 0.0),
            "saturation_steps": (-1.5, 0.0),
            "callers_wait": (0.7, 0.0),
            "change_just_before": (0.7, -0.3),
            "change_touches": (1.0, 0.0),
            "a_target_is_silent": (-1.5, 0.0),
            "a_session_blocks": (-2.0, 0.0),
            "a_table_is_read_whole": (-1.5, 0.0),
            "cause_after_effect": (-1.5, 0.0),
        },
        "missing_index": {
            "scan_without_index": (1.5, -1.0),
            "table_read_jumps": (2.5, -2.0),
            "statement_is_slow": (0.7, 0.0),
            "table_is_small": (-2.0, 0.0),
            "index_exists": (-3.0, 0.0),
            "answers_slow": (0.8, -0.5),
            "change_just_before": (0.5, 0.0),
            "change_touches": (1.0, 0.0),
            "a_session_blocks": (-2.0, 0.0),
            "a_cache_is_gone": (-2.0, 0.0),
            "a_target_is_silent": (-1.0, 0.0),
            "cause_after_effect": (-1.0, 0.0),
        },
        "third_party_timeout": {
            "target_silent_first": (3.0, 0.0),
            "calls_hang": (2.0, 0.0),
            "target_slow": (2.0, 0.0),
            "target_fails": (1.0, 0.0),
            "target_unremarkable": (-1.5, 0.0),
            "idle_after_write": (2.0, 0.0),
            "idle_after_read": (-1.5, 0.0),
            "saturation_steps": (0.7, 0.0),
            "saturation_ramps": (-1.0, 0.0),
            "log_names_it": (0.5, 0.0),
            "a_session_blocks": (-2.5, 0.0),
            "a_table_is_read_whole": (-1.5, 0.0),
            "a_cache_is_gone": (-1.0, 0.0),
            "cause_after_effect": (-1.0, 0.0),
        },
        "lock_queue": {
            "session_blocks_others": (4.0, -2.0),
            "blocker_idles": (-3.0, 0.0),
            "saturation_steps": (0.4, 0.0),
            "callers_wait": (0.4, 0.0),
            "log_speaks_of_locks": (0.7, 0.0),
            "change_touches": (0.3, 0.0),
            "cause_after_effect": (-1.0, 0.0),
        },
        "cache_loss": {
            "cache_is_down": (3.5, -1.0),
            "misses_jump": (1.2, 0.0),
            "answers_slow": (0.5, 0.0),
            "log_names_it": (0.5, 0.0),
            "cause_after_effect": (-1.0, 0.0),
        },
        "memory_leak": {
            "memory_ramps": (3.5, -1.5),
            "nobody_feels_it": (-1.5, 0.0),
            "change_just_before": (0.7, 0.0),
            "change_touches": (1.0, 0.0),
            "saturation_steps": (-1.0, 0.0),
            "idle_after_read": (-1.0, 0.0),
            "a_session_blocks": (-1.5, 0.0),
            "a_target_is_silent": (-1.0, 0.0),
            "cause_after_effect": (-1.0, 0.0),
        },
        "cpu_starvation": {
            "cpu_jumps": (2.0, -1.5),
            "cpu_jumps_elsewhere": (1.5, 0.0),
            "busy_together": (2.5, 0.0),
            "asked_together": (-3.0, 0.0),
            "nobody_feels_it": (-1.5, 0.0),
            "nobody_suffers": (-1.0, 0.0),
            "answers_slow": (0.5, -2.5),
            "change_touches": (0.5, 0.0),
            "a_session_blocks": (-2.0, 0.0),
            "a_target_is_silent": (-1.5, 0.0),
            "a_cache_is_gone": (-2.0, 0.0),
            "a_table_is_read_whole": (-2.0, 0.0),
            "idle_after_read": (-1.0, 0.0),
            "cause_after_effect": (-1.5, 0.0),
        },
        "traffic_surge": {
            "traffic_jumps_first": (3.0, -2.0),
            "nobody_suffers": (-5.0, 0.0),
            "asked_together": (1.5, 0.0),
            "answers_slow": (0.7, -0.5),
            "cpu_jumps": (0.5, 0.0),
            "a_session_blocks": (-1.5, 0.0),
            "cause_after_effect": (-1.5, 0.0),
        },
        "network_fault": {
            "the_caller_sees_it": (1.0, -1.0),
            "the_ends_are_far_apart": (1.5, 0.0),
            "only_this_way": (0.7, 0.0),
            "the_callee_suffers": (-2.0, 0.7),
            "log_speaks_of_the_network": (1.0, 0.0),
            "cpu_jumps": (-0.5, 0.0),
            "change_touches": (1.0, 0.0),
            "a_session_blocks": (-2.0, 0.0),
            "a_table_is_read_whole": (-1.5, 0.0),
            "a_cache_is_gone": (-1.5, 0.0),
            "cause_after_effect": (-1.0, 0.0),
        },
        "retry_storm": {
            "calls_multiply": (2.5, -2.0),
            "nobody_suffers": (-3.0, 0.0),
            "retries_are_told": (1.5, 0.0),
            "trouble_came_first": (0.7, -1.5),
            "asked_together": (-2.0, 0.0),
            "traffic_jumps_first": (-0.7, 0.0),
            "change_touches": (1.0, 0.0),
            "a_session_blocks": (-2.0, 0.0),
            "a_table_is_read_whole": (-2.0, 0.0),
            "a_cache_is_gone": (-2.5, 0.0),
            "sessions_idle": (-1.0, 0.0),
            "cause_after_effect": (-0.5, 0.0),
        },
        "bad_config": {
            "change_just_before": (0.8, -1.0),
            "ran_well_first": (-1.0, 0.0),
            "answers_fail": (1.0, 0.0),
            "new_errors_said": (0.8, 0.0),
            "a_session_blocks": (-2.5, 0.0),
            "a_target_is_silent": (-2.0, 0.0),
            "a_cache_is_gone": (-1.5, 0.0),
            "a_table_is_read_whole": (-1.0, 0.0),
            "saturation_ramps": (-1.2, 0.0),
            "sessions_idle": (-1.0, 0.0),
            "memory_ramps": (-1.0, 0.0),
            "cause_after_effect": (0.0, 0.0),  # told, not weighed: what counts is excluded already
        },
        "bad_release": {
            "change_just_before": (0.8, -1.0),
            "ran_well_first": (-1.0, 0.0),
            "answers_fail": (0.7, 0.0),
            "new_errors_said": (0.8, 0.0),
            "a_session_blocks": (-2.5, 0.0),
            "a_target_is_silent": (-2.0, 0.0),
            "a_cache_is_gone": (-1.5, 0.0),
            "a_table_is_read_whole": (-1.0, 0.0),
            "saturation_ramps": (-1.2, 0.0),
            "sessions_idle": (-1.0, 0.0),
            "memory_ramps": (-1.0, 0.0),
            "cpu_jumps_elsewhere": (-1.0, 0.0),
            "cause_after_effect": (0.0, 0.0),  # told, not weighed: what counts is excluded already
        },
        "service_fault": {
            "shows_it": (0.3, 0.0),
            "cause_after_effect": (-0.5, 0.0),
        },
    },
    no_change={
        "bad_config": -5.0,
        "bad_release": -5.0,
        "cache_loss": 2.5,
        "connection_leak": 0.0,
        "cpu_starvation": 2.0,
        "lock_queue": 2.0,
        "memory_leak": 0.0,
        "missing_index": 0.3,
        "network_fault": 3.5,
        "retry_storm": 2.0,
        "service_fault": 9.0,  # a change is a suspect of its own
        "third_party_timeout": 3.5,
        "traffic_surge": 3.5,
    },
)
