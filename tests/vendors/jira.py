"""Jira Cloud's REST API v3 for issues: shapes in our words from Atlassian's reference, no commit pinned.

Rules beyond the shapes: basic authentication with an API token; a label holds no spaces; a summary has at
most 255 characters and is one line; text nodes are not empty; the search index shows a new issue only later.
"""

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints
from servers import Reply, Request
from vendors.base import Broken, Strict, Vendor, answer_json, read

USER, TOKEN = "ops@example.org", "ATATT3xFfGF0abcdef"
_BASIC = "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
_JQL = re.compile(r'labels = "([^" ]+)"')


class _Text(Strict):
    type: Literal["text"]
    text: str = Field(min_length=1)


class _Paragraph(Strict):
    type: Literal["paragraph"]
    content: list[_Text]


class _Document(Strict):
    type: Literal["doc"]
    version: Literal[1]
    content: list[_Paragraph]


class _Key(Strict):
    key: str


class _Name(Strict):
    name: str


class _Fields(Strict):
    project: _Key
    issuetype: _Name
    summary: str = Field(min_length=1, max_length=255, pattern=r"^[^\n]+$")
    labels: list[Annotated[str, StringConstraints(pattern=r"^\S{1,255}$")]]
    description: _Document


class _Make(Strict):
    fields: _Fields


class _Comment(Strict):
    body: _Document


class _Id(Strict):
    id: str


class _Move(Strict):
    transition: _Id


@dataclass
class Issue:
    key: str
    summary: str
    text: str
    labels: list[str]
    status: str = "To Do"
    comments: list[Any] = field(default_factory=list)


@dataclass
class Jira(Vendor):
    issues: list[Issue] = field(default_factory=list)
    blind_looks: int = 0
    required: list[dict[str, Any]] = field(default_factory=list)
    logins: set[str] = field(default_factory=lambda: {_BASIC})

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") not in self.logins:
            return _no(401, "Client must be authenticated to access this resource.")
        way = request.path.removeprefix("/rest/api/3/").split("/")
        match request.method, way:
            case "POST", ["issue"]:
                return self._make(request)
            case "GET", ["search", "jql"]:
                return self._search(request)
            case "GET", ["issue", "createmeta", "OPS", "issuetypes"]:
                return answer_json({"issueTypes": [{"id": "10001", "name": "Task"}]})
            case "GET", ["issue", "createmeta", "OPS", "issuetypes", "10001"]:
                return answer_json({"fields": self.required})
            case _, ["issue", key, *rest]:
                return self._one(request, key, rest)
            case _:
                raise Broken("no such door", _no(404, "Not found"))

    def _make(self, request: Request) -> Reply:
        asked = read(request, _Make, _no(400, "The request is not valid")).fields
        if asked.project.key != "OPS":
            return answer_json({"errorMessages": [], "errors": {"project": "valid project is required"}}, 400)
        text = "\n".join(one.text for part in asked.description.content for one in part.content)
        made = Issue(f"OPS-{len(self.issues) + 1}", asked.summary, text, asked.labels)
        self.issues.append(made)
        self.said.append(f"{made.key} {made.summary}")
        return answer_json({"id": "1", "key": made.key, "self": "https://x"}, 201)

    def _search(self, request: Request) -> Reply:
        asked = _JQL.fullmatch(request.query["jql"])
        if asked is None:
            raise Broken("not the query we know", _no(400, "bad JQL"))
        found = [{"id": "1", "key": one.key} for one in self.issues if asked[1] in one.labels]
        if self.blind_looks:
            self.blind_looks -= 1
            found = []
        return answer_json({"issues": found, "isLast": True})

    def _one(self, request: Request, key: str, rest: list[str]) -> Reply:
        issue = next((one for one in self.issues if one.key == key), None)
        if issue is None:
            return _no(404, "Issue does not exist or you do not have permission to see it.")
        match request.method, rest:
            case "GET", ["comment"]:
                return answer_json({"comments": issue.comments, "total": len(issue.comments)})
            case "POST", ["comment"]:
                read(request, _Comment, _no(400, "bad comment"))
                issue.comments.append(json.loads(request.body))
                self.said.append(f"{issue.key} comment")
                return answer_json({"id": str(len(issue.comments))}, 201)
            case "GET", ["transitions"]:
                return answer_json(
                    {"transitions": [_transition("11", "indeterminate"), _transition("31", "done")]}
                )
            case "POST", ["transitions"]:
                asked = read(request, _Move, _no(400, "bad transition"))
                issue.status = "Done" if asked.transition.id == "31" else "In Progress"
                return Reply(204)
            case _:
                raise Broken("no such door", _no(404, "Not found"))


def _transition(number: str, category: str) -> dict[str, Any]:
    return {"id": number, "name": category, "to": {"name": category, "statusCategory": {"key": category}}}


def _no(code: int, message: str) -> Reply:
    return answer_json({"errorMessages": [message], "errors": {}}, code)
