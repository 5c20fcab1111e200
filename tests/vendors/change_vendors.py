"""GitHub, GitLab, Argo CD and LaunchDarkly as change sources see them, in our words from their references.

Each keeps its vendor's rules for reading: how one signs in, which parameters belong together, how long a page
may be, and how the next one is found. Nothing was run against a real one; what is asked of GitHub and GitLab
is judged by clients of theirs in test_vendor_descriptions.py.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from servers import Reply, Request
from vendors.base import Broken, Vendor, answer_json

Row = dict[str, Any]
TOKEN = "vendor-token-1234567890"


def _page(request: Request, rows: Sequence[Row], most: int, url: str) -> Reply:
    """One page, and the address of the next in a Link header, as RFC 8288 writes it."""
    size, page = int(request.query.get("per_page", "30")), int(request.query.get("page", "1"))
    if not 1 <= size <= most:
        raise Broken(f"per_page is at most {most}", answer_json({"message": "Validation Failed"}, 422))
    kept = {**request.query, "page": str(page + 1)}
    query = "&".join(f"{name}={value.replace('+', '%2B')}" for name, value in kept.items())
    more = page * size < len(rows)
    head = {"link": f'<{url}{request.path}?{query}>; rel="next", <{url}{request.path}>; rel="first"'}
    return answer_json(list(rows[(page - 1) * size : page * size]), 200, **(head if more else {}))


@dataclass
class GitHubReading(Vendor):
    """api.github.com, 2022-11-28."""

    deployments: list[Row] = field(default_factory=list)
    statuses: dict[str, list[Row]] = field(default_factory=dict)
    releases: list[Row] = field(default_factory=list)
    commits: list[Row] = field(default_factory=list)
    diffs: dict[str, str] = field(default_factory=dict)
    token: str = TOKEN

    def answer(self, request: Request) -> Reply:
        if not request.headers.get("user-agent") or not request.headers.get("x-github-api-version"):
            raise Broken("no user agent or version", answer_json({"message": "forbidden"}, 403))
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return answer_json({"message": "Bad credentials"}, 401)
        _, owner, name, *rest = request.path.strip("/").split("/")
        if f"{owner}/{name}" != "acme/shop":
            return answer_json({"message": "Not Found"}, 404)
        if rest[0] in {"compare", "commits"} and len(rest) > 1:
            return self._diff(request, rest[1])
        return _page(request, self._list(request.query, rest), 100, self.url)

    def _list(self, asked: Mapping[str, str], rest: Sequence[str]) -> Sequence[Row]:
        match rest:
            case ["deployments"]:
                return [one for one in self.deployments if one["environment"] == asked["environment"]]
            case ["deployments", wanted, "statuses"]:
                return self.statuses.get(wanted, [])
            case ["releases"]:
                return self.releases
            case ["commits"]:
                span = asked["since"], asked["until"]
                return [
                    one for one in self.commits if span[0] <= one["commit"]["committer"]["date"] <= span[1]
                ]
        raise Broken("no such door", answer_json({"message": "Not Found"}, 404))

    def _diff(self, request: Request, what: str) -> Reply:
        if request.headers.get("accept") == "application/vnd.github+json":
            names = re.findall(r"^\+\+\+ b/(.+)$", self.diffs.get(what, ""), re.MULTILINE)
            files = [{"filename": one} for one in names]
            return answer_json({"files": files} if files else {"message": "Not Found"}, 200 if files else 404)
        if request.headers.get("accept") != "application/vnd.github.diff":
            raise Broken("a diff was wanted", answer_json({"message": "JSON"}, 415))
        found = self.diffs.get(what)
        return Reply(200, found.encode()) if found else answer_json({"message": "Not Found"}, 404)


@dataclass
class GitLabReading(Vendor):
    """gitlab.com/api/v4."""

    deployments: list[Row] = field(default_factory=list)
    commits: list[Row] = field(default_factory=list)
    diffs: dict[str, list[Row]] = field(default_factory=dict)
    token: str = TOKEN

    def answer(self, request: Request) -> Reply:
        if request.headers.get("private-token") != self.token:
            return answer_json({"message": "401 Unauthorized"}, 401)
        found = re.fullmatch(r"/api/v4/projects/([^/]+)/(.+)", request.path)
        if found is None or unquote(found[1]) != "acme/platform/shop":
            return answer_json({"message": "404 Project Not Found"}, 404)
        asked = request.query
        match found[2].split("/"):
            case ["deployments"]:
                if ("updated_after" in asked or "updated_before" in asked) and asked.get(
                    "order_by"
                ) != "updated_at":
                    no = answer_json(
                        {"message": "400 Bad request - `updated_at` filter requires `updated_at` sort"}, 400
                    )
                    raise Broken("updated_* needs order_by=updated_at", no)
                return _page(request, self._asked(asked), 100, self.url)
            case ["repository", "commits"]:
                mine = [
                    one for one in self.commits if asked["since"] <= one["committed_date"] <= asked["until"]
                ]
                return _page(request, mine, 100, self.url)
            case ["repository", "compare"]:
                files = self.diffs.get(f"{asked['from']}...{asked['to']}")
                no = answer_json({"message": "404 Ref Not Found"}, 404)
                return answer_json({"diffs": files, "compare_timeout": False}) if files else no
            case ["repository", "commits", sha, "diff"]:
                return _page(request, self.diffs.get(sha, []), 100, self.url)
        raise Broken("no such door", answer_json({"error": "404 Not Found"}, 404))

    def _asked(self, asked: Mapping[str, str]) -> list[Row]:
        rows = [one for one in self.deployments if one["environment"]["name"] == asked["environment"]]
        rows = [one for one in rows if asked.get("status") in {None, one["status"]}]
        after, before = asked.get("updated_after", ""), asked.get("updated_before", "~")
        rows = [one for one in rows if after <= one["updated_at"] <= before]
        return sorted(rows, key=lambda one: str(one["updated_at"]), reverse=asked.get("sort") == "desc")


@dataclass
class ArgoReading(Vendor):
    """The API server of Argo CD."""

    applications: dict[str, Row] = field(default_factory=dict)
    manifests: dict[str, list[str]] = field(default_factory=dict)
    token: str = TOKEN

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return answer_json({"error": "no session information", "code": 16}, 401)
        match request.path.removeprefix("/api/v1/applications/").split("/"):
            case [name] if name in self.applications:
                return answer_json(self.applications[name])
            case [name, "manifests"] if name in self.applications:
                found = self.manifests.get(request.query.get("revision", ""))
                no = answer_json({"error": "unable to resolve revision", "code": 3}, 400)
                return answer_json({"manifests": found, "revision": "x"}) if found else no
        return answer_json({"error": "permission denied", "code": 7}, 403)


@dataclass
class FlagLog(Vendor):
    """The audit log of app.launchdarkly.com/api/v2: newest first, at most 20 a page, times in ms."""

    entries: list[Row] = field(default_factory=list)
    deltas: dict[str, list[Row]] = field(default_factory=dict)
    token: str = TOKEN

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != self.token:
            return answer_json({"code": "unauthorized", "message": "invalid key"}, 401)
        rest = request.path.removeprefix("/api/v2/auditlog").strip("/")
        if rest:
            found = next((one for one in self.entries if one["_id"] == rest), None)
            no = answer_json({"code": "not_found", "message": "no entry"}, 404)
            return answer_json({**found, "delta": self.deltas.get(rest, [])}) if found else no
        if int(request.query.get("limit", "10")) > 20:
            raise Broken("limit is at most 20", answer_json({"message": "limit"}, 400))
        after, before = int(request.query["after"]), int(request.query["before"])
        mine = sorted(
            (one for one in self.entries if after <= one["date"] < before), key=lambda one: -one["date"]
        )
        return answer_json({"items": mine[: int(request.query["limit"])]})


Make = Callable[[], Vendor]
