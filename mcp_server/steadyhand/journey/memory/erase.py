"""A person's name out of what is remembered; who they were taught nothing."""

import re

from steadyhand.journey.memory.case import Case, RejectedFix

ERASED = "(erased)"


def without(name: str, case: Case) -> Case:
    """The case with the name exchanged wherever people wrote it, in whatever case, as a whole word."""
    word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)

    def clean(text: str) -> str:
        return word.sub(ERASED, text)

    seen = case.signature
    return case.model_copy(
        update={
            "title": clean(case.title),
            "cause": clean(case.cause),
            "fix": clean(case.fix),
            "rejected": tuple(_cleaned(one, clean(one.title), clean(one.reason)) for one in case.rejected),
            "signature": seen.model_copy(update={"templates": tuple(clean(one) for one in seen.templates)}),
        }
    )


def _cleaned(one: RejectedFix, title: str, reason: str) -> RejectedFix:
    return one.model_copy(update={"title": title, "reason": reason})
