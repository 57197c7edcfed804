"""Values as people read them, on a page as in a terminal."""

import re
from typing import Any

_CONTROLS = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421"}
_CONTROLS |= {ord(sign): " " for sign in "\t\n\r\f\v"}
_CONTROLS |= dict.fromkeys([*range(0x80, 0xA0), *range(0xFDD0, 0xFDF0), 0xFFFE, 0xFFFF], "\ufffd")
#: Signs that turn the direction of what follows: they could turn the page's own words, too
_CONTROLS |= dict.fromkeys([0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "")
_BROKEN = re.compile("[\ud800-\udfff]|[\U0001fffe\U0001ffff]")


def clean(value: Any) -> str:
    """A value as text of one line that is shown as it is: signs that cannot be seen become ones that can."""
    return _BROKEN.sub("\ufffd", str(value).translate(_CONTROLS))


def duration(seconds: float | None) -> str:
    """Seconds as people say them: ``4.5 s``, ``45 s``, ``3 min 5 s``, ``2 h 10 min``; ``?`` for None."""
    if seconds is None:
        return "?"
    if 0.05 <= seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
