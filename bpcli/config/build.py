"""A document into a model, with everything that is wrong in one report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple, TypeVar, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bpcli.config.component import Spec
from bpcli.config.document import Document
from bpcli.config.errors import ConfigError, Problem, did_you_mean, listing
from bpcli.config.fields import description_at, keys_at
from bpcli.config.places import KeyPath, Position, value_text
from bpcli.config.wording import Expectation, expectation, rule

S = TypeVar("S", bound=Spec)


class _Failure(NamedTuple):
    """One of pydantic's errors and its path in the document.

    In a union pydantic adds the name of each alternative to the location. Such a fork is kept
    apart, as the path where it stood and the name.
    """

    error: ErrorDetails
    path: KeyPath
    forks: tuple[tuple[KeyPath, str | int], ...]


class _Finding(NamedTuple):
    """A problem before it has a place in the text."""

    id: str
    path: KeyPath
    what: str
    fix: str
    at_key: bool = False

    def position(self, document: Document) -> tuple[bool, Position]:
        """Where it sorts: through the text, then what comes from the command line."""
        mark = document.mark(self.path)
        return bool(mark.assignment), mark.key if self.at_key else mark.value

    def problem(self, document: Document) -> Problem:
        """The problem at its place."""
        return document.problem(self.id, self.path, self.what, self.fix, at_key=self.at_key)


def build(document: Document, model: type[S]) -> S:
    """The model that the document describes; ConfigError with all problems, by position."""
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        errors = [item for item in error.errors(include_url=False) if not _is_echo(item)]
    failures = [_located(document.value, item) for item in errors]
    findings = [_finding(model, group) for group in _groups(failures)]
    findings.sort(key=lambda finding: finding.position(document))
    raise ConfigError(*(finding.problem(document) for finding in findings))


def _is_echo(error: ErrorDetails) -> bool:
    """Whether a list is too short only because pydantic does not count its invalid items."""
    return error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]


def _located(root: Any, error: ErrorDetails) -> _Failure:
    missing = error["type"] == "missing"
    steps, key = (error["loc"][:-1], error["loc"][-1:]) if missing else (error["loc"], ())
    node, path = root, cast(KeyPath, ())
    forks: list[tuple[KeyPath, str | int]] = []
    for step in steps:
        if _has(node, step):
            node, path = node[step], (*path, step)
        elif missing and node == step:  # a component written as a bare name
            node, path = None, (*path, step)
        else:
            forks.append((path, step))
    return _Failure(error, path + key, tuple(forks))


def _has(node: Any, step: str | int) -> bool:
    if isinstance(node, dict):
        return step in node
    return isinstance(node, list) and isinstance(step, int)


def _groups(failures: Iterable[_Failure]) -> Iterator[list[_Failure]]:
    """The failures by problem: each is one, but those of a union may be one together."""
    for fork, group in groupby(failures, key=lambda f: f.forks[0][0] if f.forks else None):
        if fork is None:
            yield from ([failure] for failure in group)
        else:
            yield from _union_groups(fork, list(group))


def _union_groups(fork: KeyPath, failures: list[_Failure]) -> Iterator[list[_Failure]]:
    """All alternatives as one, unless the value has the form of one of them."""
    tried = [list(group) for _, group in groupby(failures, key=lambda f: f.forks[0][1])]
    meant = min((tries for tries in tried if _has_form(tries, fork)), key=len, default=None)
    if meant is None:
        yield failures
    else:
        yield from _groups(failure._replace(forks=failure.forks[1:]) for failure in meant)


def _has_form(failures: list[_Failure], fork: KeyPath) -> bool:
    """Whether an alternative fails only further in, or by a rule about the whole value."""
    return any(f.path != fork or expectation(f.error) is None for f in failures)


def _finding(model: type[Spec], failures: list[_Failure]) -> _Finding:
    error, path, _ = failures[0]
    if error["type"] == "missing":
        return _missing(model, path)
    if error["type"] == "extra_forbidden":
        return _unknown_key(model, path)
    expected = [wanted for f in failures if (wanted := expectation(f.error))]
    if not expected:
        return _Finding("BP-C040", path, rule(error), _purpose("change it", model, path))
    return _unexpected(model, path, expected, error["input"])


def _missing(model: type[Spec], path: KeyPath) -> _Finding:
    fix = _purpose(f"add '{path[-1]}'", model, path)
    return _Finding("BP-C030", path, f"required key '{path[-1]}' is missing", fix, at_key=True)


def _unknown_key(model: type[Spec], path: KeyPath) -> _Finding:
    key, known = str(path[-1]), keys_at(model, path[:-1])
    what = f"unknown key {value_text(key)}{did_you_mean(key, known)}"
    fix = f"use one of {listing(known)}" if known else "remove it"
    return _Finding("BP-C031", path, what, fix, at_key=True)


def _unexpected(
    model: type[Spec], path: KeyPath, expected: list[Expectation], got: Any
) -> _Finding:
    phrases = " or ".join(dict.fromkeys(wanted.phrase for wanted in expected))
    choices = " or ".join(dict.fromkeys(wanted.choice for wanted in expected))
    near = did_you_mean(_name(got), [word for wanted in expected for word in wanted.words])
    id = expected[0].id if len(expected) == 1 else "BP-C039"
    what = f"expected {phrases}, got {value_text(got)}{near}"
    return _Finding(id, path, what, _purpose(f"write {choices}", model, path))


def _name(value: Any) -> str:
    """The name in a written component or choice; empty for what is not text."""
    word = next(iter(value), "") if isinstance(value, dict) else value
    return word if isinstance(word, str) else ""


def _purpose(advice: str, model: type[Spec], path: KeyPath) -> str:
    description = description_at(model, path)
    return f"{advice} ({description})" if description else advice
