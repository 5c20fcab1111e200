"""What the clients of Elasticsearch, OpenSearch and Splunk say of requests."""

import inspect
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from held import Caught, Json, Refused, called, same

# Elasticsearch: paths and parameters by its client, every query and aggregation by the classes of its DSL


def elasticsearch(one: Json) -> None:
    from elastic_transport import BaseNode
    from elasticsearch import Elasticsearch

    class Held(BaseNode):
        def perform_request(self, method: str, target: str, body: bytes | None = None, **_: object) -> object:  # type: ignore[override] - never answers
            raise Caught(method, target, None, json.loads(body) if body else None)

    client = Elasticsearch("http://127.0.0.1:9", node_class=Held, max_retries=0)
    body = json.loads(one["body"]) if one["body"] else {}
    *index, last = one["path"].strip("/").split("/")
    names = {"index": unquote(index[0])} if index else {}
    if last == "_pit" and one["method"] == "POST":
        same(one, called(client.open_point_in_time, **names, **one["query"]))
    elif last == "_pit":
        same(one, called(client.close_point_in_time, id=body["id"]), body)
    else:
        flags = {key: value == "true" for key, value in one["query"].items()}
        words = {**body, "source": body["_source"]} if "_source" in body else dict(body)
        words.pop("_source", None)
        same(one, called(client.search, **names, **flags, **words), body)
        query_fits(body["query"])
        aggregations_fit(body.get("aggs", {}))
        parts_fit(body)


def parts_fit(body: Json) -> None:
    from elasticsearch.dsl import types

    if unknown := set(body.get("pit", {})) - {"id", "keep_alive"}:  # a class of its own it has none
        raise Refused(f"pit has no {sorted(unknown)}")
    for each in body.get("docvalue_fields", []):
        _named("docvalue_fields", each, types.FieldAndFormat.__init__)
    for each in body.get("sort", []):
        for words in each.values():
            _named("sort", words, types.FieldSort.__init__)


def query_fits(query: Json) -> None:
    from elasticsearch.dsl import query as known

    ((name, words),) = known.Q(query).to_dict().items()
    kind = known.Query.get_dsl_class(name)
    if name in {"range", "match", "match_phrase", "term", "terms", "wildcard"}:
        _field_fits(kind, words)
        return
    _named(name, words, kind.__init__)
    for key in ("filter", "must", "must_not", "should", "query"):
        inner = words.get(key) or []
        for each in inner if isinstance(inner, list) else [inner]:
            if isinstance(each, dict):
                query_fits(each)
    for each in words.get("functions", []):
        _named("function_score", each, _Parts)


class _Parts:
    def __init__(self, *, filter: object, weight: object, random_score: object, script_score: object) -> None:  # noqa: A002 - as it is named there
        raise NotImplementedError


_Parts.__signature__ = inspect.signature(_Parts)  # type: ignore[attr-defined]


def _field_fits(kind: Any, words: Json) -> None:
    from elasticsearch.dsl import types, wrappers

    shapes = {"range": wrappers.Range, "match": types.MatchQuery, "match_phrase": types.MatchPhraseQuery}
    shapes |= {"term": types.TermQuery, "wildcard": types.WildcardQuery}
    fields = {key: value for key, value in words.items() if key not in {"boost", "_name"}}
    if len(fields) != 1:
        raise Refused(f"{kind.name} is of one field, not of {sorted(fields)}")
    (value,) = fields.values()
    if isinstance(value, dict) and kind.name == "range":
        if unknown := set(value) - {"gt", "gte", "lt", "lte", "format", "time_zone", "relation", "boost"}:
            raise Refused(f"range has no {sorted(unknown)}")
        wrappers.Range(**{key: at for key, at in value.items() if key in {"gt", "gte", "lt", "lte"}})
    elif isinstance(value, dict):
        _named(kind.name, value, shapes[kind.name].__init__)
    elif kind.name == "terms" and not isinstance(value, list):
        raise Refused("terms is a list")


def _named(name: str, words: Json, takes: Callable[..., object]) -> None:
    known = {one.rstrip("_") for one in inspect.signature(takes).parameters} - {"self", "kwargs"}
    if unknown := set(words) - known:
        raise Refused(f"{name} has no {sorted(unknown)}")


def aggregations_fit(asked: Json) -> None:
    from elasticsearch.dsl import aggs

    for one in asked.values():
        inner = one.get("aggs", {})
        ((name, words),) = [(key, value) for key, value in one.items() if key != "aggs"]
        _named(name, words, aggs.Agg.get_dsl_class(name).__init__)
        for key in ("background_filter", "filter"):
            if key in words:
                query_fits(words[key])
        aggregations_fit(inner)


def opensearch(one: Json) -> None:
    """Its client names paths and parameters; what a body may hold it leaves to the server."""
    from opensearchpy import OpenSearch

    def held(method: str, url: str, params: Json, headers: object = None, body: object = None) -> None:
        raise Caught(method, url, params, body)

    client = OpenSearch("http://127.0.0.1:9")
    client.transport = SimpleNamespace(perform_request=held)
    body = json.loads(one["body"]) if one["body"] else None
    *index, last = [unquote(part) for part in one["path"].strip("/").split("/")]
    if last == "point_in_time" and one["method"] == "POST":
        same(one, called(client.create_pit, index=index[0], **one["query"]))
    elif last == "point_in_time":
        same(one, called(client.delete_pit, body=body), body)
    else:
        same(one, called(client.search, body=body, index=index[0] if index else None, **one["query"]), body)


def splunk(one: Json) -> None:
    """Its SDK knows the doors of a job and their words; the language of a search it leaves to the server.

    It reads results by POST, as it may since version 2 of that door; we by GET.
    """
    from splunklib import client as known

    def held(url: str, message: Json) -> None:
        words = {**_decoded(urlsplit(url).query), **_decoded(message.get("body") or "")}
        path = urlsplit(url).path.rstrip("/")
        raise Caught(message.get("method", "GET"), path, None, words)

    service = known.Service(host="127.0.0.1", port=9, scheme="http", handler=held, token="t", autologin=False)
    service._splunk_version, service._instance_type = (9, 1, 0), "Splunk"  # noqa: SLF001 - else it would ask the server
    sid, *part = one["path"].removeprefix("/services/search/v2/jobs").strip("/").split("/")
    words = {**one["query"], **_decoded(one["body"])}
    ours = {**one, "path": one["path"].rstrip("/"), "query": {}}
    job = known.Job(service, unquote(sid))
    if not sid:
        search = dict(words)
        same(ours, called(service.jobs.create, search.pop("search"), **search), words)
    elif part == ["results"]:
        same({**ours, "method": "POST"}, called(job.results, **words), {**words, "segmentation": "none"})
    elif one["method"] == "DELETE":
        same(ours, called(service.delete, f"search/v2/jobs/{sid}"), words)
    else:
        same(ours, called(job.get, "", **words), words)


def _decoded(text: str | bytes) -> Json:
    return dict(parse_qsl(text.decode() if isinstance(text, bytes) else text))
