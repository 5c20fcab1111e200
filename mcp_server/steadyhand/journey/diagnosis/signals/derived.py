"""Traits that are known only after the page was read: of the change found, and of the order."""

from steadyhand.journey.diagnosis.signals.signal import Trait

JUST_BEFORE = Trait("change_just_before", "a change that can bring it began just before", "change")
RAN_WELL = Trait("ran_well_first", "the change was in place and all was well until later", "change")
TOUCHES = Trait("change_touches", "the text of the change names what broke", "change")
AFTER_EFFECT = Trait("cause_after_effect", "an effect was there before it", "metric")

TRAITS = (JUST_BEFORE, RAN_WELL, TOUCHES, AFTER_EFFECT)
