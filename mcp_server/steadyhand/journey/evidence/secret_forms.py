"""The forms in which secrets and personal data stand in text, in the order in which they are looked for.

Where a form has a group `secret`, only that part is hidden: the name beside it helps whoever reads. Repeats
without an end of their own are bounded, so that hostile text costs no more than plain text.
"""

import re

_NAMED = (
    r"pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|client[_-]?secret"
    r"|account[_-]?key|authorization|credentials?|sess(?:ion)?[_-]?id|connect\.sid|cookie|signature|sig"
)
_IS = r"\s*(?:=>|[=:,])\s*"
_START = r"(?:(?<![A-Za-z0-9_])|(?<=\\[nrt]))"  # of a word, after a line break as JSON writes it too
_COMMAND = r"[^\r\n]{0,200}?\s"  # what stands between a program and its option


def _form(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


def _word(text: str) -> re.Pattern[str]:
    return _form(_START + text)


def _exact(text: str) -> re.Pattern[str]:
    return re.compile(_START + text)


_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY[A-Z ]*-----.*?(?:-----END [A-Z ]*PRIVATE KEY[A-Z ]*-----|\Z)", re.DOTALL
)
_WEB_TOKENS = (  # RFC 7519, three parts; encrypted ones (RFC 7516) have five
    _exact(r"eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*){0,3}"),
    _word(r"(?:bearer|basic|negotiate|digest(?=\s+\w+=))\s+(?P<secret>[\w.~+/=-]{6,})"),
    _word(r"""authorization\\*["']?\s*[:=]\s*\\*["']?[a-z][\w-]{0,20}[ ]+(?P<secret>[^\s"'\\<,]{4,})"""),
)
_CONNECTIONS = (  # a password may hold what parts an address elsewhere: the last @ ends it
    re.compile(r"""://[^\s/:@]{0,100}:(?!\d{1,5}[/?#])(?P<secret>(?:(?!://)[^\s"<>])+)@"""),
    re.compile(r"""://[^\s/:]{0,100}:(?P<secret>[^\s/"<>]+)@"""),
    _form(r"""(?<![\w.-])[\w.-]{1,64}:(?P<secret>[^\s"'<>]{1,200})@(?:tcp|udp|unix)\("""),
    _word(r"""jdbc:oracle:\w+:[^\s/:@]{1,64}/(?P<secret>[^\s"<>]{1,200})@"""),
    _word(rf"""(?:mysql|mariadb)\w*\b{_COMMAND}-p(?P<secret>[^\s=-]\S*)"""),
    _word(rf"""(?:curl|wget)\b{_COMMAND}(?:-u|--user)[ =]*["']?[^\s:"']{{1,64}}:(?P<secret>[^\s"'<]+)"""),
)
_COOKIES = (
    _word(rf"""cookies?\\*["']?{_IS}[\[(]?\s*(?P<q>\\*["'])(?P<secret>(?:(?!(?P=q))(?:\\.|[^\\\r\n]))+)"""),
    _word(rf"""cookies?\\*["']?{_IS}(?P<secret>\{{[^{{}}\r\n]+)"""),
    _word(r"""cookies?\s*[:=]\s*(?P<secret>[^\s"'=;,\\{]+=(?:[^\r\n"'\\]|(?<==)\\*"[^"\\\r\n]*\\*"?)+)"""),
    _word(rf"""curl\b{_COMMAND}(?:-b|--cookie)[ =]*["']?(?P<secret>[^\s"'=<]+=[^"'\r\n]+)"""),
)
_NAMED_VALUES = (
    _form(
        rf"""(?<![\w-])[\w-]{{0,24}}?(?:{_NAMED})\\+["']\s*:\s*(?P<q>\\+["'])"""
        r"""(?P<secret>(?:(?!(?P=q))[^\r\n])+)"""  # JSON inside of JSON
    ),
    _form(rf"""<[\w:.-]{{0,24}}?(?:{_NAMED})(?:\s[^<>]{{0,80}})?>(?P<secret>[^<>\s][^<>]*)</"""),
    _form(
        rf"""(?<![\w-])[\w-]{{0,24}}?(?:{_NAMED})["']?\s*(?:=>|[=:]|%3[ad])\s*[\[(]?"""
        r"""(?P<secret>"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|\{[^{}"\r\n]+\}|[^\s,;&"'<>)\]}]+)"""
    ),
)
_PASSWORDS = (
    _form(r"(?:password|passphrase|pwd|secret)\s(?:is|to)\s(?P<secret>\S*\d\S*)"),
    _word(r"""(?:password|identified\s+(?:with\s+\S{1,40}\s+)?(?:by|as))\s+(?P<secret>'[^']*'?)"""),
    _form(rf"--(?:{_NAMED})\s+(?P<secret>[^\s-]\S*)"),
)
_KEYS = (
    _exact(r"(?:AKIA|ASIA)[A-Z0-9]{12,}\b"),
    _exact(r"(?:gh[pousr]|github_pat|glpat|xox[abprs]|sk|pk|rk|npm|hf|shpat|dop_v1)[_-][\w-]{10,}"),
    _exact(r"(?:AIza[\w-]{30,}|GOCSPX-[\w-]{10,}|ya29\.[\w-]{10,})"),
    _word(r"hooks\.slack\.com/services/(?P<secret>[\w/]+)"),
)

SECRET_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("key", _KEY_BLOCK),
    *(("token", one) for one in _WEB_TOKENS),
    *(("password", one) for one in _CONNECTIONS),
    *(("cookie", one) for one in _COOKIES),
    *(("secret", one) for one in _NAMED_VALUES),
    *(("password", one) for one in _PASSWORDS),
    *(("key", one) for one in _KEYS),
    ("email", re.compile(r"(?:(?<!\w)[A-Za-z]')?[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")),
    ("card", re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}\b")),
)
"""Each kind of placeholder with a form of what it stands for."""

# In small letters: each form needs one of these, or as many digits as a card has.
_SIGNS = (
    *("pass", "pwd", "secret", "token", "key", "authorization", "credential", "sess", "sid", "cookie", "sig"),
    *("bearer", "basic", "negotiate", "digest", "identified", "@", "%40", "-----begin", "eyj"),
    *("mysql", "mariadb", "curl", "wget", "akia", "asia", "aiza", "gocspx", "ya29", "hooks.slack"),
    *("ghp", "gho", "ghu", "ghs", "ghr", "github_pat", "glpat", "xox", "shpat", "dop_v1"),
    *("sk_", "sk-", "pk_", "pk-", "rk_", "rk-", "npm_", "npm-", "hf_", "hf-"),
)
_CARD = re.compile(r"\d(?:[ -]?\d){12}")


def may_hold_secret(text: str) -> bool:
    """Whether any form can be found in this text at all. Most lines tell at once that none can."""
    small = text.lower()
    return not text.isascii() or any(one in small for one in _SIGNS) or _CARD.search(text) is not None
