"""A copy of a config with other values: the user's own text and comments stay."""

from __future__ import annotations

from collections.abc import Mapping
from os.path import relpath
from pathlib import Path

from bpcli.config.edit import with_value
from bpcli.experiment.load import Loaded
from bpcli.runs.files import write_new


def write_copy(given: Loaded, path: Path, changes: Mapping[str, str], *, force: bool) -> None:
    """Write it with some `path=value`, each with the comment that says why.

    Relative data paths still lead to the data. Raises ConfigError where the text does not allow a
    change.
    """
    home, text = path.resolve().parent, given.text
    if home != given.folder.resolve():
        files = given.config.data.files.items()
        moved = {f"data.{k}={relpath((given.folder / f).resolve(), home)}": "" for k, f in files}
        changes = {**changes, **moved}
    for assignment, why in changes.items():
        text = with_value(text, str(given.path), assignment, why)
    write_new(path, text, keep=given.path, force=force)
