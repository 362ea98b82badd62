"""Words that are numbers, as people write them in tables, and words that mean yes or no."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import cache

import numpy as np

from bpcli.data.arrays import Floats

_SPACES = " \u00a0\u202f"  # any of them between three digits, where the config says a space


def to_numbers(words: Sequence[str], decimal: str, thousands: str | None = None) -> Floats:
    """The floats nearest to plain decimal numbers; NaN for any other text, infinity included."""
    if decimal == "." and thousands is None and _PLAIN.fullmatch("".join(words)):
        # Of these characters float() reads exactly what the pattern of a number allows.
        try:
            values = np.fromiter(map(float, words), dtype=np.float64, count=len(words))
        except ValueError:
            pass
        else:
            return np.where(np.isfinite(values), values, np.nan)
    pattern = _number(decimal, thousands)
    return np.array([_to_number(word, pattern, decimal) for word in words], dtype=np.float64)


_PLAIN = re.compile(r"[0-9.eE+-]*")


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


_TRUTH = {
    **dict.fromkeys(("true", "yes", "y", "t"), 1.0),
    **dict.fromkeys(("false", "no", "n", "f"), -1.0),
}


def truth_of(words: Sequence[str], values: Floats) -> Floats:
    """+1 for each word or number that means yes, −1 for one that means no (K,); else NaN."""
    meant = [_TRUTH.get(word.lower(), np.nan) for word in words]
    numbers = np.select([values == 1, values == 0], [1.0, -1.0], np.nan)
    return np.where(np.isnan(numbers), meant, numbers)
