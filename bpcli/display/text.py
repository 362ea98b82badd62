"""The one door for foreign strings: names, cells, paths and messages that others wrote."""

from __future__ import annotations

_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
# Printable by category, yet drawn as nothing: fillers and variation selectors.  U+FE0E and U+FE0F
# stay, they only choose between the two pictures of an emoji.
_INVISIBLE = frozenset(
    chr(code)
    for first, last in (
        (0x034F, 0x034F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0D),
        (0xFFA0, 0xFFA0),
        (0xE0100, 0xE01EF),
    )
    for code in range(first, last + 1)
)


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


def _escaped(character: str, following: str) -> str:
    if character == "\\":
        return r"\\" if following in tuple(r"\nrtxuU") or _is_unsafe(following) else "\\"
    if not _is_unsafe(character):
        return character
    code = ord(character)
    if code < 0x100:
        return _NAMED.get(character, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_unsafe(character: str) -> bool:
    return not character.isprintable() or character in _INVISIBLE
