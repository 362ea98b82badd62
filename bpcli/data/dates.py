"""Dates: formats of numeric parts, the same on every machine and in every language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

import numpy as np

from bpcli.data.arrays import Floats

_DIRECTIVES = {
    "Y": r"(?P<Y>\d{4})",
    "y": r"(?P<y>\d{2})",
    "m": r"(?P<m>\d{1,2})",
    "b": r"(?P<b>[A-Za-z]{3,9})",
    "d": r"(?P<d>\d{1,2})",
    "H": r"(?P<H>\d{1,2})",
    "M": r"(?P<M>\d{2})",
    "S": r"(?P<S>\d{2}(?:\.\d{1,9})?)",
    "z": r"(?P<z>Z|[+-]\d{2}:?\d{2})",
}
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH_OF = {name: i for i, long in enumerate(_MONTHS, 1) for name in (long[:3], long)}
_EPOCH = datetime(1970, 1, 1)
_SHAPE = re.compile(
    r"(?:\d{4}(?P<iso>[-/.])\d{1,2}(?P=iso)\d{1,2}|\d{1,2}(?P<sign>[-/.])\d{1,2}(?P=sign)\d{4})"
    r"(?:(?P<gap>[T ])\d{1,2}:\d{2}(?P<seconds>:\d{2}(?:\.\d{1,9})?)?"
    r"(?P<zone>Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
_LOOKED_AT = 100  # words among which one must look like a date


class DateGuess(NamedTuple):
    """The format of a column's dates; two of them where the dates fit both."""

    formats: tuple[str, ...]  # none where the words are no dates
    decided_by: str = ""  # a word that only this one of the usual formats can read


def check_format(format: str) -> str:
    """The format itself.  Raises ValueError, in the words of a config, for one that cannot work."""
    found = re.findall(r"%(.?)", format)
    unknown = [f"%{letter}" for letter in found if letter not in _DIRECTIVES]
    if unknown or len(set(found)) < len(found):
        known = " ".join(f"%{letter}" for letter in _DIRECTIVES)
        raise ValueError(f"expected each of {known} at most once, got '{format}'")
    if not {"Y", "y"} & set(found):
        raise ValueError(f"expected a format with a year, %Y or %y, got '{format}'")
    return format


def days_of(words: Iterable[str], format: str) -> Floats:
    """Days since 1970-01-01 with their fraction (K,); NaN for what is no date of this format."""
    pattern = _pattern(format)
    return np.array([_days(pattern.fullmatch(word)) for word in words], dtype=np.float64)


def guess_format(words: Sequence[str]) -> DateGuess:
    """The usual format that reads most of the words; day or month first as the values say.

    A year is written with four digits. Between dots the day is first, as everywhere.
    """
    shape = next(filter(None, map(_SHAPE.fullmatch, words[:_LOOKED_AT])), None)
    if shape is None:
        return DateGuess(())
    time = f"{shape['gap']}%H:%M" if shape["gap"] else ""
    time += (":%S" if shape["seconds"] else "") + ("%z" if shape["zone"] else "")
    if shape["iso"]:
        return DateGuess((shape["iso"].join(("%Y", "%m", "%d")) + time,))
    sign = shape["sign"]
    formats = [sign.join(order) + time for order in (("%d", "%m", "%Y"), ("%m", "%d", "%Y"))]
    first, second = (~np.isnan(days_of(words, format)) for format in formats)
    if first.sum() == second.sum():
        return DateGuess(tuple(formats[:1] if sign == "." else formats))
    best = int(first.sum() < second.sum())
    telling = np.flatnonzero(second & ~first if best else first & ~second)
    return DateGuess((formats[best],), words[telling[0]])


def day_of_year(days: Floats) -> Floats:
    """The share of the year that is over when the day begins, from 0 to below 1."""
    date = np.floor(days).astype("datetime64[D]")
    year = date.astype("datetime64[Y]")
    start, end = year.astype("datetime64[D]"), (year + 1).astype("datetime64[D]")
    share: Floats = (date - start) / (end - start)
    return share


def weekday(days: Floats) -> Floats:
    """The share of the week that is over when the day begins; Monday is 0."""
    return (np.floor(days) + 3) % 7 / 7  # 1970-01-01 was a Thursday


def time_of_day(days: Floats) -> Floats:
    """The share of the day that is over, to the millisecond, so that 10:00 is one number."""
    return np.round((days - np.floor(days)) * 86_400_000) / 86_400_000


@cache
def _pattern(format: str) -> re.Pattern[str]:
    parts = re.split(r"%(.)", format)
    texts = [_DIRECTIVES[part] if i % 2 else re.escape(part) for i, part in enumerate(parts)]
    return re.compile("".join(texts), re.ASCII)


def _days(match: re.Match[str] | None) -> float:
    if match is None:
        return np.nan
    part = match.groupdict()
    try:
        date = datetime(
            _year(part), _month(part), int(part.get("d", 1)), int(part.get("H", 0)), _minute(part)
        )
        date += timedelta(seconds=_seconds(part)) - _offset(part.get("z", "Z"))
    except (ValueError, OverflowError):
        return np.nan
    return (date - _EPOCH) / timedelta(days=1)


def _year(part: dict[str, str]) -> int:
    if "Y" in part:
        return int(part["Y"])
    return int(part["y"]) + (1900 if int(part["y"]) >= 69 else 2000)


def _month(part: dict[str, str]) -> int:
    if "b" in part:
        return _MONTH_OF.get(part["b"].lower(), 0)
    return int(part.get("m", 1))


def _minute(part: dict[str, str]) -> int:
    return int(part.get("M", 0))


def _seconds(part: dict[str, str]) -> float:
    seconds = float(part.get("S", 0))
    if seconds >= 60:
        raise ValueError("a minute has 60 seconds")
    return seconds


def _offset(zone: str) -> timedelta:
    if zone == "Z":
        return timedelta(0)
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return -offset if zone[0] == "-" else offset
