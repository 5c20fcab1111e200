"""Fakes of the APIs of LaunchDarkly and Unleash that enforce their rules. Neither is the real one."""

import json
from dataclasses import dataclass, field
from typing import Any

from servers import Reply, Request, reply_json

TOKEN = "flag-token"
SEMANTIC = "application/json; domain-model=launchdarkly.semanticpatch"


@dataclass
class FakeLaunchDarkly:
    """One flag `checkout` with two variations, in `production`."""

    on: bool = True
    fallthrough: dict[str, Any] = field(default_factory=lambda: {"variation": 0})
    version: int = 7
    limited: int = 0
    approvals: bool = False
    comments: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != TOKEN:  # without the word Bearer
            return reply_json({"code": "unauthorized", "message": "invalid access token"}, 401)
        if self.limited:
            self.limited -= 1
            return Reply(429, b"{}", {"retry-after": "0"})
        if request.path != "/api/v2/flags/shop/checkout":
            return reply_json({"code": "not_found", "message": "Unknown flag key"}, 404)
        if request.method == "GET":
            return reply_json(self.flag())
        return self.patch(request)

    def patch(self, request: Request) -> Reply:
        if request.headers.get("content-type") != SEMANTIC:
            return reply_json({"code": "invalid_request", "message": "not a semantic patch"}, 400)
        if self.approvals:
            return reply_json(
                {"code": "forbidden", "message": "approval is required for this environment"}, 403
            )
        body = json.loads(request.body)
        if body["environmentKey"] != "production":
            return reply_json({"code": "not_found", "message": "no such environment"}, 404)
        for one in body["instructions"]:
            why = self.apply(one)
            if why:
                return reply_json({"code": "invalid_request", "message": why}, 400)
        self.version += 1
        self.comments.append(body.get("comment", ""))
        return reply_json(self.flag())

    def apply(self, one: dict[str, Any]) -> str:
        ids = ["id-0", "id-1"]
        if one["kind"] != "updateFallthroughVariationOrRollout":
            return f"unknown instruction {one['kind']}"
        if "variationId" in one:
            self.fallthrough = {"variation": ids.index(one["variationId"])}
            return ""
        weights = one["rolloutWeights"]
        if sum(weights.values()) != 100_000 or not set(weights) <= set(ids):
            return "weights must add up to 100000"
        parts = [{"variation": ids.index(name), "weight": weight} for name, weight in weights.items()]
        self.fallthrough = {"rollout": {"contextKind": one["rolloutContextKind"], "variations": parts}}
        return ""

    def flag(self) -> dict[str, Any]:
        names = ("1.0", "1.1")
        variations = [{"_id": f"id-{i}", "name": name, "value": i == 1} for i, name in enumerate(names)]
        environment = {"on": self.on, "version": self.version, "fallthrough": self.fallthrough}
        return {"key": "checkout", "variations": variations, "environments": {"production": environment}}


@dataclass
class FakeUnleash:
    """One flag `checkout` with one gradual rollout, in `production`."""

    enabled: bool = True
    change_requests: bool = False
    strategies: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {
                "id": "s1",
                "name": "flexibleRollout",
                "title": "",
                "constraints": [{"contextName": "country", "operator": "IN", "values": ["NO"]}],
                "parameters": {"rollout": "0", "stickiness": "default", "groupId": "checkout"},
            }
        ]
    )

    def answer(self, request: Request) -> Reply:
        base = "/api/admin/projects/default/features/checkout"
        if request.headers.get("authorization") != TOKEN:
            return reply_json({"name": "AuthenticationRequired", "message": "You must log in"}, 401)
        if request.path == base and request.method == "GET":
            environment = {"name": "production", "enabled": self.enabled, "strategies": self.strategies}
            return reply_json({"name": "checkout", "environments": [environment]})
        if request.path != f"{base}/environments/production/strategies/s1" or request.method != "PUT":
            return reply_json({"name": "NotFoundError", "message": "Could not find that"}, 404)
        return self.put(request)

    def put(self, request: Request) -> Reply:
        if self.change_requests:
            return reply_json({"name": "NoAccessError", "message": "Change requests are enabled"}, 403)
        body = json.loads(request.body)
        rollout = body["parameters"]["rollout"]
        if set(body) - {
            "name",
            "title",
            "constraints",
            "parameters",
            "segments",
            "variants",
            "sortOrder",
            "disabled",
        }:
            return reply_json({"name": "BadDataError", "message": "must NOT have additional properties"}, 400)
        if not (isinstance(rollout, str) and rollout.isdigit() and 0 <= int(rollout) <= 100):
            return reply_json({"name": "BadDataError", "message": "rollout must be 0 to 100"}, 400)
        self.strategies[0] = {"id": "s1", **body}
        return reply_json(self.strategies[0])
