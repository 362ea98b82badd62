"""Pydantic's errors in the words of a config: what was expected, by kind of error."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from pydantic_core import ErrorDetails

from bpcli.config.errors import listing


class Expectation(NamedTuple):
    """What a value should have been."""

    id: str
    phrase: str  # completes "expected …"
    words: list[str]  # the names to choose from, if the choice is one of names

    @property
    def choice(self) -> str:
        """The phrase or the names, whichever says more; completes "write …"."""
        return f"one of {listing(self.words)}" if self.words else self.phrase


def expectation(error: ErrorDetails) -> Expectation | None:
    """What a value should have been; None where an error is not about the value's own form."""
    if error["type"] not in _EXPECTED:
        return None
    id, phrase = _EXPECTED[error["type"]]
    context = error.get("ctx", {})
    return Expectation(id, phrase.format(**context), _words(context))


def rule(error: ErrorDetails) -> str:
    """The message of a check that a model makes itself."""
    return re.sub(r"^(Value error|Assertion failed), ", "", error["msg"])


def _words(context: dict[str, Any]) -> list[str]:
    return context.get("known") or re.findall(r"'([^']*)'", str(context.get("expected", "")))


_TYPE, _BOUND, _SIZE = "BP-C032", "BP-C033", "BP-C034"
_CHOICE, _FORM, _NO_SETTINGS, _NAME = "BP-C035", "BP-C036", "BP-C037", "BP-C038"
_MAPPING, _LIST = "a mapping of 'key: value' entries", "a list"

_EXPECTED = {
    "int_type": (_TYPE, "a whole number"),
    "float_type": (_TYPE, "a number"),
    "finite_number": (_BOUND, "a finite number"),
    "bool_type": (_TYPE, "true or false"),
    "string_type": (_TYPE, "text"),
    "none_required": (_TYPE, "null"),
    "dict_type": (_TYPE, _MAPPING),
    "model_type": (_TYPE, _MAPPING),
    "list_type": (_TYPE, _LIST),
    "tuple_type": (_TYPE, _LIST),
    "greater_than": (_BOUND, "a number above {gt:.15g}"),
    "greater_than_equal": (_BOUND, "a number of at least {ge:.15g}"),
    "less_than": (_BOUND, "a number below {lt:.15g}"),
    "less_than_equal": (_BOUND, "a number of at most {le:.15g}"),
    "multiple_of": (_BOUND, "a multiple of {multiple_of:.15g}"),
    "too_short": (_SIZE, "{min_length} or more items"),
    "too_long": (_SIZE, "{max_length} or fewer items"),
    "string_too_short": (_SIZE, "{min_length} or more characters"),
    "string_too_long": (_SIZE, "{max_length} or fewer characters"),
    "string_pattern_mismatch": (_CHOICE, "text that matches {pattern}"),
    "literal_error": (_CHOICE, "{expected}"),
    "component_form": (
        _FORM,
        "one {family} as name, {{name: value}} or {{name: {{field: value}}}}",
    ),
    "component_without_fields": (_NO_SETTINGS, "just {name}, which has no settings"),
    "unknown_component": (_NAME, "a known {family}"),
}
