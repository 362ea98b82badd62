"""What `check` says: each finding with its numbers and the way out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from bpcli.display.figures import counted
from bpcli.display.text import show

if TYPE_CHECKING:
    from bpcli.insight.audit.audit import Audit
    from bpcli.insight.audit.shuffled import Beyond

_SENTENCE = 600


def audit_parts(found: Audit, beyond: Beyond | None, rows: int) -> Iterator[Text]:
    """The findings, then how many there are."""
    for one in found.findings:
        where = f"{show(one.where, _SENTENCE)}: " if one.where else ""
        head = (f"finding[{one.id}] ", "bold yellow")
        yield Text.assemble(head, f"{where}{show(one.what, _SENTENCE)}")
        if one.fix:
            yield Text.assemble(("  fix: ", "cyan"), show(one.fix, _SENTENCE))
    if beyond is not None:
        yield Text(
            f"shuffled targets: correlation on {beyond.rows} rows {beyond.mean:.3f} "
            f"± {beyond.standard_error:.3f} over {counted(len(beyond.correlations), 'training')}"
        )
    yield Text(f"{counted(len(found.findings), 'finding')} in {counted(rows, 'row')}", "bold")
