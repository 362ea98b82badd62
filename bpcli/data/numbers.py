"""Words that are numbers, as people write them in tables, and words that mean yes or no."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from functools import cache
from io import StringIO

import numpy as np
import pandas as pd

from bpcli.data.arrays import Floats

_SPACES = " \u00a0\u202f"  # any of them between three digits, where the config says a space


def to_numbers(words: Sequence[str], decimal: str, thousands: str | None = None) -> Floats:
    """The floats nearest to plain decimal numbers; NaN for any other text, infinity included."""
    if decimal == "." and thousands is None and "" not in words:
        values = plain_numbers(words)
        if values is not None:
            return values
    pattern = _number(decimal, thousands)
    return np.array([_to_number(word, pattern, decimal) for word in words], dtype=np.float64)


def plain_numbers(words: Sequence[str]) -> Floats | None:
    """The numbers of words that are digits, point, exponent and sign, NaN for an empty word.

    None where a word is anything else, or too large for a float.
    """
    if not _PLAIN.fullmatch("".join(words)):
        return None
    try:
        # Of these characters both read exactly what the pattern of a number allows.
        values = _parsed(words) if len(words) >= _MANY else _converted(words)
    except ValueError:
        return None
    return None if np.isinf(values).any() else values


_MANY = 2000  # words from which on the parser's start is won back


def _converted(words: Sequence[str]) -> Floats:
    given = map(float, words if all(words) else [word or "nan" for word in words])
    return np.fromiter(given, dtype=np.float64, count=len(words))


def _parsed(words: Sequence[str]) -> Floats:
    """The same floats, some five times as fast."""
    column = pd.read_csv(
        StringIO("\n".join([*words, ""])),
        header=None,
        names=[0],
        dtype=np.float64,
        na_values=[""],
        keep_default_na=False,
        skip_blank_lines=False,
    )
    return column[0].to_numpy()


def void_numbers(void: Collection[str]) -> bool:
    """Some word that means a missing cell might be a number, or an empty cell is not missing."""
    return "" not in void or any(word and _PLAIN.fullmatch(word) for word in void)


_PLAIN = re.compile(r"[0-9.eE+ -]*")


@cache
def _number(decimal: str, thousands: str | None) -> re.Pattern[str]:
    point, whole = re.escape(decimal), r"\d+"
    if thousands is not None:
        sign = f"[{_SPACES}]" if thousands == " " else re.escape(thousands)
        whole = rf"(?:\d{{1,3}}(?:{sign}\d{{3}})+|\d+)"
    number = rf"([+-]?)({whole})?(?:{point}(\d*))?([eE][+-]?\d+)?"
    return re.compile(number, re.ASCII)


def _to_number(word: str, pattern: re.Pattern[str], decimal: str) -> float:
    found = pattern.fullmatch(word)
    if not found or not (found[2] or found[3]):
        return math.nan
    sign, whole, fraction, exponent = (part or "" for part in found.groups())
    digits = "".join(character for character in whole if character.isdigit())
    value = float(f"{sign}{digits or 0}.{fraction}{exponent}")
    return value if math.isfinite(value) else math.nan


TRUTH = {
    **dict.fromkeys(("true", "yes", "y", "t"), 1.0),
    **dict.fromkeys(("false", "no", "n", "f"), -1.0),
}


def truth_of(words: Sequence[str], values: Floats) -> Floats:
    """+1 for each word or number that means yes, −1 for one that means no (K,); else NaN."""
    meant = [TRUTH.get(word.lower(), np.nan) for word in words]
    numbers = np.select([values == 1, values == 0], [1.0, -1.0], np.nan)
    return np.where(np.isnan(numbers), meant, numbers)
