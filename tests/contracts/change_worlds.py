"""The same changes of one service as each system would tell them: three in the window, two around it."""

import os
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from fake_cluster import TOKEN as CLUSTER_TOKEN
from fake_cluster import FakeCluster
from pydantic import SecretStr
from servers import Reply, Request, http_server
from vendors.base import Vendor, serving
from vendors.change_vendors import TOKEN, ArgoReading, FlagLog, GitHubReading, GitLabReading

from steadyhand.adapters.changes.argocd import ArgoCdChanges, ArgoCdSettings
from steadyhand.adapters.changes.git import GitChanges, GitSettings
from steadyhand.adapters.changes.github import GitHubChanges, GitHubChangeSettings
from steadyhand.adapters.changes.gitlab import GitLabChanges, GitLabChangeSettings
from steadyhand.adapters.changes.kubernetes import KubernetesChanges, KubernetesChangeSettings
from steadyhand.adapters.changes.launchdarkly import LaunchDarklyChanges, LaunchDarklyChangeSettings
from steadyhand.journey.evidence.model import Change, Window
from steadyhand.ports import ChangeSource
from steadyhand.testing.sources import MemoryChanges

START = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
MINUTES = (9, 10, 15, 19, 20)  # before, at the start, in, in, at the end
WANTED = "timeout_s = 50"


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def zulu(minute: float) -> str:
    return f"{at(minute):%Y-%m-%dT%H:%M:%S}Z"


WINDOW = Window(start=at(10), end=at(20))


def sha(minute: int) -> str:
    return f"{minute:040x}"


@dataclass
class World:
    """A source, its vendor where there is one, and a way to have it fail."""

    source: ChangeSource
    vendor: Vendor | None = None
    requests: Sequence[Request] = ()


Make = Callable[[Path], AbstractAsyncContextManager[World]]


@asynccontextmanager
async def memory(_: Path) -> AsyncIterator[World]:
    yield World(
        MemoryChanges(
            [
                Change(
                    id=f"m-{minute}", service="shop", kind="code", diff=f"+{WANTED}", started_at=at(minute)
                )
                for minute in MINUTES
            ]
        )
    )


def github_vendor() -> GitHubReading:
    newest = sorted(MINUTES, reverse=True)
    rows = [
        {"id": minute, "sha": sha(minute), "ref": "main", "task": "deploy", "environment": "production",
         "description": "Deploy shop", "creator": {"login": "ana"}, "created_at": zulu(minute)}
        for minute in newest
    ]  # fmt: skip
    vendor = GitHubReading(deployments=rows)
    vendor.statuses = {
        str(minute): [{"state": "success", "created_at": zulu(minute + 1)}] for minute in MINUTES
    }
    vendor.diffs = {f"{sha(15)}...{sha(19)}": f"--- a/app.py\n+++ b/app.py\n-timeout_s = 5\n+{WANTED}\n"}
    return vendor


def github_settings(url: str, **more: Any) -> GitHubChangeSettings:
    given = {"kind": "github", "token_env": "T", "services": {"shop": {"repository": "acme/shop"}}}
    return GitHubChangeSettings.model_validate({**given, "url": url, "timeout": "2s", **more})


@asynccontextmanager
async def github(_: Path, path: str = "") -> AsyncIterator[World]:
    vendor = github_vendor()
    place = {"shop": {"repository": "acme/shop", "path": path}}
    async with serving(vendor) as server, httpx2.AsyncClient() as client:
        settings = github_settings(server.url, services=place)
        yield World(GitHubChanges(settings, client, SecretStr(TOKEN)), vendor, server.requests)


@asynccontextmanager
async def gitlab(_: Path, path: str = "") -> AsyncIterator[World]:
    rows = [
        {"id": minute, "iid": minute, "ref": "main", "sha": sha(minute), "status": "success",
         "environment": {"name": "production"}, "user": {"username": "ana"}, "created_at": zulu(minute),
         "updated_at": zulu(minute),
         "deployable": {"finished_at": zulu(minute + 1), "commit": {"title": "Raise the timeout"}}}
        for minute in MINUTES
    ]  # fmt: skip
    changed = {
        "old_path": "app.py",
        "new_path": "app.py",
        "diff": f"@@ -1 +1 @@\n-timeout_s = 5\n+{WANTED}\n",
    }
    vendor = GitLabReading(deployments=rows, diffs={f"{sha(15)}...{sha(19)}": [changed]})
    settings = {
        "kind": "gitlab",
        "token_env": "T",
        "services": {"shop": {"repository": "acme/platform/shop", "path": path}},
    }
    async with serving(vendor) as server, httpx2.AsyncClient() as client:
        given = GitLabChangeSettings.model_validate({**settings, "url": server.url, "timeout": "2s"})
        yield World(GitLabChanges(given, client, SecretStr(TOKEN)), vendor, server.requests)


@asynccontextmanager
async def argocd(_: Path) -> AsyncIterator[World]:
    history = [
        {"id": n, "revision": sha(minute), "deployedAt": zulu(minute + 0.5), "deployStartedAt": zulu(minute),
         "source": {"repoURL": "https://example.com/deploy.git"}, "initiatedBy": {"username": "ana"}}
        for n, minute in enumerate(MINUTES)
    ]  # fmt: skip
    done = {"phase": "Succeeded", "startedAt": zulu(20), "finishedAt": zulu(20.5)}
    vendor = ArgoReading(
        applications={"shop-prod": {"status": {"history": history, "operationState": done}}},
        manifests={
            sha(15): ['{"kind":"ConfigMap","data":{"x":"timeout_s = 5"}}'],
            sha(19): [f'{{"kind":"ConfigMap","data":{{"x":"{WANTED}"}}}}'],
        },
    )
    settings = {"kind": "argocd", "token_env": "T", "services": {"shop": "shop-prod"}, "timeout": "2s"}
    async with serving(vendor) as server, httpx2.AsyncClient() as client:
        given = ArgoCdSettings.model_validate({**settings, "url": server.url})
        yield World(ArgoCdChanges(given, client, SecretStr(TOKEN)), vendor, server.requests)


def cluster() -> FakeCluster:
    fake = FakeCluster()
    for n, minute in enumerate(MINUTES, start=1):
        env = [{"name": "ARGS", "value": WANTED if minute == 19 else "timeout_s = 5"}]
        template = {"metadata": {"labels": {"pod-template-hash": f"h{n}"}},
                    "spec": {"containers": [{"image": f"acme/shop:1.{n}", "env": env}]}}  # fmt: skip
        metadata = {
            "uid": f"u-{n}",
            "creationTimestamp": zulu(minute),
            "annotations": {"deployment.kubernetes.io/revision": str(n)},
            "ownerReferences": [{"kind": "Deployment", "name": "shop"}],
        }
        fake.add("replicasets", f"shop-h{n}", {"replicas": 3, "template": template}, metadata=metadata)
    return fake


@asynccontextmanager
async def kubernetes(_: Path) -> AsyncIterator[World]:
    fake = cluster()
    settings = {"kind": "kubernetes", "token_env": "T", "timeout": "2s"}
    async with http_server(fake.answer) as server, httpx2.AsyncClient() as client:
        given = KubernetesChangeSettings.model_validate({**settings, "api_url": server.url})
        yield World(KubernetesChanges(given, client, SecretStr(CLUSTER_TOKEN)), None, server.requests)


def run_git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(folder), *words], check=True)


def commit(folder: Path, minute: float, text: str, message: str, author: str = "Ana") -> None:
    folder.mkdir(exist_ok=True)
    if not (folder / ".git").exists():
        subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    (folder / "app.py").write_text(text)
    stamp = at(minute).isoformat()
    person = {"NAME": author, "EMAIL": "ana@example.com", "DATE": stamp}
    who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in person.items()}
    env = {"PATH": os.defpath, "HOME": str(folder), **who}
    subprocess.run(["git", "-C", str(folder), "add", "."], check=True, env=env)
    subprocess.run(["git", "-C", str(folder), "commit", "-q", "-m", message], check=True, env=env)


@asynccontextmanager
async def git(folder: Path) -> AsyncIterator[World]:
    place = folder / "repository"
    for minute in MINUTES:
        text = WANTED if minute == 19 else f"timeout_s = 5  # {minute}"
        commit(place, minute, f"{text}\n", f"Change number {minute}")
    given = GitSettings.model_validate({"kind": "git", "services": {"shop": {"path": str(place)}}})
    yield World(GitChanges(given))


def entry(minute: float, key: str = "new-checkout", environment: str = "production") -> dict[str, Any]:
    return {
        "_id": f"entry-{minute}",
        "date": round(at(minute).timestamp() * 1000),
        "kind": "flag",
        "titleVerb": "turned on the flag",
        "member": {"firstName": "Ana", "lastName": "Lee", "email": "ana@example.com"},
        "target": {"resources": [f"proj/default:env/{environment}:flag/{key};a-tag"]},
    }


FLAGS = {"kind": "launchdarkly", "token_env": "T", "project": "default", "flags": {"new-*": "shop"}}


@asynccontextmanager
async def launchdarkly(_: Path) -> AsyncIterator[World]:
    vendor = FlagLog(entries=[entry(minute) for minute in MINUTES])
    vendor.deltas["entry-19"] = [{"op": "replace", "path": "/environments/production/on", "value": WANTED}]
    async with serving(vendor) as server, httpx2.AsyncClient() as client:
        given = LaunchDarklyChangeSettings.model_validate({**FLAGS, "url": server.url, "timeout": "2s"})
        yield World(LaunchDarklyChanges(given, client, SecretStr(TOKEN)), vendor, server.requests)


EVERY: tuple[Make, ...] = (memory, github, gitlab, argocd, kubernetes, git, launchdarkly)
REFUSED = Reply(401)
