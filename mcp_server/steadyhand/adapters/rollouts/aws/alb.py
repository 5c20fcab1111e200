"""Traffic by an AWS application load balancer: the weights of two target groups in one rule.

The API knows no compare-and-set: the last writer wins, and a change by somebody else is only seen at the next
look. At share 0 the rule names the stable group alone, so that users with a stickiness cookie move too.
"""

from typing import Any, Final, Literal
from xml.etree import ElementTree as ET

from pydantic import Field, model_validator

from steadyhand.adapters.rollouts.aws.api import Aws
from steadyhand.adapters.rollouts.aws.ecs import EcsArmSettings
from steadyhand.adapters.rollouts.aws.schedule import Reversal, ScheduledSettings
from steadyhand.adapters.rollouts.promql import PromqlCounters
from steadyhand.ports import SourceRefused

_API: Final = "2015-12-01"
_WHOLES = (100, 200, 500, 800, 999)  # a weight is 0 to 999


class AlbSettings(ScheduledSettings):
    """A listener or one of its rules that only forwards; and what releases."""

    kind: Literal["aws_alb"]
    rule_arn: str = Field(pattern=r"^arn:aws[\w-]*:elasticloadbalancing:.+:listener(-rule)?/app/.+$")
    stable_group: str = Field(
        pattern=r"^arn:.+:targetgroup/.+$", description="ARN of the stable target group."
    )
    canary_group: str = Field(
        pattern=r"^arn:.+:targetgroup/.+$", description="ARN of the canary target group."
    )
    ecs: EcsArmSettings | None = Field(default=None, description="Arms that are ECS services.")
    deploy_url: str = Field(default="", pattern=r"^(https?://[^@]+)?$", description="Else: what releases.")
    deploy_secret_env: str = Field(default="", description="Environment variable with its bearer token.")
    counters: PromqlCounters = Field(description="CloudWatch's minute is too coarse for a canary.")

    @model_validator(mode="after")
    def _releases_once(self) -> "AlbSettings":
        if bool(self.ecs) == bool(self.deploy_url):
            raise ValueError("one of `ecs` and `deploy_url` is needed")
        return self


class AlbKnob:
    """A Knob over one rule, or over the default action of a listener."""

    def __init__(self, settings: AlbSettings, aws: Aws) -> None:
        self.name = settings.name
        self._settings = settings
        self._aws = aws
        self._is_rule = ":listener-rule/" in settings.rule_arn

    async def share(self) -> float:
        """The canary group's weight as a part of both."""
        action = await self._action()
        weights = {
            one.findtext("TargetGroupArn", ""): int(one.findtext("Weight") or 1)
            for one in action.iterfind("ForwardConfig/TargetGroups/member")
        }
        weights = weights or {action.findtext("TargetGroupArn", ""): 1}  # the short form, for a single group
        strangers = set(weights) - {self._settings.stable_group, self._settings.canary_group}
        if strangers:
            raise SourceRefused(self.name, f"the rule forwards elsewhere too: {', '.join(sorted(strangers))}")
        return weights.get(self._settings.canary_group, 0) / (sum(weights.values()) or 1)

    async def set_share(self, share: float) -> None:
        """Both weights in one call; at 0 the canary group is left out."""
        whole = next((one for one in _WHOLES if abs(one * share - round(one * share)) < 1e-9), 0)  # noqa: PLR2004
        if not whole:
            raise SourceRefused(self.name, f"no two weights of 0 to 999 make {share:.4%}")
        canary = round(whole * share)
        weights = {self._settings.stable_group: whole - canary}
        if canary:
            weights[self._settings.canary_group] = canary
        await self._modify(weights, await self._action())
        now = await self.share()
        if abs(now - share) > 1e-9:  # noqa: PLR2004
            raise SourceRefused(self.name, f"the share was set to {share:g} and reads {now:g}")

    async def admit(self) -> None:
        """The group's own health checks let targets in."""

    async def evict(self) -> None:
        """At share 0 the rule names one group: a cookie of the other is worth nothing."""

    async def reversal(self) -> Reversal:
        """The same call with the stable group alone."""
        call = "modifyRule" if self._is_rule else "modifyListener"
        group = {"TargetGroupArn": self._settings.stable_group, "Weight": 100}
        actions = [{"Type": "forward", "ForwardConfig": {"TargetGroups": [group]}}]
        names = ("RuleArn", "Actions") if self._is_rule else ("ListenerArn", "DefaultActions")
        given = dict(zip(names, (self._settings.rule_arn, actions), strict=True))
        return Reversal(f"arn:aws:scheduler:::aws-sdk:elasticloadbalancingv2:{call}", given)

    def by_hand(self) -> str:
        """The AWS command line's own."""
        call, arn, actions = ("modify-rule", "--rule-arn", "--actions")
        if not self._is_rule:
            call, arn, actions = ("modify-listener", "--listener-arn", "--default-actions")
        forward = f"Type=forward,TargetGroupArn={self._settings.stable_group}"
        where = f"--region {self._settings.region} {arn} {self._settings.rule_arn}"
        return f"aws elbv2 {call} {where} {actions} {forward}"

    async def _action(self) -> ET.Element:
        what = "Rule" if self._is_rule else "Listener"
        root = await self._query(f"Describe{what}s", {f"{what}Arns.member.1": self._settings.rule_arn})
        actions = root.findall(".//Actions/member" if self._is_rule else ".//DefaultActions/member")
        if len(actions) != 1 or actions[0].findtext("Type") != "forward":
            raise SourceRefused(self.name, "the rule does more than forward: it is left alone")
        return actions[0]

    async def _modify(self, weights: dict[str, int], now: ET.Element) -> None:
        prefix = "Actions.member.1" if self._is_rule else "DefaultActions.member.1"
        config = f"{prefix}.ForwardConfig"
        params: dict[str, Any] = {f"{prefix}.Type": "forward"}
        params["RuleArn" if self._is_rule else "ListenerArn"] = self._settings.rule_arn
        for i, (group, weight) in enumerate(weights.items(), start=1):
            params[f"{config}.TargetGroups.member.{i}.TargetGroupArn"] = group
            params[f"{config}.TargetGroups.member.{i}.Weight"] = str(weight)
        for key in ("Enabled", "DurationSeconds"):
            kept = now.findtext(f"ForwardConfig/TargetGroupStickinessConfig/{key}")
            if kept:
                params[f"{config}.TargetGroupStickinessConfig.{key}"] = kept
        await self._query("ModifyRule" if self._is_rule else "ModifyListener", params)

    async def _query(self, action: str, params: dict[str, str]) -> ET.Element:
        return await self._aws.query("elasticloadbalancing", _API, action, params)
