"""What makes a run this run and no other: its config and its data."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from bpcli.config.component import Spec
from bpcli.data.table import Table
from bpcli.experiment.config import Config
from bpcli.runs.header import canonical


class Identity(Spec):
    """A run by what decides its result; the same run again, anywhere, has the same identity."""

    config: dict[str, Any]  # resolved, without the folder of the data and what is only output
    files: Annotated[tuple[str, ...], Field(strict=False)]  # names of the data files
    data_sha256: str
    rows: int

    @classmethod
    def of(cls, config: Config, table: Table) -> Identity:
        """The identity of a resolved config on its table."""
        written = config.model_dump(mode="json", exclude={"output"})
        names = {key: Path(path).name for key, path in config.data.files.items()}
        written["data"] |= names
        del written["data"]["cache"]  # where the table is kept decides nothing
        return cls(
            config=written,
            files=tuple(names.values()),
            data_sha256=table.sha256,
            rows=table.n_rows,
        )

    @property
    def run(self) -> str:
        """The id that the files of a run share."""
        return hashlib.sha256(canonical(self.model_dump(mode="json")).encode()).hexdigest()[:16]
