"""One message as an e-mail: stable Message-ID, thread, plain text and HTML."""

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from steadyhand.adapters.channels.wording import cut, mark, one_line, visible
from steadyhand.ports import Letter

_SUBJECT, _BODY = 200, 50_000


def message_id(letter: Letter, domain: str) -> str:
    """The same for the same key, so that whoever gets it twice sees it once."""
    return f"<{mark(letter.key)}@{domain}>"


def compose(letter: Letter, sender: str, domain: str, at: datetime) -> EmailMessage:
    """The whole message. Its text is untrusted: no line of it can become a header or a tag."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = letter.target
    mail["Subject"] = one_line(letter.subject, _SUBJECT) or "(no subject)"
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id(letter, domain)
    if letter.first:
        mail["In-Reply-To"] = letter.first
        mail["References"] = letter.first
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday note answers it
    text = cut(visible(letter.body), _BODY)
    foot = [one for one in (letter.incident and f"Incident {letter.incident}", letter.link) if one]
    mail.set_content("\n\n".join([text, *foot]) + "\n")
    mail.add_alternative(_html(letter.subject, text, letter), subtype="html")
    return mail


def _html(subject: str, text: str, letter: Letter) -> str:
    paragraphs = "".join(f"<p>{escape(one)}</p>" for one in text.split("\n") if one.strip())
    link = f'<p><a href="{escape(letter.link)}">{escape(letter.incident or "console")}</a></p>'
    head = f"<h2>{escape(one_line(subject, _SUBJECT))}</h2>"
    return f"<!doctype html><html><body>{head}{paragraphs}{link if letter.link else ''}</body></html>\n"
