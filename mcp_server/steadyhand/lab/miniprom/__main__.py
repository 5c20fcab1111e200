"""`python -m steadyhand.lab.miniprom`: reads the files of the real Prometheus and stands in for it."""

import argparse
import asyncio
import logging
import sys
from pathlib import Path

import httpx2

from steadyhand.lab.miniprom.notify import Receiver
from steadyhand.lab.miniprom.process import Process, Setup
from steadyhand.lab.miniprom.rules import load_rules
from steadyhand.lab.miniprom.settings import SettingsError, read_prometheus, read_rules, read_token

REFUSED = 2
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run until a signal; return 2 with the reason on stderr when the settings are refused."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    try:
        setup = _setup(given)
    except SettingsError as error:
        sys.stderr.write(f"mini-prom: {error}\n")
        return REFUSED
    try:
        asyncio.run(_run(setup))
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


async def _run(setup: Setup) -> None:
    async with httpx2.AsyncClient(trust_env=False) as http:
        await Process(setup, http).run()


def _setup(given: argparse.Namespace) -> Setup:
    host, port = given.listen
    return Setup(
        file=read_prometheus(given.config),
        rules=load_rules(read_rules(given.rules)),
        host=host,
        port=port,
        receiver=Receiver(given.webhook, read_token(given.token_file) if given.token_file else None),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m steadyhand.lab.miniprom", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="prometheus.yml")
    parser.add_argument("--rules", type=Path, required=True, help="file of alerting rules")
    parser.add_argument("--listen", type=_host_and_port, required=True, metavar="HOST:PORT")
    parser.add_argument("--webhook", required=True, metavar="URL", help="receives Alertmanager v4 webhooks")
    parser.add_argument("--token-file", type=Path, help="file with the bearer token for the webhook")
    return parser


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host:
        raise ValueError(text)
    return host, int(port)


if __name__ == "__main__":
    sys.exit(main())
