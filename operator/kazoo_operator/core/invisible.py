"""Characters that nobody sees: told by code point, name and place."""

from __future__ import annotations

import unicodedata

# Controls, formats (zero width, direction), line and paragraph separators, and blanks other than the one.
_CATEGORIES = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})
# The Unicode database has no names for controls.
_CONTROLS = {"\0": "NULL", "\t": "TAB", "\n": "LINE FEED", "\r": "CARRIAGE RETURN", "\x1b": "ESCAPE"}


def is_invisible(char: str) -> bool:
    """Whether a reader sees nothing where the character stands; the plain blank is none of these."""
    return char != " " and unicodedata.category(char) in _CATEGORIES


def named(char: str) -> str:
    """`U+200B ZERO WIDTH SPACE`."""
    name = unicodedata.name(char, "") or _CONTROLS.get(char, "CONTROL CHARACTER")
    return f"U+{ord(char):04X} {name}"


def first(text: str) -> str:
    """The first invisible character: `U+200B ZERO WIDTH SPACE at character 5`; empty where there is none."""
    found = next(((place, char) for place, char in enumerate(text, 1) if is_invisible(char)), None)
    return f"{named(found[1])} at character {found[0]}" if found is not None else ""


def without(text: str) -> str:
    """The text as it looks: no invisible characters, no blanks at its ends."""
    return "".join(char for char in text if not is_invisible(char)).strip()
