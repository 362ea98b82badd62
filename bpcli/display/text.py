"""The one door for foreign strings: names, cells, paths and messages that others wrote."""

from __future__ import annotations

from bpcli.config.characters import escape, is_unsafe

PATH = 1000  # a path is there to be copied, so it is not cut like a name


def show(text: str, limit: int = 80) -> str:
    r"""`text`, safe for a terminal and at most `limit` characters long, plus `…(+rest)` if cut.

    Everything that could steer, hide or reorder (controls, bidi, zero-width, separators, lone
    surrogates, private and unassigned code points) becomes an escape as in `repr`.  A backslash
    is doubled only where it would read as the start of such an escape, so `C:\data` stays as it
    is and two different texts never look the same before the cut.
    """
    shown: list[str] = []
    room = limit
    for position, character in enumerate(text):
        piece = _escaped(character, text[position + 1 : position + 2])
        room -= len(piece)
        if room < 0:
            return f"{''.join(shown)}…(+{len(text) - position})"
        shown.append(piece)
    return "".join(shown)


def shown_lines(text: str) -> str:
    """A text of many lines, safe for a terminal: everything escaped but the ends of its lines."""
    return "\n".join(show(line, len(line) * _LONGEST) for line in text.split("\n"))


def _escaped(character: str, following: str) -> str:
    if character == "\\":
        return r"\\" if following in tuple(r"\nrtxuU") or is_unsafe(following) else "\\"
    return escape(character) if is_unsafe(character) else character


_LONGEST = len(r"\U000e0001")
