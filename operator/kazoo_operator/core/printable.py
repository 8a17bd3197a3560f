"""Text from elsewhere, made safe to show."""

from __future__ import annotations

import re

# Letters, marks and a symbol to Unicode, and nothing to the eye: fillers, joiners, selectors of variants.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def printable(text: str) -> str:
    """The text with escapes for what is invisible and for what a terminal would obey."""
    if text.isprintable() and not _BLANK.search(text):
        return text
    return "".join(escaped(char) if is_hidden(char) else char for char in text)


def is_hidden(char: str) -> bool:
    """Whether nobody sees the character, or a terminal obeys it; the common blank is none of these."""
    return not char.isprintable() or _BLANK.match(char) is not None


def escaped(char: str) -> str:
    """The character as its code point: `\\u200b`, `\\U000e0001`."""
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
