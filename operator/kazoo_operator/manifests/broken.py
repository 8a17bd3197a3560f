"""Why a text is no YAML: what libyaml says of it, in words for whoever wrote the file, and what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence

import yaml

from kazoo_operator.core.printable import escaped, is_hidden

CORRECT = "correct it"
_QUOTE = "quote the value, if it is meant to begin so"
_CLOSE = "close the bracket, or write the comma that is missing before this"
_UNCLOSED = "close the quote that opens here"
_ESCAPE = "write \\\\ for a backslash, or use single quotes"
_INDENT = "indent what stands side by side alike, and look for a quote that is not closed above"
# How libyaml puts it, how we do, and the hint.
_SAID = {
    "mapping values are not allowed in this context": (
        "mapping values cannot stand here",
        "quote a value that holds ': ', or indent the line as those beside it",
    ),
    "could not find expected ':'": ("the colon after the key is missing", "write it, and a blank after it"),
    "did not find expected key": ("the next key does not stand where it should", _INDENT),
    "did not find expected '-' indicator": ("the next item does not stand where it should", _INDENT),
    "did not find expected ',' or '}'": ("the flow mapping, in {}, does not go on here", _CLOSE),
    "did not find expected ',' or ']'": ("the flow list, in [], does not go on here", _CLOSE),
    "did not find expected node content": ("a value is missing here", "write it"),
    "did not find expected alphabetic or numeric character": ("a name is missing here", _QUOTE),
    "found unexpected end of stream": ("the file ends within quotes", _UNCLOSED),
    "found unexpected document indicator": ("the document ends within quotes", _UNCLOSED),
    "did not find expected hexdecimal number": ("no such escape", _ESCAPE),
    "found unknown escape character": ("no such escape", _ESCAPE),
    "block sequence entries are not allowed in this context": (
        "an item of a list cannot stand here",
        "begin the list on a line of its own",
    ),
}
# libyaml tells these where it noticed; what is at fault stands where the key or the quote begins.
_AT_THE_BEGINNING = frozenset(
    ("could not find expected ':'", "found unexpected end of stream", "found unexpected document indicator")
)
_FARTHEST = 500
_CONFLICT = re.compile(r"(<{7}|={7}|>{7})( |$)")


class Broken(Exception):
    """The text is no YAML that a manifest may hold. Line and column begin at 0."""

    def __init__(self, message: str, line: int, column: int, hint: str = CORRECT):
        super().__init__(message)
        self.message, self.line, self.column, self.hint = message, line, column, hint


def explained(error: yaml.MarkedYAMLError, text: str) -> Broken:
    """What libyaml refuses."""
    problem = error.problem or error.context or "is no YAML"
    mark = error.problem_mark or error.context_mark
    if problem in _AT_THE_BEGINNING and error.context_mark is not None:
        mark = error.context_mark
    line, column = _within(text, mark.line, mark.column) if mark is not None else (0, 0)
    message, hint = _SAID.get(problem, (", ".join(filter(None, (problem, error.context))), CORRECT))
    lines = text.split("\n")
    said = lines[line] if line < len(lines) else ""
    char = said[column : column + 1]
    if problem == "found character that cannot start any token":
        message, hint = f"a value cannot begin with {char}", _QUOTE
        if char == "\t":
            message, hint = "a tab cannot indent", "indent with blanks"
    opened = _opened(lines, line, column) if hint is _INDENT else None
    if opened is not None:
        return Broken("a quote is not closed on its line", *opened, _UNCLOSED)
    return Broken(message, line, column, hint)


def _opened(lines: Sequence[str], line: int, column: int) -> tuple[int, int] | None:
    """Where the quote was opened that ends right before that place, if it holds line breaks."""
    quote = lines[line][column - 1 : column] if 0 < line < len(lines) else ""
    if quote not in ('"', "'") or not quote:
        return None
    for above in range(line - 1, max(-1, line - _FARTHEST), -1):
        if lines[above].count(quote) % 2:
            return above, lines[above].rfind(quote)
    return None


def unreadable(error: yaml.reader.ReaderError, text: str) -> Broken:
    """A character that YAML allows nowhere."""
    before = text.encode()[: error.position].decode(errors="ignore")
    column = len(before) - before.rfind("\n") - 1
    char = text[len(before) : len(before) + 1]
    message = f"{error.reason}, such as {escaped(char)}" if char else str(error.reason)
    hint = f'remove it, or write "{escaped(char)}"' if char else CORRECT
    return Broken(message, before.count("\n"), column, hint)


def seen(broken: Broken, text: str) -> Broken:
    """The same with a better hint, where the line or the one above shows another cause."""
    lines = text.split("\n")[max(0, broken.line - 1) : broken.line + 1]
    for line in reversed(lines):
        hint = _hint(line)
        if hint is not None:
            return Broken(broken.message, broken.line, broken.column, hint)
    return broken


def _hint(line: str) -> str | None:
    if _CONFLICT.match(line):
        return "resolve the conflict that a merge left here"
    if "{{" in line:
        return "validate what the template renders to: helm template . | kazoo-operator validate -"
    hidden = next((char for char in line if is_hidden(char) and char >= "\x7f"), None)
    return f"a line here holds the invisible {escaped(hidden)}: write it anew" if hidden else None


def _within(text: str, line: int, column: int) -> tuple[int, int]:
    """The same place, or the end of the text where it lies beyond."""
    text = text.rstrip()
    last = text.count("\n")
    return (line, column) if line <= last else (last, len(text) - text.rfind("\n") - 1)
