"""GitHub's REST API for issues, version 2022-11-28: shapes in our words from its reference, no commit pinned.

Rules beyond the shapes: a bearer token, a user agent, the version header; a repository that the token does
not see is a 404; a closed issues tab is a 410; too fast is a 403 with Retry-After; an `@` or `#` before a
word in a body calls people or links issues.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field
from servers import Reply, Request
from vendors.base import Broken, Strict, Vendor, answer_json, read

TOKEN = "github_pat_1234567890abcdef"
REPOSITORY = "example/ops"
_CALL = re.compile(r"(?:^|[^\w`])[@#]\w")


class _Make(Strict):
    title: str = Field(min_length=1, max_length=256)
    body: str = Field(max_length=65_536)
    labels: list[str] = Field(default=[])


class _Comment(Strict):
    body: str = Field(min_length=1, max_length=65_536)


class _Change(Strict):
    state: Literal["open", "closed"]
    state_reason: Literal["completed", "not_planned", "reopened"]


@dataclass
class Issue:
    number: int
    title: str
    body: str
    labels: list[str]
    state: str = "open"
    comments: list[str] = field(default_factory=list)


@dataclass
class GitHub(Vendor):
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    issues: list[Issue] = field(default_factory=list)
    has_issues: bool = True

    def answer(self, request: Request) -> Reply:
        for name in ("user-agent", "x-github-api-version"):
            if not request.headers.get(name):
                raise Broken(f"no {name}", _no(403, "Request forbidden"))
        if request.headers.get("accept") != "application/vnd.github+json":
            raise Broken("no Accept", _no(415, "Unsupported"))
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return _no(401, "Bad credentials")
        base = f"/repos/{REPOSITORY}"
        if not request.path.startswith(base):
            return _no(404, "Not Found")
        return self._inside(request, request.path.removeprefix(base).strip("/").split("/"))

    def _inside(self, request: Request, way: list[str]) -> Reply:
        match request.method, way:
            case "GET", [""]:
                return answer_json({"full_name": REPOSITORY, "has_issues": self.has_issues})
            case "GET", ["issues"]:
                return self._list(request)
            case _ if not self.has_issues:
                return _no(410, "Issues are disabled for this repo")
            case "POST", ["issues"]:
                return self._make(request)
            case "GET" | "POST" | "PATCH", ["issues", number, *rest]:
                return self._one(request, number, rest)
            case _:
                raise Broken("no such door", _no(404, "Not Found"))

    def _list(self, request: Request) -> Reply:
        wanted = request.query.get("labels", "")
        found = [one for one in reversed(self.issues) if not wanted or wanted in one.labels]
        return _page(request, [{"number": one.number, "body": one.body, "state": one.state} for one in found])

    def _make(self, request: Request) -> Reply:
        asked = read(request, _Make, _no(422, "Validation Failed"))
        _quiet(asked.body)
        made = Issue(len(self.issues) + 1, asked.title, asked.body, asked.labels)
        self.issues.append(made)
        self.said.append(f"#{made.number} {made.title}")
        return answer_json({"number": made.number, "state": "open"}, 201)

    def _one(self, request: Request, number: str, rest: list[str]) -> Reply:
        issue = next((one for one in self.issues if str(one.number) == number), None)
        if issue is None:
            return _no(404, "Not Found")
        match request.method, rest:
            case "GET", ["comments"]:
                return _page(request, [{"body": one} for one in issue.comments])
            case "POST", ["comments"]:
                asked = read(request, _Comment, _no(422, "Validation Failed"))
                _quiet(asked.body)
                issue.comments.append(asked.body)
                self.said.append(f"#{issue.number} comment")
                return answer_json({"id": len(issue.comments)}, 201)
            case "PATCH", []:
                issue.state = read(request, _Change, _no(422, "Validation Failed")).state
                return answer_json({"number": issue.number, "state": issue.state})
            case _:
                raise Broken("no such door", _no(404, "Not Found"))


def _quiet(body: str) -> None:
    if _CALL.search(body):
        raise Broken(f"untrusted text calls people: {body}", _no(422, "Validation Failed"))


def _page(request: Request, rows: list[dict[str, Any]]) -> Reply:
    size, page = int(request.query.get("per_page", "30")), int(request.query.get("page", "1"))
    if size > 100:
        raise Broken("per_page is at most 100", _no(422, "Validation Failed"))
    return answer_json(rows[(page - 1) * size : page * size])


def _no(code: int, message: str) -> Reply:
    return answer_json({"message": message}, code)
