"""`steadyhand channels`, `told`, `explain` and `update`: what gets through, why, and own words."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx2
from pydantic import SecretStr

from steadyhand.adapters.channels.registry import build_all
from steadyhand.adapters.channels.terminal import plain
from steadyhand.adapters.machine import SystemClock, secret
from steadyhand.commands.answers import Door
from steadyhand.config import IncidentConfig, load
from steadyhand.journey.report.why import Why, lines
from steadyhand.ports import Channel, ConfigError, Letter


def check(config: Path) -> int:
    """Say of each channel whether it is ready now; 1 when one is not. Nobody is disturbed."""
    problems = asyncio.run(_check(load(config)))
    for name, found in problems.items():
        sys.stdout.write(f"{name}: {'ready' if not found else 'NOT READY'}\n")
        for one in found:
            sys.stdout.write(f"  PROBLEM: {plain(one)}\n")
    return 1 if any(problems.values()) else 0


def try_out(config: Path, name: str, target: str) -> int:
    """Send one message by hand, and its end where the channel carries one. Raises SteadyhandError."""
    for line in asyncio.run(_try_out(load(config), name, target)):
        sys.stdout.write(f"{plain(line)}\n")
    sys.stdout.write("Now look whether it is there: sent means accepted, and nothing more.\n")
    return 0


async def _check(config: IncidentConfig) -> Mapping[str, tuple[str, ...]]:
    async with httpx2.AsyncClient(trust_env=False) as http:
        channels = _channels(config, http)
        names = [one.called for one in config.connections.channels]
        found = await asyncio.gather(*(channels[one].ready() for one in names))
        return {name: tuple(problems) for name, problems in zip(names, found, strict=True)}


async def _try_out(config: IncidentConfig, name: str, target: str) -> list[str]:
    async with httpx2.AsyncClient(trust_env=False) as http:
        channel = _channels(config, http).get(name)
        if channel is None:
            raise ConfigError(f"connections.channels has no {name!r}")
        stamp = f"test-{SystemClock().now():%Y%m%d-%H%M%S}"
        page = Letter(
            key=f"{stamp}:page",
            target=target,
            subject="SEV4 Steadyhand: a test by hand",
            body="Nothing is wrong. Somebody tries whether this channel works.",
            severity="SEV4",
            thread=stamp,
        )
        receipt = await channel.send(page)
        lines = [f"page: accepted, {receipt}"]
        if "resolved" in channel.carries:
            over = {"key": f"{stamp}:over", "act": "resolved", "first": receipt, "body": "The test is over."}
            lines.append(f"resolved: accepted, {await channel.send(page.model_copy(update=over))}")
        return lines


def _channels(config: IncidentConfig, http: httpx2.AsyncClient) -> Mapping[str, Channel]:
    return build_all(config.connections.channels, http, SystemClock(), _needed)


def _needed(name: str) -> SecretStr:
    found = secret(name)
    if found is None:
        raise ConfigError("a channel needs the name of an environment variable that holds its secret")
    return found


def told(incident: str, name: str) -> int:
    """List what became of each message of an incident."""
    for one in Door(name).get(f"/api/incidents/{incident}")["receipts"]:
        error = f" ({one['error']})" if one["error"] else ""
        line = (
            f"{one['state']:<10} {one['act']:<12} {one['channel']} {one['target']}: {one['subject']}{error}"
        )
        sys.stdout.write(f"{plain(line)}\n")
    return 0


def explain(incident: str, name: str) -> int:
    """Say of each message why it was written, for whom and why, and what comes next if nobody answers."""
    found = Why.model_validate(Door(name).get(f"/api/incidents/{incident}/why"))
    for line in lines(found):
        indent = "  " if line.startswith(" ") else ""
        sys.stdout.write(f"{indent}{plain(line)}\n")
    return 0


def update(incident: str, name: str, words: str) -> int:
    """Tell stakeholders how things stand, in your own words. Shows first what would be sent without you."""
    door = Door(name)
    sys.stdout.write(
        f"What goes out by itself next:\n\n{door.get(f'/api/incidents/{incident}/update')['draft']}\n\n"
    )
    text = words or input("Your words in place of its status (empty: leave it): ").strip()
    if not text:
        sys.stdout.write("Nothing was sent.\n")
        return 1
    sent = door.post(f"/api/incidents/{incident}/update", {"text": text})
    sys.stdout.write(f"sent to {sent['told']} contacts\n")
    return 0
