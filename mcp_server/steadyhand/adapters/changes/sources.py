"""Every change source there is, by its kind."""

from collections.abc import Callable
from typing import Annotated, assert_never

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.changes.argocd import ArgoCdChanges, ArgoCdSettings
from steadyhand.adapters.changes.git import GitChanges, GitSettings
from steadyhand.adapters.changes.github import GitHubChanges, GitHubChangeSettings
from steadyhand.adapters.changes.gitlab import GitLabChanges, GitLabChangeSettings
from steadyhand.adapters.changes.kubernetes import KubernetesChanges, KubernetesChangeSettings
from steadyhand.adapters.changes.launchdarkly import LaunchDarklyChanges, LaunchDarklyChangeSettings
from steadyhand.ports import ChangeSource

ChangeSettings = Annotated[
    ArgoCdSettings
    | GitSettings
    | GitHubChangeSettings
    | GitLabChangeSettings
    | KubernetesChangeSettings
    | LaunchDarklyChangeSettings,
    Field(discriminator="kind"),
]
Secret = Callable[[str], SecretStr | None]


def build_changes(
    settings: ChangeSettings, client: httpx2.AsyncClient, secret: Secret, needed: Callable[[str], SecretStr]
) -> ChangeSource:
    """The source of these settings. Raises ConfigError for a secret that is not there."""
    match settings:
        case GitSettings():
            return GitChanges(settings)
        case GitHubChangeSettings():
            return GitHubChanges(settings, client, needed(settings.token_env))
        case GitLabChangeSettings():
            return GitLabChanges(settings, client, needed(settings.token_env))
        case ArgoCdSettings():
            return ArgoCdChanges(settings, client, needed(settings.token_env))
        case KubernetesChangeSettings():
            return KubernetesChanges(settings, client, secret(settings.token_env))
        case LaunchDarklyChangeSettings():
            hook = secret(settings.secret_env)
            return LaunchDarklyChanges(settings, client, needed(settings.token_env), hook)
        case _:
            assert_never(settings)
