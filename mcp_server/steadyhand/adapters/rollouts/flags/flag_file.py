"""A feature flag in a flagd file: its variants are the versions, a fractional rule is the share.

flagd watches the file, so replacing it at once is the whole effect; OpenFeature clients of any language see
it. A user falls into an arm by a hash of the targeting key, and at share 0 the rule is gone: nobody sticks.
A file has no lease: the watchdog brings it home.
"""

import asyncio
import hashlib
import json
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from steadyhand.adapters.rollouts.promql import PromqlCounters
from steadyhand.adapters.rollouts.switch import Serving
from steadyhand.journey.rule import Rule
from steadyhand.ports import ForeignChange, SourceRefused, SourceUnavailable

_BUCKET = {"cat": [{"var": "$flagd.flagKey"}, {"var": "targetingKey"}]}


class FlagFileSettings(Rule):
    """One flag of one file. Its variants are called as versions are."""

    kind: Literal["flag_file"]
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", description="The service whose traffic this is.")
    file: str = Field(pattern=r"^/\S+$", description="The flag definitions that flagd reads.")
    flag: str = Field(description="The flag; without targeting of its own.")
    counters: PromqlCounters = Field(description="A flag counts no requests.")


class FlagFile:
    """A Switch over one flag of a file."""

    def __init__(self, settings: FlagFileSettings) -> None:
        self.name = settings.name
        self._file = Path(settings.file)
        self._flag = settings.flag

    async def serving(self) -> Serving:
        """The default variant, and our fractional rule. Raises SourceRefused for any other rule."""
        raw = await self._read()
        flag = self._of(raw)
        stable = str(flag.get("defaultVariant", ""))
        rule = flag.get("targeting") or {}
        token = _token(raw)
        if not rule:
            return Serving(stable=stable, token=token)
        match rule:
            case {
                "fractional": [
                    dict() as by,
                    [str() as canary, int() as some],
                    [str() as rest, int() as others],
                ]
            }:
                if by == _BUCKET and rest == stable and some + others > 0 and len(rule) == 1:
                    return Serving(stable=stable, canary=canary, share=some / (some + others), token=token)
        raise SourceRefused(self.name, f"the flag {self._flag} has targeting of its own: it is left alone")

    async def serve(self, wanted: Serving, seen: Serving) -> None:
        """Replace the file, if it is still the one that was seen."""
        percent = round(wanted.share * 100)
        if abs(percent - wanted.share * 100) > 1e-6:  # noqa: PLR2004 - flagd's weights are whole
            raise SourceRefused(self.name, f"a flag's share is in whole percent, not {wanted.share:.2%}")
        raw = await self._read()
        if _token(raw) != seen.token:
            raise ForeignChange(self.name, f"somebody else changed {self._file} in between")
        document = json.loads(raw)
        flag = document["flags"][self._flag]
        flag["defaultVariant"] = wanted.stable
        flag["targeting"] = {}
        if wanted.canary:
            split = [[wanted.canary, percent], [wanted.stable, 100 - percent]]
            flag["targeting"] = {"fractional": [_BUCKET, *split]}
        await asyncio.to_thread(self._replace, json.dumps(document, indent=2) + "\n")

    async def check(self, version: str) -> None:
        """Whether the flag is enabled and has such a variant."""
        flag = self._of(await self._read())
        if flag.get("state") != "ENABLED":
            raise SourceRefused(self.name, f"the flag {self._flag} is not enabled")
        if version not in flag.get("variants", {}):
            known = ", ".join(sorted(flag.get("variants", {})))
            raise SourceRefused(
                self.name, f"the flag {self._flag} has no variant {version!r}; known are: {known}"
            )

    def by_hand(self) -> str:
        """Take the rule out of the file."""
        return f"""jq '.flags["{self._flag}"].targeting = {{}}' {self._file} > new && mv new {self._file}"""

    async def _read(self) -> bytes:
        try:
            return await asyncio.to_thread(self._file.read_bytes)
        except OSError as error:
            raise SourceUnavailable(self.name, f"{self._file}: {error.strerror}") from error

    def _of(self, raw: bytes) -> dict[str, Any]:
        try:
            flag = json.loads(raw)["flags"][self._flag]
        except (ValueError, KeyError, TypeError) as error:
            raise SourceRefused(self.name, f"{self._file} holds no flag {self._flag}") from error
        found: dict[str, Any] = flag
        return found

    def _replace(self, text: str) -> None:
        fresh = self._file.with_name(f".{self._file.name}.new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.chmod(self._file.stat().st_mode & 0o777)
        fresh.replace(self._file)


def _token(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
