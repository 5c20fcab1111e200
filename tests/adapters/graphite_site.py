"""Graphite as Debian packages it, over a folder of whisper files: run by the system's Python, which has it.

python3 graphite_site.py FOLDER PORT START       START: unix seconds of the first sample
"""

import sys
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

MINUTES = 60


class Quiet(WSGIRequestHandler):
    """Says nothing of what it is asked."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


def fill(folder: Path, start: int) -> None:
    """A sample a minute of two hosts, with a hole in the second one."""
    import whisper  # noqa: PLC0415 -- the system's Python has it

    for number, host in enumerate(("a", "b")):
        path = folder / "shop" / host / "p95.wsp"
        path.parent.mkdir(parents=True)
        whisper.create(str(path), [(60, 24 * 60)])
        points = [(start + 60 * minute, 10.0 * minute + number) for minute in range(MINUTES)]
        whisper.update_many(str(path), [one for one in points if not (number and one[1] == 21.0)])


def main(folder: Path, port: int, start: int) -> None:
    """Serve until killed."""
    import django  # noqa: PLC0415 -- the system's Python has it
    import graphite.settings as shipped  # noqa: PLC0415 -- same
    from django.conf import settings  # noqa: PLC0415 -- same
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415 -- same

    fill(folder / "whisper", start)
    given = {name: getattr(shipped, name) for name in dir(shipped) if name.isupper()}
    given |= {
        "SECRET_KEY": "of a test",
        "WHISPER_DIR": str(folder / "whisper"),
        "STANDARD_DIRS": [str(folder / "whisper")],
        "INDEX_FILE": str(folder / "index"),
        "LOG_DIR": str(folder),
        "STORAGE_DIR": str(folder),
        "CARBONLINK_HOSTS": [],
        "TIME_ZONE": "UTC",
        "ALLOWED_HOSTS": ["127.0.0.1"],
        "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "db")}},
    }
    settings.configure(**given)
    django.setup()
    make_server("127.0.0.1", port, get_wsgi_application(), handler_class=Quiet).serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
