"""A fake Kubernetes API server, strict where it matters here. It is no cluster: nothing was run against one.

It wants a bearer token, merge patches by their content type, unknown fields refused under Strict, a current
resourceVersion where one is given, status only through its subresource, and lists page by page. Deployments
come up one look later. `controllers` play Argo Rollouts and Flagger: one step each time an object is read.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from servers import Reply, Request, reply_json

TOKEN = "cluster-token"
Json = dict[str, Any]
ANY = "any"
OBJECT = {"apiVersion": ANY, "kind": ANY, "metadata": ANY, "spec": None, "status": ANY}
TEMPLATE = {"metadata": ANY, "spec": {"containers": ANY}}
SPECS: dict[str, Any] = {
    "deployments": {"replicas": ANY, "selector": ANY, "template": TEMPLATE},
    "replicasets": {"replicas": ANY, "selector": ANY, "template": TEMPLATE},
    "pods": {"containers": ANY},
    "events": ANY,
    "jobs": ANY,
    "httproutes": {"parentRefs": ANY, "hostnames": ANY, "rules": ANY},
    "rollouts": {"replicas": ANY, "selector": ANY, "template": TEMPLATE, "strategy": ANY, "paused": ANY},
    "canaries": {"targetRef": ANY, "analysis": ANY, "skipAnalysis": ANY},
}
PAGE = 7


@dataclass
class FakeCluster:
    objects: dict[tuple[str, str], Json] = field(default_factory=dict)
    controllers: list[Callable[[], None]] = field(default_factory=list)
    version: int = 100
    down: bool = False
    patches: list[tuple[str, Json]] = field(default_factory=list)
    before_patch: Callable[[], None] | None = None

    def add(self, plural: str, name: str, spec: Json, **more: Any) -> Json:
        metadata = {
            "name": name,
            "generation": 1,
            "resourceVersion": self._next(),
            **more.pop("metadata", {}),
        }
        one = {"metadata": metadata, "spec": spec, "status": {}, **more}
        self.objects[plural, name] = one
        return one

    def get(self, plural: str, name: str) -> Json:
        return self.objects[plural, name]

    def answer(self, request: Request) -> Reply:
        if self.down:
            return Reply(503)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _failure(401, "Unauthorized", "Unauthorized")
        parts = [unquote(one) for one in request.path.strip("/").split("/")]
        plural, rest = parts[parts.index("namespaces") + 2], parts[parts.index("namespaces") + 3 :]
        if plural not in SPECS:
            return Reply(404, b"404 page not found")
        if request.method == "GET":
            for step in [self.deploy, *self.controllers]:
                step()
            return self._one(plural, rest[0]) if rest else self._list(plural, request)
        if request.method == "PATCH" and rest:
            return self._patch(plural, rest, request)
        return _failure(405, "MethodNotAllowed", request.method)

    def _one(self, plural: str, name: str) -> Reply:
        found = self.objects.get((plural, name))
        return reply_json(found) if found else _failure(404, "NotFound", f'{plural} "{name}" not found')

    def _list(self, plural: str, request: Request) -> Reply:
        wanted = dict(one.split("=") for one in request.query.get("labelSelector", "").split(",") if one)
        mine = [one for (kind, _), one in sorted(self.objects.items()) if kind == plural]
        fit = [one for one in mine if wanted.items() <= (one["metadata"].get("labels") or {}).items()]
        start, size = int(request.query.get("continue", 0)), min(PAGE, int(request.query.get("limit", PAGE)))
        onward = str(start + size) if start + size < len(fit) else ""
        return reply_json({"items": fit[start : start + size], "metadata": {"continue": onward}})

    def _patch(self, plural: str, rest: list[str], request: Request) -> Reply:
        if self.before_patch:
            self.before_patch, act = None, self.before_patch
            act()
        found = self.objects.get((plural, rest[0]))
        if found is None:
            return _failure(404, "NotFound", f'{plural} "{rest[0]}" not found')
        if request.headers.get("content-type") != "application/merge-patch+json":
            return _failure(415, "UnsupportedMediaType", "the body of the request was in an unknown format")
        change = json.loads(request.body)
        strict = request.query.get("fieldValidation") == "Strict"
        unknown = list(_unknown(change, {**OBJECT, "spec": SPECS[plural]})) if strict else []
        if unknown:
            return _failure(400, "BadRequest", f'strict decoding error: unknown field "{unknown[0]}"')
        given = (change.get("metadata") or {}).get("resourceVersion")
        if given not in {None, found["metadata"]["resourceVersion"]}:
            return _failure(409, "Conflict", "the object has been modified; please apply your changes")
        self.patches.append((f"{plural}/{'/'.join(rest)}", change))
        self._apply(found, change, part=rest[1] if len(rest) > 1 else "")
        return reply_json(found)

    def _apply(self, found: Json, change: Json, part: str) -> None:
        kept = ("status",) if part == "status" else ("metadata", "spec")
        before = json.dumps(found["spec"], sort_keys=True)
        merge(found, {key: change[key] for key in kept if key in change})
        found["metadata"]["resourceVersion"] = self._next()
        if json.dumps(found["spec"], sort_keys=True) != before:
            found["metadata"]["generation"] += 1

    def touch(self, plural: str, name: str, change: Json) -> None:
        """Somebody else changes it."""
        merge(self.objects[plural, name], change)
        self.objects[plural, name]["metadata"]["resourceVersion"] = self._next()

    def deploy(self) -> None:
        """Bring each Deployment one step nearer to its spec: pods first, readiness one look later."""
        for (plural, name), one in list(self.objects.items()):
            if plural == "deployments":
                self._deploy(name, one)

    def _deploy(self, name: str, one: Json) -> None:
        wanted, image = one["spec"]["replicas"], one["spec"]["template"]["spec"]["containers"][0]["image"]
        labels = one["spec"]["template"]["metadata"]["labels"]
        mine = {key: pod for key, pod in self.objects.items() if key[0] == "pods"}
        pods = {key: pod for key, pod in mine.items() if pod["metadata"]["labels"]["app"] == name}
        current = {key: pod for key, pod in pods.items() if pod["spec"]["containers"][0]["image"] == image}
        ready = [pod for pod in current.values() if pod["status"].get("conditions")]
        for pod in current.values():
            pod["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
        for key in [key for key in pods if key not in current] + list(current)[wanted:]:
            del self.objects[key]
        for i in range(len(current), wanted):
            pod_name = f"{name}-{one['metadata']['generation']}-{i:02}"
            spec = {"containers": [{"name": "app", "image": image}]}
            self.add("pods", pod_name, spec, metadata={"labels": dict(labels)})
        count = min(len(ready), wanted)
        one["status"] = {
            "observedGeneration": one["metadata"]["generation"],
            "replicas": wanted,
            "updatedReplicas": wanted,
            "readyReplicas": count,
        }

    def _next(self) -> str:
        self.version += 1
        return str(self.version)


def merge(into: Json, change: Json) -> None:
    """RFC 7386."""
    for key, value in change.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict):
            if not isinstance(into.get(key), dict):
                into[key] = {}
            merge(into[key], value)
        else:
            into[key] = json.loads(json.dumps(value))


def deployment(cluster: FakeCluster, name: str, image: str, replicas: int, traffic: str) -> None:
    labels = {"app": name, "steadyhand.io/traffic": traffic}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": image}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    cluster.add("deployments", name, spec)
    for _ in range(3):
        cluster.deploy()


def _unknown(given: Any, known: Any, way: str = "") -> Iterator[str]:
    if known == ANY or not isinstance(given, dict):
        return
    for key, value in given.items():
        if key not in known:
            yield f"{way}{key}"
        else:
            yield from _unknown(value, known[key], f"{way}{key}.")


def _failure(code: int, reason: str, message: str) -> Reply:
    body = {"kind": "Status", "status": "Failure", "reason": reason, "code": code, "message": message}
    return reply_json(body, code)


STEPS: list[Json] = [
    {"setCanaryScale": {"weight": 100}},
    {"pause": {}},
    *(part for weight in (5, 25, 50, 100) for part in ({"setWeight": weight}, {"pause": {}})),
]


@dataclass
class FakeArgo:
    """Argo Rollouts' controller for one Rollout, as far as its steps and its status go."""

    cluster: FakeCluster
    name: str = "shop"

    def __post_init__(self) -> None:
        containers = [{"name": "app", "image": "registry.test:5000/shop:1.0"}]
        template = {"metadata": {}, "spec": {"containers": containers}}
        canary = {"trafficRouting": {"nginx": {"stableIngress": "shop"}}, "steps": STEPS}
        spec = {"replicas": 3, "template": template, "strategy": {"canary": canary}}
        one = self.cluster.add("rollouts", self.name, spec)
        self._scale(self._hash(one), 3, template)
        one["status"] = {"stableRS": self._hash(one), "currentPodHash": self._hash(one), "phase": "Healthy"}
        one["status"]["observedGeneration"] = "1"
        self.cluster.controllers.append(self.step)

    def step(self) -> None:
        one = self.cluster.get("rollouts", self.name)
        status, now = one["status"], self._hash(one)
        if status["currentPodHash"] != now:
            status |= {"currentPodHash": now, "currentStepIndex": 0, "abort": False, "phase": "Progressing"}
            status.pop("pauseConditions", None)
            status.pop("paused_at", None)
        elif status["stableRS"] == now:
            self._rest(one, now)
        elif status.get("abort"):
            status |= {"phase": "Degraded", "message": "aborted", "currentStepIndex": 0}
            status.pop("pauseConditions", None)
            status.pop("paused_at", None)
            self._weigh(status, 0)
        elif status.pop("promoteFull", False):
            status["currentStepIndex"] = len(STEPS)
        else:
            self._advance(one, status, now)
        status["observedGeneration"] = str(one["metadata"]["generation"])

    def _advance(self, one: Json, status: Json, now: str) -> None:
        index = status.get("currentStepIndex", 0)
        if index >= len(STEPS):
            self._scale(now, 3, one["spec"]["template"])
            status["stableRS"] = now
            return
        step = STEPS[index]
        if "pause" in step:
            if status.get("paused_at") == index and not status.get("pauseConditions"):
                status["currentStepIndex"] = index + 1  # somebody cleared the pause
                return
            status |= {
                "pauseConditions": [{"reason": "CanaryPauseStep"}],
                "phase": "Paused",
                "paused_at": index,
            }
            return
        if "setCanaryScale" in step:
            self._scale(now, 3, one["spec"]["template"])
        else:
            self._weigh(status, step["setWeight"])
        status |= {"currentStepIndex": index + 1, "phase": "Progressing"}

    def _rest(self, one: Json, now: str) -> None:
        for (plural, name), other in self.cluster.objects.items():
            if plural == "replicasets" and name != f"{self.name}-{now}":
                other["spec"]["replicas"], other["status"]["readyReplicas"] = 0, 0
        one["status"]["phase"] = "Healthy"
        self._weigh(one["status"], 0)
        one["status"].pop("pauseConditions", None)

    def _weigh(self, status: Json, weight: int) -> None:
        status["canary"] = {"weights": {"canary": {"weight": weight}, "stable": {"weight": 100 - weight}}}

    def _scale(self, pod_hash: str, replicas: int, template: Json) -> None:
        spec = {"replicas": replicas, "template": json.loads(json.dumps(template))}
        labels = {"rollouts-pod-template-hash": pod_hash}
        made = self.cluster.add("replicasets", f"{self.name}-{pod_hash}", spec, metadata={"labels": labels})
        made["status"] = {"readyReplicas": replicas}

    def _hash(self, one: Json) -> str:
        return str(abs(hash(json.dumps(one["spec"]["template"], sort_keys=True))) % 10**8)


@dataclass
class FakeFlagger:
    """Flagger's controller and its load tester's gates, for one Canary; an interval is one look."""

    cluster: FakeCluster
    name: str = "shop"
    weights: tuple[int, ...] = (5, 25, 50, 100)
    gates: set[str] = field(default_factory=set)
    applied: str = ""
    promoted: str = ""

    def __post_init__(self) -> None:
        deployment(self.cluster, "shop-primary", "shop:1.0", 3, "on")
        deployment(self.cluster, "shop", "shop:1.0", 0, "on")
        hooks = [
            {"name": kind, "type": kind}
            for kind in ("confirm-traffic-increase", "confirm-promotion", "rollback")
        ]
        analysis = {"interval": "10s", "stepWeights": list(self.weights), "webhooks": hooks}
        spec = {
            "targetRef": {"kind": "Deployment", "name": "shop"},
            "analysis": analysis,
            "skipAnalysis": False,
        }
        one = self.cluster.add("canaries", self.name, spec)
        one["status"] = {"phase": "Initialized", "canaryWeight": 0}
        self.applied = self.promoted = self._template()
        self.cluster.controllers.append(self.step)

    def gate(self, request: Request) -> Reply:
        gate, order = request.path.strip("/").split("/")
        body = json.loads(request.body)
        if request.method != "POST" or body != {"name": self.name, "namespace": "default"}:
            return Reply(400)
        (self.gates.add if order == "open" else self.gates.discard)(gate)
        return Reply(202)

    def step(self) -> None:
        one = self.cluster.get("canaries", self.name)
        status, phase = one["status"], one["status"]["phase"]
        if phase in {"Initialized", "Succeeded", "Failed"}:
            self._notice(status)
        elif one["spec"]["skipAnalysis"]:
            self._promote(status)
            self._end(status, "Succeeded")
        elif phase == "Promoting":
            status |= {"phase": "Finalising", "canaryWeight": 0}
        elif phase == "Finalising":
            self._end(status, "Succeeded")
        elif "rollback" in self.gates:
            self._end(status, "Failed")
        elif "gate" in self.gates and self._is_ready():
            self._advance(status)

    def _notice(self, status: Json) -> None:
        now = self._template()
        if now not in {self.applied, self.promoted}:  # no canary for a manual way back
            self.applied = now
            status |= {"phase": "Progressing", "canaryWeight": 0}

    def _advance(self, status: Json) -> None:
        weight = status["canaryWeight"]
        if weight < self.weights[-1]:
            status["canaryWeight"] = next(one for one in self.weights if one > weight)
        else:
            self._promote(status)

    def _promote(self, status: Json) -> None:
        image = self.cluster.get("deployments", "shop")["spec"]["template"]["spec"]["containers"]
        primary = self.cluster.get("deployments", "shop-primary")
        primary["spec"]["template"]["spec"]["containers"] = json.loads(json.dumps(image))
        primary["metadata"]["generation"] += 1
        for _ in range(3):
            self.cluster.deploy()
        self.promoted = self.applied = self._template()
        status["phase"] = "Promoting"

    def _end(self, status: Json, phase: str) -> None:
        target = self.cluster.get("deployments", "shop")
        target["spec"]["replicas"] = 0
        target["metadata"]["generation"] += 1
        status |= {"phase": phase, "canaryWeight": 0}

    def _is_ready(self) -> bool:
        target = self.cluster.get("deployments", "shop")
        return bool(target["status"]["readyReplicas"] == target["spec"]["replicas"])

    def _template(self) -> str:
        return json.dumps(self.cluster.get("deployments", "shop")["spec"]["template"], sort_keys=True)
