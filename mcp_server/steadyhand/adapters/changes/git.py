"""Commits, or tags, of a repository on this machine, read with git itself. Nothing of it is ever run.

Hooks, filters, external diffs and pagers are what a repository may bring along: all are switched off.
"""

import asyncio
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from steadyhand.adapters.changes.places import ChangeRule, cut, first_line, instant, short, stable_id, within
from steadyhand.journey.evidence.model import Change, Window
from steadyhand.journey.rule import Rule
from steadyhand.ports import SourceRefused, SourceUnavailable

_FIELDS = "%H%x00%P%x00%cI%x00%an%x00%s"
_TAG = "%(refname:short)%00%(creatordate:iso-strict)%00%(taggername)%00%(subject)"
_SAFE = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "diff.external=")
_MOST = 200
_LONGEST = 1024 * 1024


class Checkout(Rule):
    """A repository, or a part of one, and what of it is deployed."""

    path: Path = Field(description="The repository, bare or checked out.")
    branch: str = Field(default="HEAD", pattern=r"^[A-Za-z0-9][\w./-]*$", description="What is deployed.")
    below: str = Field(default="", description="Only commits that touch this folder or file.")
    tags: str = Field(
        default="",
        pattern=r"^[\w.*/-]*$",
        description="A pattern: then tags are the changes, e.g. release-*.",
    )
    change: Literal["code", "config", "flag", "migration", "schedule"] = Field(
        default="code", description="What a commit to it is."
    )

    @field_validator("below")
    @classmethod
    def _inside(cls, below: str) -> str:
        if below.startswith(("/", "-", ":")) or ".." in below.split("/"):
            raise ValueError("must lie inside the repository")
        return below


class GitSettings(ChangeRule):
    """Which repository on this machine belongs to which service."""

    kind: Literal["git"]
    name: str = Field(default="git", pattern=r"^[a-z0-9][a-z0-9._-]*$")
    services: dict[str, Checkout] = Field(min_length=1, description="Service -> its repository.")


class GitChanges:
    """A ChangeSource over `git log` and `git diff`. Times are those of the commit, not of its arrival."""

    def __init__(self, settings: GitSettings) -> None:
        self.name = settings.name
        self._settings = settings

    async def changes(self, services: Sequence[str], window: Window) -> Sequence[Change]:
        """Commits or tags made in the window. Raises SourceError."""
        found: list[Change] = []
        for service, place in self._settings.services.items():
            if service in services:
                found += await (self._tags if place.tags else self._commits)(service, place, window)
        return within(found, window)

    async def diff(self, change: Change) -> str:
        """What the commit did against its first parent, or the tag to the one before. Raises SourceError."""
        place = self._settings.services.get(change.service)
        if place is None or not change.handle:
            return ""
        base, _, head = change.handle.partition("...")
        plain = ("--no-ext-diff", "--no-textconv", "--no-color", "--stat", "--patch", "--unified=2")
        below = ("--", place.below) if place.below else ("--",)
        if head:
            return cut(await self._git(place, "diff", *plain, base, head, *below))
        shown = await self._git(place, "show", *plain, "--format=", "--first-parent", base, *below)
        return cut(shown.strip("\n"))

    async def _commits(self, service: str, place: Checkout, window: Window) -> Sequence[Change]:
        # git cuts at whole seconds, and a walk ends at the first older commit: ask for more, cut after.
        asked = (
            f"--since={(window.start - timedelta(hours=1)).isoformat()}",
            f"--until={window.end.isoformat()}",
            f"--max-count={_MOST}",
            "--first-parent",
            f"--format={_FIELDS}",
        )
        below = ("--", place.below) if place.below else ("--",)
        rows = (await self._git(place, "log", *asked, place.branch, *below)).splitlines()
        changes = []
        for row in rows:
            sha, parents, at, author, subject = row.split("\0", 4)
            began = instant(at)
            if began is not None:
                changes.append(
                    Change(
                        id=stable_id(self.name, service, sha),
                        service=service,
                        kind=place.change,
                        version=short(sha),
                        previous=short(parents.split(" ")[0]),
                        author=author[:200],
                        summary=first_line(subject),
                        source=self.name,
                        handle=sha,
                        started_at=began,
                    )
                )
        return changes

    async def _tags(self, service: str, place: Checkout, window: Window) -> Sequence[Change]:
        asked = ("--sort=-creatordate", f"--count={_MOST}", f"--format={_TAG}", f"refs/tags/{place.tags}")
        rows = [one.split("\0", 3) for one in (await self._git(place, "for-each-ref", *asked)).splitlines()]
        older = [*(row[0] for row in rows[1:]), ""]
        return [
            Change(
                id=stable_id(self.name, service, "tag", tag, at),
                service=service,
                kind=place.change,
                version=short(tag),
                previous=short(before),
                author=author[:200],
                summary=first_line(subject) or f"tag {tag}",
                source=self.name,
                handle=f"{before}...{tag}" if before else tag,
                started_at=began,
            )
            for (tag, at, author, subject), before in zip(rows, older, strict=False)
            if (began := instant(at)) is not None and began < window.end
        ]

    async def _git(self, place: Checkout, *arguments: str) -> str:
        """What git says. Raises SourceRefused, SourceUnavailable."""
        command = ("git", *_SAFE, "-c", f"safe.directory={place.path}", "-C", str(place.path), *arguments)
        try:
            child = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={"PATH": os.defpath, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0",
                     "GIT_PAGER": "cat", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull},
            )  # fmt: skip
        except OSError as error:
            raise SourceRefused(self.name, f"git cannot be started: {error.strerror}") from error
        try:
            async with asyncio.timeout(self._settings.timeout.total_seconds()):
                out, err = await child.communicate()
        except TimeoutError as error:
            limit = self._settings.timeout.total_seconds()
            raise SourceUnavailable(self.name, f"no answer within {limit:g} s") from error
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        if child.returncode:
            why = " ".join(err.decode(errors="replace").split())[:200]
            raise SourceRefused(self.name, f"git {arguments[0]}: {why}")
        return out[:_LONGEST].decode(errors="replace")
