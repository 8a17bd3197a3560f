"""YAML and JSON text as plain values, beside them where each one stands.

Built from libyaml's events, without recursion: deep nesting, cycles and aliases that multiply end in a
`Broken` with a line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from kazoo_operator.manifests.broken import CORRECT, Broken, explained, seen, unreadable
from kazoo_operator.manifests.scalars import key as key_of
from kazoo_operator.manifests.scalars import plain

MAX_VALUES = 300_000
MAX_DEPTH = 100

_TAG = "quote the value, if it begins with !; otherwise remove the tag"
_KEY = "write a name before the colon, and quote a value that begins with { or ["
_CORE = "tag:yaml.org,2002:"
_PAIR = re.compile(r"(\\\\)|\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)


class Place(NamedTuple):
    """Where a value stands: its key (or itself, in a list), the value, what is in it. Lines begin at 0."""

    line: int
    column: int
    value_line: int
    value_column: int
    length: int
    inner: dict[str, Place] | list[Place] | None


@dataclass(frozen=True)
class Duplicate:
    """A key that stands twice in one mapping."""

    key: str
    line: int
    column: int
    first: int


@dataclass
class Document:
    """One document of a file."""

    value: Any
    place: Place
    duplicates: list[Duplicate] = field(default_factory=list)


def documents(text: str) -> Iterator[Document]:
    """The documents of a text, one after the other. Raises Broken where it is reached."""
    start = text.lstrip()[:1]
    if start not in ("{", "["):
        yield from _yaml(text, 0)
        return
    text = _PAIR.sub(_joined, text)
    try:
        found = list(_yaml(text, 0))
    except Broken as broken:
        found = list(_stream(text, broken))
    yield from found


def _joined(match: re.Match[str]) -> str:
    # libyaml takes the two halves of an escaped emoji for two characters, and refuses both.
    if match[1]:
        return match[1]
    return chr(0x10000 + ((int(match[2], 16) - 0xD800) << 10) + int(match[3], 16) - 0xDC00)


def _stream(text: str, broken: Broken) -> Iterator[Document]:
    """JSON objects that follow one another without a separator; `broken` where they are none."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        try:
            _, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            raise broken from None
        yield from _yaml(text[at:end], text.count("\n", 0, at))
        at = end


def _yaml(text: str, line: int) -> Iterator[Document]:
    try:
        yield from _Builder(line).documents(text)
    except yaml.MarkedYAMLError as error:
        raise _moved(seen(explained(error, text), text), line) from None
    except yaml.reader.ReaderError as error:
        raise _moved(unreadable(error, text), line) from None
    except Broken as broken:
        raise _moved(seen(_moved(broken, -line), text), line) from None


def _moved(broken: Broken, lines: int) -> Broken:
    """The same where the text begins further down in its file."""
    return Broken(broken.message, broken.line + lines, broken.column, broken.hint)


class _Frame:
    """A mapping or a list that is being read."""

    __slots__ = ("anchor", "key", "merged", "place", "places", "size", "start", "value")

    def __init__(self, value: Any, places: Any, place: tuple[int, int], start: Any, anchor: str | None):
        self.value, self.places, self.place, self.start, self.anchor = value, places, place, start, anchor
        self.key: tuple[str, int, int, bool] | None = None
        self.merged: list[tuple[dict[str, Any], dict[str, Place]]] = []
        self.size = 1


class _Builder:
    def __init__(self, line: int) -> None:
        self.offset = line
        self.count = 0

    def documents(self, text: str) -> Iterator[Document]:
        """Yields each document when its end is reached."""
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            kind = type(event)
            if kind is ScalarEvent:
                self._scalar(event)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self._open(event)
            elif kind is AliasEvent:
                self._alias(event)
            elif kind is DocumentStartEvent:
                self.stack: list[_Frame] = []
                self.anchors: dict[str, tuple[Any, Any, int] | None] = {}
                self.duplicates: list[Duplicate] = []
            elif kind is yaml.DocumentEndEvent:
                value, place = self.root
                yield Document(value, place, self.duplicates)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._close(event)

    def _broken(self, message: str, mark: Any, hint: str = CORRECT) -> Broken:
        return Broken(message, mark.line + self.offset, mark.column, hint)

    def _counted(self, size: int, mark: Any) -> None:
        self.count += size
        if self.count > MAX_VALUES:
            raise self._broken(f"more than {MAX_VALUES} values in one file, aliases spelled out", mark)

    def _scalar(self, event: Any) -> None:
        mark, text = event.start_mark, event.value
        value: Any
        if event.tag is not None and event.tag != "!":
            value = self._tagged(event)
        elif event.implicit[0]:
            value = plain(text)
        else:
            value = text
        frame = self.stack[-1] if self.stack else None
        if frame is not None and frame.key is None and type(frame.value) is dict:
            merge = text == "<<" and event.implicit[0]
            name = value if type(value) is str else key_of(value)
            frame.key = (name, mark.line + self.offset, mark.column, merge)
            return
        end = event.end_mark
        length = end.column - mark.column if end.line == mark.line else 1
        self._counted(1, mark)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, None, 1)
        self._add(value, None, mark, length, 1)

    def _tagged(self, event: Any) -> Any:
        name = event.tag.removeprefix(_CORE)
        if name in ("str", "timestamp", "binary"):
            return event.value
        value = plain(event.value)
        fits = {
            "int": type(value) is int,
            "float": type(value) in (int, float),
            "bool": type(value) is bool,
            "null": value is None,
        }
        if not fits.get(name):
            raise self._broken(f"the tag {event.tag} does not belong into a manifest", event.start_mark, _TAG)
        return value

    def _open(self, event: Any) -> None:
        mark = event.start_mark
        if event.tag not in (None, "!", f"{_CORE}map", f"{_CORE}seq"):
            raise self._broken(f"the tag {event.tag} does not belong into a manifest", mark, _TAG)
        frame = self.stack[-1] if self.stack else None
        if frame is not None and frame.key is None and type(frame.value) is dict:
            raise self._broken("a key must be text", mark, _KEY)
        if len(self.stack) >= MAX_DEPTH:
            raise self._broken(f"nested deeper than {MAX_DEPTH} levels", mark)
        self._counted(1, mark)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        empty: Any = {} if type(event) is MappingStartEvent else []
        self.stack.append(
            _Frame(empty, empty.copy(), (mark.line + self.offset, mark.column), mark, event.anchor)
        )

    def _close(self, event: Any) -> None:
        frame = self.stack.pop()
        for value, places in frame.merged:
            for name, member in value.items():
                if name not in frame.value:
                    frame.value[name], frame.places[name] = member, places[name]
        if frame.anchor is not None:
            self.anchors[frame.anchor] = (frame.value, frame.places, frame.size)
        self._add(frame.value, frame.places, frame.start, 1, frame.size)

    def _alias(self, event: Any) -> None:
        mark = event.start_mark
        if event.anchor not in self.anchors:
            raise self._broken(
                f"there is no anchor &{event.anchor}", mark, "quote the value, if it begins with *"
            )
        found = self.anchors[event.anchor]
        if found is None:
            raise self._broken(f"*{event.anchor} stands within &{event.anchor}", mark)
        value, places, size = found
        frame = self.stack[-1] if self.stack else None
        if frame is not None and frame.key is None and type(frame.value) is dict:
            if places is not None:
                raise self._broken("a key must be text", mark, _KEY)
            frame.key = (key_of(value), mark.line + self.offset, mark.column, False)
            return
        self._counted(size, mark)
        self._add(value, places, mark, len(event.anchor) + 1, size)

    def _add(self, value: Any, places: Any, mark: Any, length: int, size: int) -> None:
        line, column = mark.line + self.offset, mark.column
        if not self.stack:
            self.root = (value, Place(line, column, line, column, length, places))
            return
        frame = self.stack[-1]
        frame.size += size
        if type(frame.value) is list:
            frame.value.append(value)
            frame.places.append(Place(line, column, line, column, length, places))
            return
        assert frame.key is not None
        name, key_line, key_column, merge = frame.key
        frame.key = None
        if merge:
            self._merge(frame, value, places, mark)
            return
        if name in frame.value:
            self.duplicates.append(Duplicate(name, key_line, key_column, frame.places[name].line))
        frame.value[name] = value
        frame.places[name] = Place(key_line, key_column, line, column, length, places)

    def _merge(self, frame: _Frame, value: Any, places: Any, mark: Any) -> None:
        several = value if type(value) is list else [value]
        where = [place.inner for place in places] if type(value) is list else [places]
        for one, inner in zip(several, where, strict=True):
            if type(one) is not dict:
                raise self._broken("<< takes a mapping, or a list of mappings", mark)
            frame.merged.append((one, inner))
