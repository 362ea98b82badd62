"""What a rule is, and the finding that it makes."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from bpcli.insight.evidence import Evidence


class Finding(NamedTuple):
    """What ails a network, where, how one sees it, and what to do."""

    rule: Rule
    where: str
    what: str
    remedy: str
    changes: tuple[str, ...] = ()  # of the config, as path=value; what `--fix` writes


class Rule:
    """One kind of finding."""

    id: ClassVar[str]
    name: ClassVar[str]
    explains: ClassVar[tuple[str, ...]] = ()  # findings that only follow from this one

    def look(self, e: Evidence) -> Finding | None:
        """The finding, where there is one."""
        raise NotImplementedError

    def found(self, where: str, what: str, remedy: str, *changes: str) -> Finding:
        """A finding of this rule."""
        return Finding(self, where, what, remedy, changes)
