import platform
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from steadyhand.lab.layout import Layout
from steadyhand.lab.servers import prometheus
from steadyhand.lab.servers.binary import in_wheel, missing

LAYOUT = Layout(Path("/x"), 21400)


def _rules() -> list[dict[str, Any]]:
    document = yaml.safe_load(Path(prometheus.__file__).with_name("rules.yml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("rule", _rules(), ids=lambda rule: rule["alert"])
def test_every_alert_can_be_read_and_says_whom_it_concerns(rule: dict[str, Any]) -> None:
    promql_parser.parse(rule["expr"])
    assert rule["labels"]["service"] == "shop"
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert set(rule["annotations"]) == {"summary", "value"}


def test_an_empty_canary_arm_is_scraped_but_does_not_alert() -> None:
    jobs = {
        job["job_name"]: job for job in prometheus.scraping(LAYOUT, with_alertmanager=False)["scrape_configs"]
    }
    arms = [one["labels"]["arm"] for one in jobs["shop"]["static_configs"]]
    assert (arms.count("stable"), arms.count("canary")) == (3, 3)
    down = next(rule for rule in _rules() if rule["alert"] == "InstanceDown")
    assert 'arm="stable"' in down["expr"]


def test_the_token_for_alerts_stays_in_its_file() -> None:
    hook = prometheus.routing("http://127.0.0.1:1/alerts", Path("/x/token"))["receivers"][0][
        "webhook_configs"
    ][0]
    assert hook["http_config"]["authorization"] == {"type": "Bearer", "credentials_file": "/x/token"}


def test_without_an_address_nobody_is_told() -> None:
    assert prometheus.routing("", None)["receivers"] == [{"name": "steadyhand"}]


def test_a_server_without_a_wheel_is_refused_in_one_sentence_with_the_way_out() -> None:
    assert in_wheel("no_such_package_at_all", "bin", "redis-server") is None
    told = str(missing("Redis", "install redis-server"))
    assert told == f"the lab has no Redis for {platform.system()} {platform.machine()}; install redis-server"
