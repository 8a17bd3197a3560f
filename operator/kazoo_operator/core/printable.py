"""Text from elsewhere, made safe to show; what nobody sees in it is told by code point, name and place."""

from __future__ import annotations

import json
import re
import unicodedata

# Letters, marks and a symbol to Unicode, and nothing to the eye: fillers, joiners, selectors of variants.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# The Unicode database has no names for these.
_CONTROLS = {"\0": "NULL", "\t": "TAB", "\n": "LINE FEED", "\r": "CARRIAGE RETURN", "\x1b": "ESCAPE"}
_NAMELESS = {"Cc": "CONTROL CHARACTER", "Cn": "NO CHARACTER YET", "Co": "PRIVATE USE", "Cs": "SURROGATE"}


def printable(text: str) -> str:
    """The text with escapes for what is invisible and for what a terminal would obey."""
    if text.isprintable() and not _BLANK.search(text):
        return text
    return "".join(escaped(char) if is_hidden(char) else char for char in text)


def is_hidden(char: str) -> bool:
    """Whether nobody sees the character, or a terminal obeys it; the common blank is none of these."""
    return not char.isprintable() or _BLANK.match(char) is not None


def escaped(char: str) -> str:
    """The character as its code point, as YAML takes it: `\\u200b`, `\\U000e0001`."""
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def quoted(text: str) -> str:
    """The text in quotes, as YAML takes it; what nobody would see stands as an escape."""
    return f'"{"".join(map(_in_quotes, text))}"'


def _in_quotes(char: str) -> str:
    if is_hidden(char) and ord(char) >= 0x10000:
        return escaped(char)
    return json.dumps(char, ensure_ascii=is_hidden(char))[1:-1]


def named(char: str) -> str:
    """`U+200B ZERO WIDTH SPACE`."""
    name = unicodedata.name(char, "") or _CONTROLS.get(char, "") or _NAMELESS[unicodedata.category(char)]
    return f"U+{ord(char):04X} {name}"


def first_hidden(text: str) -> str:
    """The first character that is hidden: `U+200B ZERO WIDTH SPACE at character 5`; empty without one."""
    found = next(((place, char) for place, char in enumerate(text, 1) if is_hidden(char)), None)
    return f"{named(found[1])} at character {found[0]}" if found is not None else ""


def as_it_looks(text: str) -> str:
    """The text without what is hidden, and without blanks at its ends."""
    return "".join(char for char in text if not is_hidden(char)).strip()
