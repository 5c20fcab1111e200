"""Checks an exported trail: python -I verify.py [KEY]. Needs Python 3.11 and nothing else.

KEY is the public key, in hex, as the operators of the service told you by another way; without it the check
says only that the files agree with each other.
"""

import json
import sys
from pathlib import Path
from typing import Any

from steadyhand.journey.audit.proof import find_gap, find_problem, forgery, is_key, person_token


def check(folder: Path, key: str) -> str:
    """What is wrong with the export in this folder; empty when it holds."""
    rows, points, joints = (_lines(folder / f"{name}.jsonl") for name in ("trail", "checkpoints", "joints"))
    people = _lines(folder / "people.jsonl")
    forged = next((why for one in points if (why := forgery(one, key))), "")
    strange = [one["name"] for one in people if person_token(one["salt"], one["name"]) != one["token"]]
    if forged or strange:
        return forged or f"{strange[0]} is not whom the rows mean"
    if joints:
        return find_gap(rows, joints[-1], points[-1])
    return find_problem(rows, points)


def _lines(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return [json.loads(one) for one in text.split("\n") if one]


def main() -> int:
    """Print the verdict; 0 when the export holds, 2 when it was not checked."""
    key = sys.argv[1] if len(sys.argv) > 1 else ""
    if key and not is_key(key):
        sys.stdout.write(f"{key} is no public key: that is 64 hexadecimal digits. Nothing was checked.\n")
        return 2
    folder = Path(__file__).parent
    problem = check(folder, key)
    signer = "by your key" if key else "by the key in the checkpoint, which you have not confirmed"
    sys.stdout.write(f"TAMPERED: {problem}\n" if problem else f"The export holds, signed {signer}.\n")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
