"""What each change source does beyond the contract, over its vendor's own rules."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from contracts.change_worlds import (
    CLUSTER_TOKEN,
    FLAGS,
    TOKEN,
    WINDOW,
    at,
    cluster,
    commit,
    entry,
    github,
    github_settings,
    github_vendor,
    gitlab,
    run_git,
    sha,
    zulu,
)
from pydantic import SecretStr, ValidationError
from servers import Reply, http_server
from vendors.base import Trouble, serving
from vendors.change_vendors import ArgoReading, FlagLog, GitHubReading, GitLabReading

from steadyhand.adapters.changes.argocd import ArgoCdChanges, ArgoCdSettings
from steadyhand.adapters.changes.git import GitChanges, GitSettings
from steadyhand.adapters.changes.github import GitHubChanges
from steadyhand.adapters.changes.kubernetes import KubernetesChanges, KubernetesChangeSettings
from steadyhand.adapters.changes.launchdarkly import LaunchDarklyChanges, LaunchDarklyChangeSettings
from steadyhand.ports import BadAlert, NotAuthentic, Post, Replayed, SourceRefused, SourceUnavailable

pytestmark = pytest.mark.anyio


async def test_github_pages_along_its_links_and_stops_before_the_window() -> None:
    vendor = github_vendor()
    old = [
        {**vendor.deployments[-1], "id": 1000 + n, "created_at": zulu(-n)} for n in range(450)
    ]  # five pages of history nobody asked for
    vendor.deployments += old
    async with serving(vendor) as server, httpx2.AsyncClient() as client:
        found = await GitHubChanges(github_settings(server.url), client, SecretStr(TOKEN)).changes(
            ["shop"], WINDOW
        )
    assert len(found) == 3
    assert vendor.asked.count("GET /repos/acme/shop/deployments") == 1


async def test_github_says_what_ran_before_who_did_it_and_when_it_was_done() -> None:
    async with serving(github_vendor()) as server, httpx2.AsyncClient() as client:
        found = await GitHubChanges(github_settings(server.url), client, SecretStr(TOKEN)).changes(
            ["shop"], WINDOW
        )
    assert (found[-1].author, found[-1].version, found[-1].previous) == ("ana", sha(19)[:10], sha(15)[:10])
    assert found[-1].finished_at == at(20)
    assert found[-1].summary == "Deploy shop (success)"


async def test_github_releases_and_commits_are_changes_where_they_are_asked_for() -> None:
    vendor = GitHubReading(
        releases=[
            {"id": 2, "tag_name": "v2", "name": "Two", "author": {"login": "bo"}, "draft": False,
             "created_at": zulu(11), "published_at": zulu(12), "body": "x"},
            {"id": 1, "tag_name": "v1", "name": "One", "author": {"login": "bo"}, "draft": False,
             "created_at": zulu(1), "published_at": zulu(2), "body": "x"},
        ],
        commits=[
            {"sha": sha(7), "author": None,
             "commit": {"message": "Fix it\n\nat last", "author": {"name": "Cy"},
                        "committer": {"date": zulu(13)}}}
        ],
    )  # fmt: skip
    settings = github_settings("http://127.0.0.1:1", tell=["releases", "commits"])
    async with serving(vendor) as server, httpx2.AsyncClient() as client:
        source = GitHubChanges(settings.model_copy(update={"url": server.url}), client, SecretStr(TOKEN))
        found = await source.changes(["shop"], WINDOW)
    assert [(one.summary, one.author, one.handle) for one in found] == [
        ("release Two", "bo", "v1...v2"),
        ("Fix it", "Cy", sha(7)),
    ]


async def test_github_s_used_up_limit_is_named_with_the_wait() -> None:
    vendor = github_vendor()
    date = datetime.fromtimestamp(1_769_824_800, UTC)
    head = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1769825700"}
    head["date"] = format_datetime(date, usegmt=True)
    async with serving(vendor) as server, httpx2.AsyncClient() as client:
        source = GitHubChanges(github_settings(server.url), client, SecretStr(TOKEN))
        vendor.trouble.append(Trouble(Reply(403, b'{"message":"API rate limit exceeded"}', head)))
        with pytest.raises(SourceUnavailable, match="limit of requests is used up for 15m") as caught:
            await source.changes(["shop"], WINDOW)
    assert caught.value.again_after == timedelta(minutes=15)


@pytest.mark.parametrize("vendor", ["github", "gitlab"])
async def test_of_a_repository_of_several_services_only_what_touched_its_path_is_told(
    vendor: str, tmp_path: Path
) -> None:
    touched = {f"{sha(9)}...{sha(10)}": "shopping/app.py", f"{sha(15)}...{sha(19)}": "shop/app.py"}
    async with {"github": github, "gitlab": gitlab}[vendor](tmp_path, "shop/") as world:
        assert isinstance(world.vendor, GitHubReading | GitLabReading)
        for span, name in touched.items():
            changed = {"github": f"--- a/{name}\n+++ b/{name}\n", "gitlab": [{"new_path": name}]}
            world.vendor.diffs[span] = changed[vendor]
        found = await world.source.changes(["shop"], WINDOW)
    assert [one.started_at for one in found] == [at(15), at(19)], "10 is of another; of 15 nobody can tell"


async def test_a_next_page_at_another_host_gets_no_token() -> None:
    def lure(_: object) -> Reply:
        return Reply(200, b"[]", {"link": '<http://evil.example/x>; rel="next"'})

    async with http_server(lure) as server, httpx2.AsyncClient() as client:
        source = GitHubChanges(github_settings(server.url), client, SecretStr(TOKEN))
        with pytest.raises(SourceRefused, match="another host"):
            await source.changes(["shop"], WINDOW)


async def test_argo_tells_a_sync_that_failed_and_is_in_no_history() -> None:
    state = {
        "phase": "Failed", "message": "one or more objects failed to apply", "startedAt": zulu(16),
        "finishedAt": zulu(17),
        "operation": {"initiatedBy": {"automated": True}, "sync": {"revision": sha(9)}},
    }  # fmt: skip
    vendor = ArgoReading(applications={"shop-prod": {"status": {"history": [], "operationState": state}}})
    given = {"kind": "argocd", "token_env": "T", "services": {"shop": "shop-prod"}}
    async with serving(vendor) as server, httpx2.AsyncClient() as client:
        settings = ArgoCdSettings.model_validate({**given, "url": server.url})
        (one,) = await ArgoCdChanges(settings, client, SecretStr(TOKEN)).changes(["shop"], WINDOW)
    assert one.summary == "sync of shop-prod failed: one or more objects failed to apply"
    assert one.author == "automated sync"


def _event(name: str, minute: float, message: str, kind: str = "Deployment") -> dict[str, Any]:
    return {
        "metadata": {"uid": name},
        "involvedObject": {"kind": kind, "name": "shop"},
        "reason": "ScalingReplicaSet",
        "message": message,
        "lastTimestamp": zulu(minute),
        "source": {"component": "deployment-controller"},
    }


async def test_kubernetes_tells_scalings_returns_and_scheduled_runs_and_no_rollout_twice() -> None:
    fake = cluster()
    for one in (
        _event("e1", 15.1, "Scaled up replica set shop-h3 from 0 to 1"),  # the rollout of minute 15 itself
        _event("e2", 17, "Scaled up replica set shop-h2 from 0 to 3"),  # back to an older one
        _event(
            "e3", 18, "New size: 9; reason: cpu resource utilization above target", "HorizontalPodAutoscaler"
        ),
        _event("e4", 18, "Scaled down replica set shop-h3 from 3 to 0"),
    ):
        more = {key: one[key] for key in ("involvedObject", "reason", "message", "lastTimestamp", "source")}
        fake.add("events", one["metadata"]["uid"], {}, metadata=one["metadata"], **more)
    owner = [{"kind": "CronJob", "name": "shop"}]
    job = fake.add("jobs", "shop-29", {}, metadata={"uid": "j1", "ownerReferences": owner})
    job["status"] = {"startTime": zulu(12), "completionTime": zulu(13)}
    async with http_server(fake.answer) as server, httpx2.AsyncClient() as client:
        given = {"kind": "kubernetes", "token_env": "T", "api_url": server.url}
        source = KubernetesChanges(
            KubernetesChangeSettings.model_validate(given), client, SecretStr(CLUSTER_TOKEN)
        )
        found = await source.changes(["shop"], WINDOW)
    told = [(one.kind, one.started_at, one.version) for one in found if one.kind in {"scaling", "schedule"}]
    assert told == [("schedule", at(12), "shop-29"), ("scaling", at(17), "3"), ("scaling", at(18), "9")]
    assert next(one.finished_at for one in found if one.kind == "schedule") == at(13)


async def test_git_tells_tags_where_a_tag_is_what_is_deployed(tmp_path: Path) -> None:
    place = tmp_path / "repository"
    for minute, tag in ((1, "release-1"), (12, "release-2")):
        commit(place, minute, f"version {tag}\n", f"Prepare {tag}")
        run_git(place, "tag", tag)
    given = {
        "kind": "git",
        "services": {"shop": {"path": str(place), "tags": "release-*", "change": "config"}},
    }
    source = GitChanges(GitSettings.model_validate(given))
    (one,) = await source.changes(["shop"], WINDOW)
    assert (one.previous, one.version, one.kind) == ("release-1", "release-2", "config")
    assert "+version release-2" in await source.diff(one)


async def test_a_repository_cannot_have_its_own_programs_run(tmp_path: Path) -> None:
    place, mark = tmp_path / "repository", tmp_path / "ran"
    commit(place, 1, "a\n", "One")
    commit(place, 12, "b\n", "Two")
    for key in ("diff.external", "core.fsmonitor", "core.pager", "diff.bad.textconv"):
        run_git(place, "config", key, f"touch {mark};:")
    (place / ".gitattributes").write_text("* diff=bad\n")
    source = GitChanges(
        GitSettings.model_validate({"kind": "git", "services": {"shop": {"path": str(place)}}})
    )
    (one,) = await source.changes(["shop"], WINDOW)
    assert "+b" in await source.diff(one)
    assert not mark.exists()


@pytest.mark.parametrize("wrong", [{"branch": "--output=/x"}, {"below": "../other"}, {"below": "/etc"}])
def test_git_settings_that_could_be_options_or_lead_outside_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        GitSettings.model_validate({"kind": "git", "services": {"shop": {"path": "x", **wrong}}})


async def test_a_folder_that_is_no_repository_is_refused_by_name(tmp_path: Path) -> None:
    source = GitChanges(
        GitSettings.model_validate({"kind": "git", "services": {"shop": {"path": str(tmp_path)}}})
    )
    with pytest.raises(SourceRefused, match="not a git repository"):
        await source.changes(["shop"], WINDOW)


async def test_a_long_audit_log_is_read_page_by_page() -> None:
    vendor = FlagLog(entries=[entry(10 + n / 10) for n in range(55)])
    async with serving(vendor) as server, httpx2.AsyncClient() as client:
        given = LaunchDarklyChangeSettings.model_validate({**FLAGS, "url": server.url})
        found = await LaunchDarklyChanges(given, client, SecretStr(TOKEN)).changes(["shop"], WINDOW)
    assert len(found) == 55


def _hook() -> LaunchDarklyChanges:
    given = LaunchDarklyChangeSettings.model_validate({**FLAGS, "secret_env": "S"})
    return LaunchDarklyChanges(given, httpx2.AsyncClient(), SecretStr(TOKEN), SecretStr("hook-secret"))


def _post(body: bytes, minute: float = 10, secret: bytes = b"hook-secret") -> Post:
    signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
    return Post(headers={"x-ld-signature": signature}, body=body, received_at=at(minute))


def test_a_signed_flag_post_is_the_change_the_audit_log_tells_too() -> None:
    (one,) = _hook().read(_post(json.dumps(entry(10)).encode()))
    assert (one.service, one.kind, one.author) == ("shop", "flag", "Ana Lee")
    assert one.summary == "new-checkout: turned on the flag"
    assert _hook().read(_post(json.dumps(entry(10, environment="test")).encode())) == []


def test_a_forged_old_or_broken_flag_post_is_refused() -> None:
    body = json.dumps(entry(10)).encode()
    with pytest.raises(NotAuthentic):
        _hook().read(_post(body, secret=b"guess"))
    with pytest.raises(Replayed):
        _hook().read(_post(body, minute=60))
    with pytest.raises(BadAlert):
        _hook().read(_post(b"[]"))


def test_without_a_secret_no_flag_post_is_taken() -> None:
    given = LaunchDarklyChangeSettings.model_validate(FLAGS)
    hook = LaunchDarklyChanges(given, httpx2.AsyncClient(), SecretStr(TOKEN))
    with pytest.raises(NotAuthentic):
        hook.read(_post(json.dumps(entry(10)).encode(), secret=b""))


async def test_a_huge_diff_is_cut_and_says_so(tmp_path: Path) -> None:
    place = tmp_path / "repository"
    commit(place, 1, "a\n", "One")
    commit(place, 12, "line of text\n" * 9000, "Two")
    source = GitChanges(
        GitSettings.model_validate({"kind": "git", "services": {"shop": {"path": str(place)}}})
    )
    (one,) = await source.changes(["shop"], WINDOW)
    diff = await source.diff(one)
    assert len(diff) <= 20_000
    assert "characters more" in diff
