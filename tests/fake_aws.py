"""A fake of the few AWS calls the drivers make: signatures, throttling, compare-and-set. It is not AWS.

Signatures are checked with botocore's own arithmetic. Unlike moto it refuses a stale RevisionId.
"""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from servers import Reply, Request, reply_json

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
RULE = "arn:aws:elasticloadbalancing:eu-west-1:1:listener-rule/app/shop/1/2/3"
STABLE = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/stable/1"
CANARY = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/canary/1"
NAMESPACE = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"


@dataclass
class FakeAws:
    url: str = ""
    weights: dict[str, int] = field(default_factory=lambda: {STABLE: 1})
    actions: int = 1
    short: bool = False
    throttle: int = 0
    alias: dict[str, Any] = field(
        default_factory=lambda: {"FunctionVersion": "1", "RoutingConfig": {}, "RevisionId": "r1"}
    )
    schedules: dict[str, dict[str, Any]] = field(default_factory=dict)
    definitions: list[dict[str, Any]] = field(default_factory=list)
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    lambda_state: str = "Active"

    def __post_init__(self) -> None:
        for name, count in (("stable", 3), ("canary", 0)):
            arn = self.register(
                {"family": "shop", "containerDefinitions": [{"name": "app", "image": "r.test/shop:1.0"}]}
            )
            self.services[name] = {"serviceName": name, "status": "ACTIVE", "desiredCount": count}
            self.services[name] |= {"taskDefinition": arn, "runningCount": count}

    def answer(self, request: Request) -> Reply:
        service = self.signed_for(request)
        if not service:
            return reply_json(
                {"__type": "InvalidSignatureException", "message": "the signature does not match"}, 403
            )
        if self.throttle:
            self.throttle -= 1
            return (
                _query_error("Throttling", "Rate exceeded") if service.startswith("elastic") else Reply(429)
            )
        return {
            "elasticloadbalancing": self.balancer,
            "lambda": self.function,
            "scheduler": self.scheduler,
            "ecs": self.containers,
        }[service](request)

    def signed_for(self, request: Request) -> str:
        """The service it was signed for; nothing where the signature is wrong."""
        fields = request.headers.get("authorization", "").removeprefix("AWS4-HMAC-SHA256 ").split(", ")
        given = dict(one.split("=", 1) for one in fields if "=" in one)
        key, _, region, service, _ = given.get("Credential", "////").split("/")
        names = given.get("SignedHeaders", "").split(";")
        query = "&".join(f"{key}={value}" for key, value in request.query.items())
        again = AWSRequest(
            method=request.method,
            url=f"{self.url}{request.path}{'?' if query else ''}{query}",
            data=request.body,
            headers={name: request.headers[name] for name in names if name != "host"},
        )
        again.context["timestamp"] = request.headers.get("x-amz-date", "")
        signer = SigV4Auth(Credentials(KEY, SECRET), service, region)
        text = signer.string_to_sign(again, signer.canonical_request(again))
        right = key == KEY and signer.signature(text, again) == given.get("Signature")
        return service if right else ""

    def balancer(self, request: Request) -> Reply:
        asked = dict(parse_qsl(request.body.decode()))
        self.calls.append(asked["Action"])
        if asked["Action"] == "ModifyRule":
            prefix = "Actions.member.1.ForwardConfig.TargetGroups.member"
            groups = {
                asked[f"{prefix}.{i}.TargetGroupArn"]: int(asked[f"{prefix}.{i}.Weight"])
                for i in (1, 2)
                if f"{prefix}.{i}.TargetGroupArn" in asked
            }
            if asked["RuleArn"] != RULE or not all(0 <= one <= 999 for one in groups.values()):
                return _query_error("ValidationError", "weights must be between 0 and 999")
            self.weights = groups
        return Reply(200, self.rule(asked["Action"]).encode(), {"content-type": "text/xml"})

    def rule(self, action: str) -> str:
        groups = "".join(
            f"<member><TargetGroupArn>{arn}</TargetGroupArn><Weight>{weight}</Weight></member>"
            for arn, weight in self.weights.items()
        )
        sticky = "<TargetGroupStickinessConfig><Enabled>false</Enabled></TargetGroupStickinessConfig>"
        forward = f"<ForwardConfig><TargetGroups>{groups}</TargetGroups>{sticky}</ForwardConfig>"
        if self.short:
            forward = f"<TargetGroupArn>{STABLE}</TargetGroupArn>"
        member = f"<member><Type>forward</Type>{forward}</member>" * self.actions
        rules = f"<Rules><member><RuleArn>{RULE}</RuleArn><Actions>{member}</Actions></member></Rules>"
        result = f"<{action}Result>{rules}</{action}Result>"
        return f'<{action}Response xmlns="{NAMESPACE}">{result}</{action}Response>'

    def function(self, request: Request) -> Reply:
        path = request.path.removeprefix("/2015-03-31/functions/shop")
        if path == "/versions":
            return self.versions(request)
        if path == "/configuration":
            return reply_json({"State": self.lambda_state, "StateReason": "an image is missing"})
        if path != "/aliases/live":
            return reply_json({"Type": "User", "Message": "Function not found"}, 404)
        if request.method == "PUT":
            change = json.loads(request.body)
            if change.pop("RevisionId", self.alias["RevisionId"]) != self.alias["RevisionId"]:
                return reply_json({"Type": "User", "code": "PreconditionFailedException"}, 412)
            weights = change["RoutingConfig"]["AdditionalVersionWeights"]
            if change["FunctionVersion"] in weights:
                return reply_json(
                    {"Type": "User", "Message": "the primary version may not have a weight"}, 400
                )
            self.alias = {**change, "RevisionId": f"r{int(self.alias['RevisionId'][1:]) + 1}"}
        return reply_json(self.alias)

    def versions(self, request: Request) -> Reply:
        every = [("$LATEST", ""), ("1", "1.0"), ("2", "1.1")]
        start = int(request.query.get("Marker", 0))
        page = [{"Version": number, "Description": told} for number, told in every[start : start + 2]]
        return reply_json({"Versions": page, "NextMarker": "2" if start + 2 < len(every) else None})

    def scheduler(self, request: Request) -> Reply:
        name = unquote(request.path).removeprefix("/schedules/")
        self.calls.append(f"{request.method} schedule")
        if request.method in {"PUT", "DELETE"} and name not in self.schedules:
            return reply_json(
                {"__type": "ResourceNotFoundException", "Message": f"Schedule {name} does not exist."}, 404
            )
        if request.method == "DELETE":
            del self.schedules[name]
            return reply_json({})
        body = json.loads(request.body)
        assert body["ScheduleExpression"].startswith("at(")
        self.schedules[name] = body
        return reply_json({"ScheduleArn": name})

    def containers(self, request: Request) -> Reply:
        action, asked = request.headers["x-amz-target"].partition(".")[2], json.loads(request.body)
        self.calls.append(action)
        if action == "DescribeTaskDefinition":
            found = next(
                one for one in self.definitions if one["taskDefinitionArn"] == asked["taskDefinition"]
            )
            return reply_json({"taskDefinition": found})
        if action == "RegisterTaskDefinition":
            return reply_json({"taskDefinition": {"taskDefinitionArn": self.register(asked)}})
        if action == "UpdateService":
            one = self.services[asked["service"]]
            one |= {"taskDefinition": asked["taskDefinition"], "desiredCount": asked["desiredCount"]}
            return reply_json({"service": one})
        known = [self.seen(one) for name, one in self.services.items() if name in asked["services"]]
        return reply_json({"services": known})

    def seen(self, one: dict[str, Any]) -> dict[str, Any]:
        """As it is now; its tasks are up one look later."""
        primary = {"status": "PRIMARY", "runningCount": one["runningCount"]}
        told = {**one, "deployments": [primary]}
        one["runningCount"] = one["desiredCount"]
        return told

    def register(self, definition: dict[str, Any]) -> str:
        assert "revision" not in definition, "AWS refuses what it sets itself"
        arn = f"arn:aws:ecs:eu-west-1:1:task-definition/shop:{len(self.definitions) + 1}"
        self.definitions.append(
            {**definition, "taskDefinitionArn": arn, "revision": len(self.definitions) + 1}
        )
        return arn


def _query_error(code: str, message: str) -> Reply:
    text = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return Reply(400, text.encode(), {"content-type": "text/xml"})
