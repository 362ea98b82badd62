"""Plain Python from the event stream of a YAML parser.

No constructor runs: a text can only become dicts, lists, text, numbers, booleans and None, and
every limit holds before anything is built.  An alias is read by going through the events of its
anchor again, so each of its nodes counts, which is what defuses alias bombs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count, takewhile
from typing import Any, NoReturn

import yaml

from bpcli.config.errors import ConfigError, Problem
from bpcli.config.places import KeyPath, Mark, Position, excerpt, lines_of, place
from bpcli.config.scalars import Scalar, is_null, plain
from bpcli.config.syntax import explain

MOST_NODES = 10_000
DEEPEST = 32

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# A byte order mark is only allowed at the very start, where it is gone by now.
_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
# Directives change nothing that is allowed here, and libyaml compares each %TAG with all others.
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)


class Reader:
    """One reading of one text; `read` gives the value, `marks` then has the place of each node."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.marks: dict[KeyPath, Mark] = {(): Mark((1, 1), (1, 1))}
        self._problems: dict[tuple[str, Position], Problem] = {}
        self._nodes = 0
        self._seen: list[Any] = []
        self._anchors: dict[str, int] = {}  # where in `_seen` an anchored node begins

    def read(self) -> Any:
        """The value of the only document; None for an empty text.

        Raises ConfigError with everything that is wrong, up to where reading had to stop.
        """
        self._check_characters()
        try:
            value = self._document()
        except yaml.MarkedYAMLError as error:
            line, column, what, fix = explain(error, lines_of(self.text))
            if "nesting depth" in (error.problem or ""):  # libyaml's own limit, met while it peeks
                self._too_deep((line, column), ())
            self._stop("BP-C004", (line, column), (), what, fix)
        if self._problems:
            raise ConfigError(*self._problems.values())
        return value

    def _check_characters(self) -> None:
        if bad := _UNPRINTABLE.search(self.text):
            what = f"unprintable character U+{ord(bad[0]):04X}"
            fix = 'remove it, or write it as an escape in double quotes ("\\x1b")'
            self._stop("BP-C005", self._position_of(bad.start()), (), what, fix)
        if directive := _DIRECTIVE.search(self.text):
            at = self._position_of(directive.start())
            self._stop("BP-C006", at, (), "YAML directives are not allowed", "remove this line")

    def _document(self) -> Any:
        events = self._live()
        next(events)
        event = next(events)
        if isinstance(event, yaml.StreamEndEvent):
            return None
        value = self._node(next(events), events, ())
        next(events)
        if not isinstance(event := next(events), yaml.StreamEndEvent):
            what, fix = "a second document starts here", "keep one document in the file"
            self._note("BP-C007", _position(event), (), what, fix)
        return value

    def _live(self) -> Iterator[Any]:
        for event in yaml.parse(self.text, Loader=_LOADER):
            anchor = getattr(event, "anchor", None)
            if anchor and not isinstance(event, yaml.AliasEvent):
                self._remember(anchor, event)
            self._seen.append(event)
            yield event

    def _remember(self, anchor: str, event: Any) -> None:
        if anchor in self._anchors:
            what = f"the anchor &{anchor} is defined twice"
            self._note("BP-C008", _position(event), (), what, "give each anchor its own name")
        self._anchors[anchor] = len(self._seen)

    def _node(
        self, event: Any, events: Iterator[Any], path: KeyPath, key: Position | None = None
    ) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path, key)
        here = _position(event)
        self._count(here, path)
        self._check_tag(event, path)
        self.marks[path] = Mark(key or here, here)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            items = enumerate(_children(events))
            return [self._node(item, events, (*path, index)) for index, item in items]
        return self._mapping(events, path)

    def _count(self, here: Position, path: KeyPath) -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            what = f"the config has more than {MOST_NODES:,} values, aliases expanded"
            self._stop("BP-C009", here, path, what, "write a smaller config")
        if len(path) > DEEPEST:
            self._too_deep(here, path)

    def _too_deep(self, here: Position, path: KeyPath) -> NoReturn:
        what = f"values are nested deeper than {DEEPEST} levels"
        self._stop("BP-C010", here, path[:DEEPEST], what, "nest less deeply")

    def _alias(self, event: Any, path: KeyPath, key: Position | None) -> Any:
        start = self._anchors.get(event.anchor)
        if start is None:
            what = f"the alias *{event.anchor} has no anchor before it"
            fix = "put text that starts with '*' in quotes, or define the anchor first"
            self._stop("BP-C011", _position(event), path, what, fix)
        again = (self._seen[index] for index in count(start))
        return self._node(next(again), again, path, key)

    def _scalar(self, event: Any, path: KeyPath) -> Scalar:
        text: str = event.value
        try:
            return text if event.style else plain(text)
        except ValueError as error:
            what = f"expected another number: {error}"
            self._note("BP-C012", _position(event), path, what, "put it in quotes if it is text")
            return None

    def _mapping(self, events: Iterator[Any], path: KeyPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for event in _children(events):
            key = self._key(event, path, mapping)
            mapping[key] = self._node(next(events), events, (*path, key), _position(event))
        return mapping

    def _key(self, event: Any, path: KeyPath, taken: dict[str, Any]) -> str:
        """A key as text, numbers and booleans too: a column may be called 2024."""
        here = _position(event)
        if not isinstance(event, yaml.ScalarEvent):
            fix = "write a word before the colon, in quotes if it has special characters"
            self._stop("BP-C013", here, path, "expected text as a key", fix)
        key: str = event.value
        self._check_tag(event, path)
        if not event.style and key == "<<":
            fix = "write the entries out; a whole value may be an alias"
            self._note("BP-C014", here, path, "merge keys (<<) are not allowed", fix)
        elif not event.style and is_null(key):
            self._note("BP-C015", here, path, "the key is empty", "write a word before the colon")
        elif key in taken:
            line, _ = self.marks[(*path, key)].key
            what = f"duplicate key, first given in line {line}"
            self._note("BP-C016", here, (*path, key), what, "remove one of the two")
        return key

    def _check_tag(self, event: Any, path: KeyPath) -> None:
        if event.tag is not None:
            fix = "remove the tag; put text in quotes"
            self._note(
                "BP-C017", _position(event), path, f"the tag {event.tag} is not allowed", fix
            )

    def _note(self, id: str, position: Position, path: KeyPath, what: str, fix: str) -> None:
        """Keep a problem and read on; the nodes behind an alias can come by more than once."""
        where = place(self.name, position, path)
        problem = Problem(id, where, what, fix, excerpt(self.text, position))
        self._problems.setdefault((id, position), problem)

    def _stop(self, id: str, position: Position, path: KeyPath, what: str, fix: str) -> NoReturn:
        self._note(id, position, path, what, fix)
        raise ConfigError(*self._problems.values())

    def _position_of(self, index: int) -> Position:
        *above, line = f"{self.text[:index]}|".splitlines()
        return len(above) + 1, len(line)


def _children(events: Iterator[Any]) -> Iterator[Any]:
    """The first event of each child; the caller reads the rest of it, the end is swallowed."""
    return takewhile(lambda event: not isinstance(event, yaml.CollectionEndEvent), events)


def _position(event: Any) -> Position:
    return event.start_mark.line + 1, event.start_mark.column + 1
