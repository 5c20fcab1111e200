"""Playbooks as Markdown files with front matter in one folder."""

from pathlib import Path

import yaml
from pydantic import Field

from steadyhand.journey.diagnosis.playbook import Playbook, read, split
from steadyhand.journey.rule import Rule
from steadyhand.ports import ConfigError


class PlaybookSettings(Rule):
    """A team's own playbooks: added to those that ship, or in place of the one with the same id."""

    folder: str = Field(default="", description="Folder of *.md files; empty: only those that ship.")


def load_folder(folder: Path) -> tuple[Playbook, ...]:
    """Every playbook of a folder, by file name. Raises ConfigError that names file and key."""
    if not folder.is_dir():
        raise ConfigError(f"playbooks.folder: {folder} is no folder; make it, or leave the key empty")
    return tuple(_load(path) for path in sorted(folder.glob("*.md")))


def _load(path: Path) -> Playbook:
    try:
        front, prose = split(path.read_text(encoding="utf-8"))
        found = read(yaml.safe_load(front), prose, str(path))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: the front matter is not YAML: {error}") from error
    except ValueError as error:
        named = str(error) if str(error).startswith(str(path)) else f"{path}: {error}"
        raise ConfigError(named) from error
    if found.id != path.stem:
        raise ConfigError(f"{path}: id: is {found.id!r}; name it after its file, {path.stem!r}")
    return found
