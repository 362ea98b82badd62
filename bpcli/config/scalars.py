"""What an unquoted word means, by the core schema of YAML 1.2 (yaml.org/spec/1.2.2, §10.3)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

_INT64 = range(-(2**63), 2**63)
_MOST_DIGITS = 64  # Python itself refuses to convert thousands of them


def plain(text: str) -> Scalar:
    """The value of an unquoted scalar; ValueError for a number that does not fit 64 bits."""
    for pattern, convert in _FORMS:
        if pattern.fullmatch(text):
            return convert(text)
    return text


def is_text(text: str) -> bool:
    """Whether an unquoted scalar means just itself."""
    return not any(pattern.fullmatch(text) for pattern, _ in _FORMS)


def is_null(text: str) -> bool:
    """Whether an unquoted scalar means nothing."""
    return _NULL.fullmatch(text) is not None


def _whole(text: str, base: int = 10) -> int:
    value = int(text, base) if len(text) <= _MOST_DIGITS else _INT64.stop
    if value not in _INT64:
        raise ValueError("a whole number must fit 64 bits")
    return value


def _real(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number must be below 1.8e308")
    return value


_NULL = re.compile(r"null|Null|NULL|~|")
_FORMS: tuple[tuple[re.Pattern[str], Callable[[str], Scalar]], ...] = (
    (_NULL, lambda text: None),
    (re.compile(r"true|True|TRUE"), lambda text: True),
    (re.compile(r"false|False|FALSE"), lambda text: False),
    (re.compile(r"[-+]?[0-9]+"), _whole),
    (re.compile(r"0o[0-7]+"), lambda text: _whole(text, 8)),
    (re.compile(r"0x[0-9a-fA-F]+"), lambda text: _whole(text, 16)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), _real),
    (re.compile(r"[-+]?\.(inf|Inf|INF)"), lambda text: float(text.replace(".", ""))),
    (re.compile(r"\.(nan|NaN|NAN)"), lambda text: math.nan),
)
