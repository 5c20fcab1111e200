"""Secrets and personal data in the forms in which they stand in real text, few enough at once to be shown.

Each batch is a text and what of it must not come out. A page cuts long texts: what is cut off proves nothing.
"""

from typing import NamedTuple


class Batch(NamedTuple):
    """A text with canaries, and the canaries in it."""

    text: str
    secrets: tuple[str, ...]


_BODY = ("MIIc4n4ryAbQ", "qC4n4ryTail")
_BEGIN, _END = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"
_JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjNG5hcnkifQ.c4n4rySignature"

BATCHES = {
    "key of many lines": Batch("\n".join((_BEGIN, *_BODY, _END)), _BODY),
    "key in JSON": Batch(rf'{{"pem": "{_BEGIN}\n{_BODY[0]}\n{_BODY[1]}\n{_END}"}}', _BODY),
    "cookies": Batch(
        'Set-Cookie: sid=c4n4ryA1; Path=/\nCookie: sid="c4n4ryB2"; theme=c4n4ryC3\n'
        r"{\"cookie\": \"sid=c4n4ryD4; t=c4n4ryE5\"}",
        ("c4n4ryA1", "c4n4ryB2", "c4n4ryC3", "c4n4ryD4", "c4n4ryE5"),
    ),
    "tokens": Batch(f"got {_JWT}\nAuthorization: ApiKey c4n4ryTok7", (_JWT, "c4n4rySignature", "c4n4ryTok7")),
    "cloud keys": Batch(
        "AKIAC4NARYC4NARY9999 aws_secret_access_key=c4n4ry/Aws+Sec "
        "AccountName=shop;AccountKey=c4n4ry+Az/Key==; ya29.c4n4ryGoogle",
        ("AKIAC4NARYC4NARY9999", "c4n4ry/Aws", "c4n4ry+Az", "c4n4ryGoogle"),
    ),
    "connections": Batch(
        "postgres://shop:c4n@ry/Pg1@db/x kim:c4n4ryMy2@tcp(db:3306)/x "
        "Server=db;Pwd={c4n4ry;Ado3};x host=db password='c4n4ry Dsn4'",
        ("c4n@ry", "ry/Pg1", "c4n4ryMy2", "c4n4ry;Ado3", "Ado3", "Dsn4"),
    ),
    "people": Batch(
        "card 4111 1111 1111 1111, pan=5555555555554444 c4n4ry.person@example.com u=c4n4ry.kim%40example.org",
        ("4111 1111", "5555555555554444", "c4n4ry.person", "c4n4ry.kim"),
    ),
    "addresses": Batch(
        "http://203.0.113.77:8080/x http://[2001:db8::c4:9]/ u=http%3A%2F%2F198.51.100.23%2F",
        ("203.0.113.77", "2001:db8::c4:9", "198.51.100.23"),
    ),
}
