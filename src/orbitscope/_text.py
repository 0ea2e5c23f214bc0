"""Text from files and file names: untrusted, so made harmless before it is shown."""

import re
import unicodedata

_ANSI_ESCAPE = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\].*?(?:\x07|\x1b\\)")
_UNPRINTABLE = ("Cc", "Cf", "Cs")


def plain(text: object, limit: int | None = None) -> str:
    """``text`` on one line, without control, formatting and lone surrogate characters, cut to ``limit`` with an …"""
    line = " ".join(_ANSI_ESCAPE.sub("", str(text)).split())
    line = "".join(character for character in line if unicodedata.category(character) not in _UNPRINTABLE)
    line = " ".join(line.split())
    return line if limit is None or len(line) <= limit else f"{line[: limit - 1].rstrip()}…"
