"""The plugin's Markdown as the client reads it: front matter and body."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from plugin.running import ROOT

SKILLS = sorted((ROOT / "skills").glob("*/SKILL.md"))
AGENTS = sorted((ROOT / "agents").glob("*.md"))
REFERENCES = sorted((ROOT / "skills").glob("*/references/*.md"))


@dataclass(frozen=True)
class Document:
    """One Markdown file with a front matter."""

    path: Path
    head: dict[str, Any]
    body: str

    @property
    def tools(self) -> list[str]:
        """The full tool names its front matter lists."""
        listed = self.head.get("allowed-tools") or self.head.get("tools") or ""
        return [one.strip() for one in listed.split(",") if one.strip()]

    @property
    def links(self) -> list[Path]:
        """The files its body links to."""
        return [self.path.parent / one for one in re.findall(r"\]\(([^)#]+)\)", self.body)]


def read(path: Path) -> Document:
    _, head, body = path.read_text().split("---\n", 2)
    return Document(path, yaml.safe_load(head), body)


def code_words(text: str) -> set[str]:
    """What stands in backticks and is one word."""
    return set(re.findall(r"`([A-Za-z][\w.-]*)(?:\([^`]*\))?`", text))
