"""What ails the networks of a completed run, from the files of its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bpcli.config.errors import ModelError, Problem
from bpcli.experiment.config import Config
from bpcli.insight.diagnosis import Told, together
from bpcli.insight.evidence import Evidence
from bpcli.insight.rules import diagnose
from bpcli.runs.folder import DIAGNOSTICS, HISTORY
from bpcli.runs.stored import StoredRun
from bpcli.runs.tables import diagnostics_of, history_of


def diagnosed(run: StoredRun, config: Config) -> list[Told]:
    """The findings of a run; `config` is its resolved one.  Raises ModelError for damaged files."""
    try:
        readings = diagnostics_of(_text(run.folder, DIAGNOSTICS))
        records = history_of(_text(run.folder, HISTORY))
    except (OSError, ValueError, TypeError):
        what = f"its {DIAGNOSTICS} or {HISTORY} cannot be read"
        fix = "train again, or diagnose its config.resolved.yaml"
        raise ModelError(Problem("BP-M050", str(run.folder), what, fix)) from None
    members = max(record.member for record in records)
    return together(
        [
            diagnose(
                Evidence(
                    config,
                    [one for one in readings if one.member == member],
                    [one for one in records if one.member == member],
                    _updates(run, config),
                    _best_epoch(run.record, member),
                )
            )
            for member in range(1, members + 1)
        ]
    )


def _text(folder: Path, name: str) -> str:
    return (folder / name).read_text(encoding="utf-8")


def _updates(run: StoredRun, config: Config) -> int:
    """That the config asks of one network."""
    rows = int(run.record["data"]["account"]["rows"]["train"])
    batch = rows if config.batch_size in ("full", "auto") else min(int(config.batch_size), rows)
    return config.iterations or (config.epochs or 1) * -(-rows // max(1, batch))


def _best_epoch(record: dict[str, Any], member: int) -> int | None:
    members = record.get("members")
    ending = members[member - 1] if members else record
    best = ending.get("best_epoch")
    return None if best is None else int(best)
