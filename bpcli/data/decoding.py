"""Bytes to text, block by block; what is no text of its encoding is refused with its line."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from pathlib import Path

from bpcli.config.errors import DataError, Notice, Problem
from bpcli.data.asking import Asking
from bpcli.data.spec import AUTO

GUESSED = "BP-D116"  # what says that an encoding was
_GUESS = "cp1252"  # what text that is not UTF-8 most often is


class Decoder:
    """Text in blocks.

    `auto` is UTF-16 where the file begins with its mark, else UTF-8; the first byte that is not
    UTF-8 makes it cp1252, unless other bytes before it were UTF-8 beyond ASCII.
    """

    def __init__(self, path: Path, encoding: str, asking: Asking) -> None:
        self.encoding = encoding  # found, once the first block is read
        self.notices: list[Notice] = []
        self._path, self._asking = path, asking
        self._bytes = self._lines = 0  # read, and line ends in the text so far
        self._may_turn = False  # a guess, and all was ASCII so far

    def __call__(self, blocks: Iterable[bytes]) -> Iterator[str]:
        """The text of the blocks.  Raises DataError."""
        start = True
        for block in blocks:
            if start:
                self._begin(block)
                start = False
            yield self._checked(self._decode(block))
            self._bytes += len(block)
        if not start:
            yield self._decode(b"", final=True)

    def _begin(self, block: bytes) -> None:
        if self.encoding == AUTO:
            marked = block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            self.encoding, self._may_turn = ("utf-16", False) if marked else ("utf-8", True)
            if marked:
                what = "read as utf-16, by the mark at its beginning"
                fix = self._asking.to_set("encoding", "utf-16")
                self.notices.append(Notice(GUESSED, self._path.name, what, fix))
        self._codec = self._decoder(self.encoding)

    def _decoder(self, encoding: str) -> codecs.IncrementalDecoder:
        # A byte order mark is no part of the first name, whichever way the file was written.
        codec = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
        return codecs.getincrementaldecoder(codec)()

    def _decode(self, block: bytes, *, final: bool = False) -> str:
        try:
            text = self._codec.decode(block, final)
        except UnicodeError as error:
            return self._turn(block, error)
        self._may_turn = self._may_turn and text.isascii()
        return text

    def _turn(self, block: bytes, error: UnicodeError) -> str:
        """The block as cp1252 where that may still be; a DataError where not."""
        # The decoder may have held back some bytes of the block before.
        content = error.object if isinstance(error, UnicodeDecodeError) else block
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        if self._may_turn and content[:start].isascii() and _fits(content, _GUESS):
            self._may_turn = False
            self.encoding = _GUESS
            self.notices.append(self._guessed(content, start))
            self._codec = self._decoder(_GUESS)
            return self._codec.decode(content)
        at = self._bytes - (len(content) - len(block)) + start
        line = self._lines + content.count(b"\n", 0, start) + 1
        what = f"byte {at} (0x{content[start]:02x}) is not {self.encoding}"
        fix = self._asking.to_set("encoding", _likely(content))
        where = f"{self._path.name}, line {line}"
        raise DataError(Problem("BP-D008", where, what, fix)) from None

    def _guessed(self, content: bytes, at: int) -> Notice:
        """An encoding that nobody named, with a word to judge it by."""
        first = max(content.rfind(mark, 0, at) for mark in (b" ", b"\n", b"\r", b",", b";", b"\t"))
        word = content[max(first + 1, at - 20) : at + 20].decode(_GUESS).split("\n")[0].strip()
        line = self._lines + content.count(b"\n", 0, at) + 1
        what = f"the file is not utf-8, so it is read as {_GUESS}: line {line} has {word!r}"
        fix = f"if that looks wrong, {self._asking.to_set('encoding', _likely(content))}"
        return Notice(GUESSED, self._path.name, what, fix)

    def _checked(self, text: str) -> str:
        """NUL and a byte order mark inside the text come from damage or from joined files."""
        for mark, name in (("\0", "a NUL character"), ("\ufeff", "a byte order mark")):
            at = text.find(mark)
            if at >= 0:
                where = f"{self._path.name}, line {self._lines + text.count(chr(10), 0, at) + 1}"
                hint = self._asking.to_set("encoding", "utf-16")
                fix = f"remove it; if the file is UTF-16 text, {hint}"
                raise DataError(Problem("BP-D009", where, f"{name} inside the text", fix))
        self._lines += text.count("\n")
        return text


def _likely(content: bytes) -> str:
    """The encodings among the usual ones in which the whole lines have a meaning."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    lines = content[: content.rfind(b"\n") + 1] or content
    return " or ".join(name for name in ("gb18030", "cp1252", "latin-1") if _fits(lines, name))


def _fits(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
