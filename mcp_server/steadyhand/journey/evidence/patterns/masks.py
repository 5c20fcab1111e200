"""One word of a line as tokens, with what varies in it replaced by <*>."""

import re

VALUE = "<*>"
PUNCTUATION = frozenset("=:,()[]{}\"';|<>")
_WORDS_FOR_VALUES = frozenset(
    {"true", "false", "True", "False", "TRUE", "FALSE", "null", "NULL", "None", "nil"}
)
_DOMAIN = re.compile(
    "com|net|org|edu|gov|mil|int|info|biz|io|dev|app|cloud|example|test|invalid"
    "|local|localdomain|localhost|internal|intranet|lan|home|corp|svc|cluster"
    "|ac|ae|ar|at|au|be|bg|br|ca|ch|cl|cn|co|cz|de|dk|ee|es|eu|fi|fr|gr|hk|hr|hu|id|ie|il|ir|jp|kr|lt|lu|lv"
    "|ma|mx|my|nl|no|nz|pe|ph|pl|pt|ro|ru|se|sg|si|sk|th|tr|tv|tw|ua|uk|us|uy|ve|vn|za",
    re.IGNORECASE,
)
_CODE = ("com.", "edu.", "io.", "java.", "javax.", "net.", "org.", "sun.")  # a reversed domain names code
_PATH = re.compile(r"/[\w.@%+~$*-]++/[\w.@%+~$*/-]*+")
_PLAIN = re.compile(r"[\w-]+")
_SPANS = re.compile(  # values with a colon, which else parts tokens; possessive, so that no word takes long
    r"""
    (?<![\w+.-])[a-z][a-z0-9+.-]{1,12}://[^\s"'<>,;)\]}]+            # a URL
    | (?<!\w)[a-z]:\\[^\s"',;]*+                                    # a path on Windows
    | (?<![\w.:])(?:[0-9a-f]{0,4}:){2,15}[0-9a-f]{1,4}(?![\w:])      # IPv6, MAC, a time of day
    | (?<![\w.+/-])(?=[a-z_+/-]*+[.0])[\w.+/-]++(?::0++)++(?!\w)    # an address or a dotted name and its port
    """,
    re.VERBOSE | re.IGNORECASE,
)
_ASSIGNED = re.compile(r"""(?<=[\w\])]=)(?:[^\s=:,;()\[\]{}"'|<>]+|$)""")  # key=value, also an empty one
_TOKEN = re.compile(
    r"""\.{3,}"""  # dots that lead the eye from a name to its value
    r"""|(?:<\*>|(?<=\w)'(?=\w)|\.(?!\.\.)|[^\s=:,()\[\]{}"';|<>.])++"""
    r"""|[=:,()\[\]{}"';|<>]|\."""
)
_MOST_WORDS = 50_000


class WordMasks(dict[str, str]):
    """Each word and its masked tokens, remembered: most words of a log come again and again.

    Digits must have become zeros before: which digits they were makes no difference here.
    """

    def __init__(self) -> None:
        super().__init__()
        self._tokens = _Tokens()

    def __missing__(self, word: str) -> str:
        if len(self) >= _MOST_WORDS:
            self.clear()
        masked = self[word] = _masked(word, self._tokens)
        return masked


class _Tokens(dict[str, str]):
    """Each token, or <*> for one that is a value, remembered too: a new word is mostly of known ones."""

    def __missing__(self, token: str) -> str:
        if len(self) >= _MOST_WORDS:
            self.clear()
        masked = self[token] = VALUE if _is_value(token) else token
        return masked


def _masked(word: str, tokens: _Tokens) -> str:
    """The tokens of one word, parted by a space, those that are values as <*>."""
    if word.isalnum() or _PLAIN.fullmatch(word):
        return VALUE if "0" in word or word in _WORDS_FOR_VALUES else word
    if word[0] == "/" and _PATH.fullmatch(word):
        return VALUE
    if ":0" in word or "://" in word or ":\\" in word or word.count(":") > 1:
        word = _SPANS.sub(VALUE, word)
    if "=" in word:
        word = _ASSIGNED.sub(VALUE, word)
    return " ".join(map(tokens.__getitem__, _TOKEN.findall(word)))


def _is_value(token: str) -> bool:
    """Whether it holds a digit or a value, or is an absolute path, a host's name or a word like `true`."""
    if "0" in token or VALUE in token or token in _WORDS_FOR_VALUES:
        return True
    if token[0] == "/" and token.count("/") > 1:
        return True
    name, dot, last = token.rstrip(".").rpartition(".")
    return bool(dot and name) and _DOMAIN.fullmatch(last) is not None and not token.startswith(_CODE)
