"""The terminal door. Each command's code is imported only when the command is called."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

_WHICH = "incident-config.yaml; looked for where not given"
Command = Callable[[argparse.Namespace], int]
Add = Callable[[str, str, Command], argparse.ArgumentParser]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code: 0 done, 1 refused or failed, 2 called wrongly."""
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["mcp"]:
        # Before anything heavy: a session wants its tools within a blink.
        from steadyhand.pipe import main as pipe  # noqa: PLC0415

        return pipe()
    args = _parser().parse_args(given)
    command: Command = args.run
    return _guarded(command, args)


def _guarded(command: Command, args: argparse.Namespace) -> int:
    from steadyhand.ports import SteadyhandError  # noqa: PLC0415 - pydantic comes with it

    try:
        return command(args)
    except SteadyhandError as error:
        sys.stderr.write(f"steadyhand: {error}\n")
        return 1
    except OSError as error:  # a folder, a file or a disk; its own text names it
        sys.stderr.write(f"steadyhand: {error}\n")
        return 1
    except (KeyboardInterrupt, EOFError):
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="steadyhand", description="Incident response for on-call engineers."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, help_text: str, run: Command) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=help_text, description=help_text)
        one.set_defaults(run=run)
        return one

    for family in (
        _add_service,
        _add_people,
        _add_on_call,
        _add_incidents,
        _add_quiet,
        _add_hands,
        _add_messages,
        _add_records,
        _add_lab,
    ):
        family(add)
    return parser


def _add_service(add: Add) -> None:
    serve = add("serve", "Run the control service and its console.", _serve)
    serve.add_argument("--config", type=Path, help=_WHICH)
    serve.add_argument("--port", type=int, help="instead of listen.port")
    serve.add_argument("--detach", action="store_true", help="return once it answers")
    worker = add("worker", "Join the processes that keep the store's promises.", _worker)
    worker.add_argument("--config", type=Path, help=_WHICH)
    add("mcp", "Speak MCP on stdin and stdout for Claude Code.", _serve)
    check = add("config", "Check the configuration and say who would be paged when.", _config)
    check.add_argument("what", choices=("check", "show"))
    check.add_argument("--config", type=Path)
    check.add_argument("--severity", default="SEV2", choices=("SEV1", "SEV2", "SEV3", "SEV4"))
    check.add_argument("--service", default="", help="whose incident it would be")
    check.add_argument(
        "--at", default="", help="when it would open, e.g. 2026-01-31T02:00:00Z; now where not given"
    )


def _serve(args: argparse.Namespace) -> int:
    from steadyhand.commands.service import serve  # noqa: PLC0415
    from steadyhand.config import default_path  # noqa: PLC0415

    return serve(args.config or default_path(), args.port, detach=args.detach)


def _worker(args: argparse.Namespace) -> int:
    from steadyhand.commands.service import work  # noqa: PLC0415
    from steadyhand.config import default_path  # noqa: PLC0415

    return work(args.config or default_path())


def _config(args: argparse.Namespace) -> int:
    from steadyhand.commands.settings import check, show  # noqa: PLC0415
    from steadyhand.config import default_path  # noqa: PLC0415

    path = args.config or default_path()
    return show(path) if args.what == "show" else check(path, args.severity, args.service, args.at)


def _add_people(add: Add) -> None:
    people = add("people", "Say who may sign in and approve.", _people)
    people.add_argument("what", choices=("add", "list"))
    people.add_argument("name", nargs="?", default="")
    people.add_argument("--role", default="approver")
    people.add_argument("--config", type=Path, help=_WHICH)


def _people(args: argparse.Namespace) -> int:
    from steadyhand.commands.people import add, show  # noqa: PLC0415

    return add(args.name, args.role, args.config) if args.what == "add" else show(args.config)


def _add_on_call(add: Add) -> None:
    oncall = add("oncall", "Say who is on call now, or from when to when.", _oncall)
    oncall.add_argument("what", nargs="?", default="now", choices=("now", "shifts", "ical"))
    oncall.add_argument("--schedule", default="", help="all of them where not given")
    oncall.add_argument(
        "--from", dest="start", default="", help="e.g. 2026-01-31T00:00Z; now where not given"
    )
    oncall.add_argument("--to", dest="end", default="", help="two weeks later where not given")
    oncall.add_argument("--config", type=Path)


def _oncall(args: argparse.Namespace) -> int:
    from steadyhand.commands.oncall import oncall  # noqa: PLC0415
    from steadyhand.config import default_path  # noqa: PLC0415

    return oncall(args.config or default_path(), args.what, args.schedule, args.start, args.end)


def _add_incidents(add: Add) -> None:
    add("incidents", "List incidents and where each stands.", _incidents).add_argument(
        "--as", dest="person", default="", help="your name; asked for where not given"
    )
    for name, help_text in (
        ("approve", "Say yes to a plan, with your PIN."),
        ("reject", "Say no to a plan, with your PIN and a reason."),
        ("ack", "Say that you have an incident."),
        ("abort", "Take a rollout back now."),
        (
            "promote",
            "Give an undecided fix all traffic without proof; only in a SEV1, with a reason.",
        ),
        ("close", "Close an incident by hand."),
    ):
        one = add(name, help_text, _answer)
        one.set_defaults(verb=name)
        one.add_argument(
            "id", nargs="?", default="", help="the incident; the newest open one where not given"
        )
        one.add_argument("--as", dest="person", default="", help="your name; asked for where not given")
        one.add_argument("--reason", default="")
    _add_rollouts(add)
    severity = add("severity", "Say how bad an incident is, with your PIN and a reason.", _severity)
    severity.add_argument("severity", choices=("SEV1", "SEV2", "SEV3", "SEV4"))
    severity.add_argument(
        "id", nargs="?", default="", help="the incident; the newest open one where not given"
    )
    severity.add_argument("--as", dest="person", default="", help="your name; asked for where not given")
    severity.add_argument("--reason", default="", help="asked for where not given")
    alert = add("alert", "Open an incident from the terminal.", _alert)
    alert.add_argument("service")
    alert.add_argument("title")
    alert.add_argument("--severity", default="critical")
    alert.add_argument("--summary", default="", help="one more sentence")
    alert.add_argument("--key", default="", help="tells alerts apart; service and title where not given")
    alert.add_argument("--resolve", action="store_true", help="say that it is over")
    alerts = add("alerts", "Show the alerts of an incident as they came in.", _alerts)
    alerts.add_argument("incident")
    alerts.add_argument("--as", dest="person", default="", help="your name; asked for where not given")


def _add_quiet(add: Add) -> None:
    for name, help_text, what in (
        ("silence", "Keep alerts that match from waking anybody.", "service=shop, name=High* or region!=eu"),
        ("maintenance", "Plan a time in which services wake nobody.", "service, or a pattern such as shop-*"),
    ):
        one = add(name, help_text, _quiet)
        one.set_defaults(kind=name)
        one.add_argument("what", choices=("list", "add", "end"))
        one.add_argument("matches", nargs="*", help=f"{what}; for end: the id")
        one.add_argument("--for", dest="lasts", default="1h", help="how long, e.g. 30m or 2h")
        one.add_argument("--from", dest="begins", default="", help="e.g. 2026-12-01T02:00:00Z; else now")
        one.add_argument("--reason", default="")
        one.add_argument("--as", dest="person", default="", help="your name; asked for where not given")


def _quiet(args: argparse.Namespace) -> int:
    from steadyhand.commands.quiet import add, end, show  # noqa: PLC0415

    if args.what == "list":
        return show(args.person)
    if args.what == "end":
        return end(args.matches, args.person)
    return add(args.kind, args.matches, args.begins, args.lasts, args.reason, args.person)


def _alerts(args: argparse.Namespace) -> int:
    from steadyhand.commands.answers import alerts  # noqa: PLC0415

    return alerts(args.incident, args.person)


def _hand(args: argparse.Namespace) -> int:
    from steadyhand.commands.answers import hand  # noqa: PLC0415

    return hand(args.verb, args.to, args.id, args.person)


def _add_hands(add: Add) -> None:
    for name, help_text, told in (
        (
            "snooze",
            "Quiet an incident for a while; then the same people are told again.",
            "how long: 30m, 2h",
        ),
        ("reassign", "Give an incident to somebody else, who is told now.", "their name"),
        ("delegate", "Hand the open question to another approver; its deadline stays.", "their name"),
    ):
        one = add(name, help_text, _hand)
        one.set_defaults(verb=name)
        one.add_argument("to", metavar="SPAN" if name == "snooze" else "NAME", help=told)
        one.add_argument(
            "id", nargs="?", default="", help="the incident; the newest open one where not given"
        )
        one.add_argument("--as", dest="person", default="", help="your name; asked for where not given")


def _add_rollouts(add: Add) -> None:
    watch = add("watch", "Watch a rollout: share, both arms, interval, verdict, seconds left.", _watch)
    widen = add("widen", "Give the canary more traffic, to see more, with your PIN.", _widen)
    widen.add_argument("share", help="one of canary.wider, like 25%%")
    for one in (watch, widen):
        one.add_argument(
            "id", nargs="?", default="", help="the incident; the newest open one where not given"
        )
        one.add_argument("--as", dest="person", default="", help="your name; asked for where not given")


def _watch(args: argparse.Namespace) -> int:
    from steadyhand.commands.answers import watch  # noqa: PLC0415

    return watch(args.id, args.person)


def _widen(args: argparse.Namespace) -> int:
    from steadyhand.commands.answers import widen  # noqa: PLC0415

    return widen(args.share, args.id, args.person)


def _incidents(args: argparse.Namespace) -> int:
    from steadyhand.commands.answers import show  # noqa: PLC0415

    return show(args.person)


def _answer(args: argparse.Namespace) -> int:
    from steadyhand.commands.answers import answer  # noqa: PLC0415

    return answer(args.verb, args.id, args.person, args.reason)


def _severity(args: argparse.Namespace) -> int:
    from steadyhand.commands.answers import grade  # noqa: PLC0415

    return grade(args.severity, args.id, args.person, args.reason)


def _alert(args: argparse.Namespace) -> int:
    from steadyhand.commands.answers import alert  # noqa: PLC0415

    given = {
        "summary": args.summary,
        "dedup_key": args.key,
        "status": "resolved" if args.resolve else "firing",
    }
    return alert(args.service, args.title, args.severity, given)


def _add_messages(add: Add) -> None:
    channels = add("channels", "Say whether each channel is ready, or try one out.", _channels)
    channels.add_argument("what", choices=("check", "test"))
    channels.add_argument("name", nargs="?", default="", help="test: the channel")
    channels.add_argument(
        "target", nargs="?", default="", help="test: whom it is for, as the channel calls them"
    )
    channels.add_argument("--config", type=Path)
    for name, help_text in (
        ("told", "List what became of each message of an incident."),
        ("update", "Tell stakeholders how things stand, in your own words."),
    ):
        one = add(name, help_text, _messages)
        one.set_defaults(verb=name)
        one.add_argument("incident")
        one.add_argument("--as", dest="person", default="", help="your name; asked for where not given")
        if name == "update":
            one.add_argument("--words", default="", help="what to say; asked for where not given")


def _channels(args: argparse.Namespace) -> int:
    from steadyhand.commands.messages import check, try_out  # noqa: PLC0415
    from steadyhand.config import default_path  # noqa: PLC0415

    path = args.config or default_path()
    return check(path) if args.what == "check" else try_out(path, args.name, args.target)


def _messages(args: argparse.Namespace) -> int:
    from steadyhand.commands.messages import told, update  # noqa: PLC0415

    if args.verb == "told":
        return told(args.incident, args.person)
    return update(args.incident, args.person, args.words)


def _add_records(add: Add) -> None:
    audit = add("audit", "Show the audit trail, prove it unchanged, export it, erase a name.", _audit)
    audit.add_argument("what", choices=("verify", "show", "export", "erase"))
    audit.add_argument("name", nargs="?", default="", help="erase: whose name")
    audit.add_argument("--incident", default="", help="show, export: only this one")
    audit.add_argument("--to", type=Path, help="export: the folder to write")
    audit.add_argument("--from", dest="start", default="", help="verify: after this checkpoint (file or row)")
    audit.add_argument("--checkpoints", type=Path, action="append", default=[], help="verify: a file of some")
    audit.add_argument(
        "--key", action="append", default=[], help="verify: a public key in hex; else audit.pub"
    )
    audit.add_argument("--config", type=Path, help=_WHICH)
    report = add("report", "Print an incident's report in Markdown.", _report)
    report.add_argument("incident")
    report.add_argument("--config", type=Path, help=_WHICH)
    traffic = add("traffic", "Bring a service's traffic home by hand, without the service.", _traffic)
    traffic.add_argument("what", choices=("home",))
    traffic.add_argument("name", help="the service, as connections.traffic calls it")
    traffic.add_argument("--config", type=Path, help=_WHICH)


def _traffic(args: argparse.Namespace) -> int:
    from steadyhand.commands.traffic import bring  # noqa: PLC0415
    from steadyhand.config import default_path  # noqa: PLC0415

    return bring(args.config or default_path(), args.name)


def _audit(args: argparse.Namespace) -> int:
    from steadyhand.commands.exports import export  # noqa: PLC0415
    from steadyhand.commands.records import Asked, erase, show, verify  # noqa: PLC0415

    match args.what:
        case "verify":
            asked = Asked(tuple(args.checkpoints), tuple(args.key), args.start)
            return verify(asked, args.config)
        case "export":
            return export(args.incident, args.to, args.config)
        case "erase":
            return erase(args.name, args.config)
        case _:
            return show(args.incident, args.config)


def _report(args: argparse.Namespace) -> int:
    from steadyhand.commands.records import report  # noqa: PLC0415

    return report(args.incident, args.config)


def _add_lab(add: Add) -> None:
    lab = add("lab", "A real little production that can be broken.", _lab)
    lab.add_argument("what", choices=("up", "break", "fix", "status", "down"))
    lab.add_argument("fault", nargs="?", default="")
    lab.add_argument("--dir", type=Path, default=Path(".steadyhand/lab"))
    lab.add_argument("--base-port", type=int, default=18000)
    lab.add_argument("--rps", type=float, default=50.0)
    lab.add_argument("--detach", action="store_true")
    demo = add("demo", "Break a service for real and watch it being mended.", _demo)
    demo.add_argument("--fault", default="leaky-release")
    demo.add_argument("--auto-approve", action="store_true", help="a scripted engineer signs in and says yes")
    demo.add_argument("--base-port", type=int, default=18000)
    demo.add_argument("--dir", type=Path, default=Path(".steadyhand/demo"))


def _lab(args: argparse.Namespace) -> int:
    from steadyhand.commands.lab import lab  # noqa: PLC0415

    return lab(args)


def _demo(args: argparse.Namespace) -> int:
    from steadyhand.demo import demo  # noqa: PLC0415

    return demo(args.fault, args.dir, args.base_port, auto_approve=args.auto_approve)
