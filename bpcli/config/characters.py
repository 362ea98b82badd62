"""Characters that could steer a terminal, hide, or turn text round; and how each is written."""

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


def is_unsafe(character: str) -> bool:
    """Controls, bidi, zero-width, separators, lone surrogates, private and unassigned points."""
    return not character.isprintable() or character in _INVISIBLE


def escape(character: str) -> str:
    r"""`\n`, `\x1b`, `\u202e`, `\U000e0001`: as Python, JSON and YAML read it."""
    code = ord(character)
    if code < 0x100:
        return _NAMED.get(character, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def escaped(text: str) -> str:
    """The text with an escape for each unsafe character but the end of a line."""
    return "".join(escape(c) if is_unsafe(c) and c != "\n" else c for c in text)
