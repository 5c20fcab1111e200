"""What the vendors' own clients say of requests: run in an environment of its own, see install.sh.

    judge.py VENDOR < requests.json

Reads a list of requests (method, path, query, body), writes a list of as many sentences: "" where the
vendor's own client, told the same in its words, would send that very request and its models take the body.
"""

import contextlib
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

from held import Caught, Json, Refused, called, same
from searches import elasticsearch, opensearch, splunk

# Datadog: endpoints, parameters and bodies as its published OpenAPI document describes them


def datadog(one: Json) -> None:
    from datadog_api_client import ApiClient, Configuration
    from datadog_api_client.model_utils import validate_and_convert_types
    from datadog_api_client.v1.api.metrics_api import MetricsApi
    from datadog_api_client.v2.api.logs_api import LogsApi

    config = Configuration()
    client = ApiClient(config)
    doors = [door for api in (LogsApi(client), MetricsApi(client)) for door in vars(api).values()]
    place = one["path"], one["method"]
    found = [
        door
        for door in doors
        if (settings := getattr(door, "settings", None))
        and (settings["endpoint_path"], settings["http_method"]) == place
    ]
    if not found:
        raise Refused(f"it has no {place}")
    (door,) = found
    parts = door.params_map.values()
    words = {part["attribute"]: part for part in parts if part["location"] == "query"}
    if set(one["query"]) - set(words):
        raise Refused(f"{place} takes {sorted(words)}, not {sorted(one['query'])}")
    if lacking := {key for key, part in words.items() if part.get("required")} - set(one["query"]):
        raise Refused(f"{place} needs {sorted(lacking)}")
    for name, value in one["query"].items():
        told = int(value) if words[name]["openapi_types"] == (int,) else value
        validate_and_convert_types(told, words[name]["openapi_types"], [name], True, True, config)
    for part in parts:
        if part["location"] == "body":
            body = json.loads(one["body"])
            model = validate_and_convert_types(body, part["openapi_types"], ["body"], True, True, config)
            _known_to_datadog(model, "body")


def _known_to_datadog(model: object, where: str) -> None:
    """Its models keep what they do not know aside: refuse that."""
    if getattr(model, "_unparsed", False):
        raise Refused(f"{where} is not one of its values: {model}")
    if isinstance(model, list):
        for each in model:
            _known_to_datadog(each, where)
    store = getattr(model, "_data_store", None)
    if isinstance(store, dict):
        known = set(getattr(model, "attribute_map", {}) or store)
        if unknown := set(store) - known:
            raise Refused(f"{where} has no {sorted(unknown)}")
        for key, value in store.items():
            _known_to_datadog(value, f"{where}.{key}")


# The others: what their clients would send


def kubernetes(one: Json) -> None:
    """Not judged: sinceTime, which kubectl sends, and of which the description only has sinceSeconds."""
    from kubernetes import client as known

    def held(method: str, url: str, query_params: Any = (), **_: object) -> None:
        raise Caught(method, url, dict(query_params), None)

    api = known.ApiClient()
    api.request = held
    path = re.fullmatch(r"/(api/v1|apis/\w+/v1)/namespaces/([^/]+)/([^/]+)(?:/([^/]+)(/log)?)?", one["path"])
    if path is None:
        raise Refused(f"it has no {one['path']}")
    group, namespace, plural, name, log = path.groups()
    kind = {"api/v1": known.CoreV1Api, "apis/apps/v1": known.AppsV1Api, "apis/batch/v1": known.BatchV1Api}
    noun = {"pods": "pod", "replicasets": "replica_set", "events": "event", "jobs": "job"}[plural]
    verb = f"read_namespaced_{noun}{'_log' if log else ''}" if name else f"list_namespaced_{noun}"
    query = {key: value for key, value in one["query"].items() if not (log and key == "sinceTime")}
    words = {_snake(key): {"true": True}.get(value, value) for key, value in query.items()}
    names = (name, namespace) if name else (namespace,)
    found = called(getattr(kind[group](api), verb), *names, **words)
    method, url, told, body = found.sent
    found.sent = (method, url.removeprefix("/localhost"), {_camel(key): at for key, at in told.items()}, body)
    same({**one, "query": query}, found)


def _snake(name: str) -> str:
    return (
        "_continue" if name == "continue" else re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", name)
    )


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def argocd(one: Json) -> None:
    from argocd_python_client import ApiClient
    from argocd_python_client.api.application_service_api import ApplicationServiceApi

    def held(method: str, url: str, query_params: Any = (), **_: object) -> None:
        raise Caught(method, urlsplit(url).path, dict(query_params), None)

    client = ApiClient()
    client.request = held
    api = ApplicationServiceApi(client)
    calls = {"": api.application_service_get, "/manifests": api.application_service_get_manifests}
    found = re.fullmatch(r"/api/v1/applications/([^/]+)(/.+)?", one["path"])
    if found is None or (call := calls.get(found[2] or "")) is None:
        raise Refused(f"it has no {one['path']}")
    if unknown := set(one["query"]) - set(call.attribute_map.values()):
        raise Refused(f"it takes no {sorted(unknown)}")
    same(one, called(call, unquote(found[1]), **one["query"]))


def github(one: Json) -> None:
    from githubkit_schemas.v2022_11_28.rest.repos import ReposClient

    def held(method: str, url: str, *, params: Json | None = None, **_: object) -> None:
        raise Caught(method, url, params, None)

    class Core:  # it is kept by a weak reference
        request = staticmethod(held)

    core = Core()
    client = ReposClient(core)
    _, owner, name, *rest = one["path"].strip("/").split("/")
    match rest:
        case ["deployments", number, "statuses"]:
            words: tuple[object, ...] = (int(number),)
            call = client.list_deployment_statuses
        case ["compare", basehead]:
            words, call = (basehead,), client.compare_commits
        case ["commits", ref]:
            words, call = (ref,), client.get_commit
        case [("deployments" | "releases" | "commits") as what]:
            words, call = (), getattr(client, f"list_{what}")
        case _:
            raise Refused(f"it has no {one['path']}")
    same(one, called(call, owner, name, *words, **one["query"]))


def gitlab(one: Json) -> None:
    """Paths by its client's own; the filters of a list are those its managers name."""
    import gitlab as known
    from gitlab.v4 import objects

    def held(method: str, url: str, *_: object, params: Json | None = None, **__: object) -> None:
        raise Caught(method, url, params, None)

    client = known.Gitlab("http://127.0.0.1:9")
    client._backend.http_request = held  # noqa: SLF001 - held before it leaves
    found = re.fullmatch(r"/api/v4/projects/([^/]+)/(.+)", one["path"])
    if found is None:
        raise Refused(f"it has no {one['path']}")
    project = client.projects.get(unquote(found[1]), lazy=True)
    paging = {"page", "per_page"}
    match unquote(found[2]).split("/"):
        case ["deployments"]:
            allowed = {*objects.ProjectDeploymentManager._list_filters, *paging}  # noqa: SLF001 - its description
            sent = called(project.deployments.list, get_all=False, **one["query"])
        case ["repository", "commits"]:
            allowed = {*objects.ProjectCommitManager._list_filters, *paging}  # noqa: SLF001
            sent = called(project.commits.list, get_all=False, **one["query"])
        case ["repository", "compare"]:
            allowed = {"from", "to", "straight"}
            sent = called(project.repository_compare, one["query"]["from"], one["query"]["to"])
            sent.sent[2].pop("straight", None)
        case ["repository", "commits", sha, "diff"]:
            allowed = paging
            sent = called(project.commits.get(sha, lazy=True).diff, get_all=False, **one["query"])
        case _:
            raise Refused(f"it has no {found[2]}")
    if unknown := set(one["query"]) - allowed:
        raise Refused(f"{found[2]} has no {sorted(unknown)}")
    same({**one, "path": unquote(one["path"])}, sent)


def influxdb(one: Json) -> None:
    from influxdb import InfluxDBClient

    def held(*, method: str, url: str, params: Json, **_: object) -> None:
        raise Caught(method, urlsplit(url).path, params, None)

    client = InfluxDBClient(host="127.0.0.1", retries=1)
    client._session = SimpleNamespace(request=held)  # noqa: SLF001 - held before it leaves
    query = dict(one["query"])
    sent = called(client.query, query.pop("q"), database=query.pop("db"), epoch=query.pop("epoch"))
    for key in ("chunked", "chunk_size"):
        sent.sent[2].pop(key, None)
    same(one, sent)


def otlp(one: Json) -> None:
    """A line of a file is an export, as OpenTelemetry's protocol describes it."""
    from google.protobuf import json_format
    from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

    json_format.Parse(one["body"], TracesData())


# Channels: bodies as the vendors' typed clients know them


def github_issues(one: Json) -> None:
    from githubkit_schemas.v2022_11_28 import models

    body = one["body"]
    match one["method"], one["path"].strip("/").split("/")[3:]:
        case "POST", ["issues"]:
            shape = models.ReposOwnerRepoIssuesPostBody
        case "POST", ["issues", _, "comments"]:
            shape = models.ReposOwnerRepoIssuesIssueNumberCommentsPostBody
        case "PATCH", ["issues", _]:
            shape = models.ReposOwnerRepoIssuesIssueNumberPatchBody
        case _:
            raise Refused(f"it has no {one['method']} {one['path']}")
    told = json.loads(body)
    if unknown := set(told) - set(shape.model_fields):
        raise Refused(f"{shape.__name__} has no {sorted(unknown)}")
    shape.model_validate(told)


def slack(one: Json) -> None:
    import inspect

    from slack_sdk import WebClient
    from slack_sdk.models.blocks import Block

    method = one["path"].rpartition("/")[2]
    call = getattr(WebClient, method.replace(".", "_"), None)
    if call is None:
        raise Refused(f"it has no {method}")
    told = json.loads(one["body"])
    if unknown := set(told) - set(inspect.signature(call).parameters):
        raise Refused(f"{method} takes no {sorted(unknown)}")
    for given in told.get("blocks", ()):
        block = Block.parse(given)
        if block is None:
            raise Refused(f"no block is of type {given.get('type')}")
        block.validate_json()
        if block.to_dict() != given:
            raise Refused(f"it writes {block.to_dict()}, not {given}")


def pagerduty(one: Json) -> None:
    """Its own client writes the very same event. What stands beside the payload it passes on unread."""
    import httpx2
    from pagerduty import EventsApiV2Client

    def caught(request: httpx2.Request) -> httpx2.Response:
        raise Caught(request.method, str(request.url), None, json.loads(request.content))

    told = json.loads(one["body"])
    event = dict(told)
    client = EventsApiV2Client(event.pop("routing_key"), transport=httpx2.MockTransport(caught))
    action = event.pop("event_action")
    beside = {key: event.pop(key) for key in ("client", "client_url") if key in event}
    call = getattr(client, action)
    theirs = called(call, **event.pop("payload", {}), **event)
    theirs.sent = (*theirs.sent[:3], {**theirs.sent[3], **beside})
    same(one, theirs, told)


def jira(one: Json) -> None:
    """Documents as the schema of Atlassian's document format has them; the rest of a body is not judged."""
    from jsonschema import Draft4Validator

    told = json.loads(one["body"])
    document = told["body"] if one["path"].endswith("/comment") else told["fields"]["description"]
    schema = json.loads((Path(sys.prefix) / "adf.json").read_text(encoding="utf-8"))
    Draft4Validator(schema).validate(document)


JUDGES = (
    elasticsearch, opensearch, datadog, argocd, kubernetes, github, gitlab, influxdb, splunk, otlp,
    github_issues, slack, pagerduty, jira,
)  # fmt: skip


def verdict(judge: Callable[[Json], None], one: Json) -> str:
    try:
        judge(one)
    except Exception as error:  # noqa: BLE001 - each client says no in its own class
        return f"{type(error).__name__}: {error}"[:600]
    return ""


def main() -> None:
    judge = {one.__name__: one for one in JUDGES}[sys.argv[1]]
    with contextlib.redirect_stdout(sys.stderr):
        told = [verdict(judge, one) for one in json.load(sys.stdin)]
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
