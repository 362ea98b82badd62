"""Findings for people: what, where, how one sees it, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from bpcli.display.figures import counted
from bpcli.display.text import show
from bpcli.insight.diagnosis import Told
from bpcli.insight.rules import RULES

_LONG = 400


def diagnosis(found: Sequence[Told]) -> Iterator[RenderableType]:
    """A paragraph a finding; where there is none, what was looked for."""
    for told in found:
        rule = told.finding.rule
        yield Text.assemble(
            (f"{rule.name}", "bold red"), f"  {show(told.where)}", (f"  {rule.id}", "dim")
        )
        yield Padding(Text(show(told.finding.what, _LONG)), (0, 0, 0, 2), expand=False)
        remedy = Text.assemble(("try: ", "cyan"), show(told.finding.remedy, _LONG))
        yield Padding(remedy, (0, 0, 0, 2), expand=False)
        yield Text()
    names = ", ".join(rule.name for rule in RULES)
    if found:
        yield Text(f"{counted(len(found), 'finding')}.", "bold")
    else:
        yield Text(f"Nothing found. Looked for: {names}.")
