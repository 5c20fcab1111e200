"""Traits that are known only after the page was read: of the change found, and of the order."""

from steadyhand.journey.diagnosis.signals.signal import Trait

JUST_BEFORE = Trait("change_just_before", "a change that can bring it began just before", "change")
TOUCHES = Trait("change_touches", "the text of the change names what broke", "change")
AFTER_EFFECT = Trait("cause_after_effect", "an effect was there before it", "metric")

TRAITS = (JUST_BEFORE, TOUCHES, AFTER_EFFECT)
