"""From a config file to a `Config`; importable before numpy, so that the threads can be fixed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bpcli.config.build import build
from bpcli.config.document import read_document
from bpcli.config.overrides import override
from bpcli.config.threads import blas_threads_of, fix_threads, threads_of

if TYPE_CHECKING:
    from bpcli.experiment.config import Config


class Loaded(NamedTuple):
    """A valid config and where it came from."""

    config: Config
    path: Path
    text: str  # as written, without --set

    @property
    def folder(self) -> Path:
        """What relative paths in the config start from."""
        return self.path.parent


def load(path: Path, assignments: Sequence[str] = ()) -> Loaded:
    """Read, override and check a config file.  Raises ConfigError with every problem at once."""
    written = read_document(path)
    document = override(written, assignments)
    fix_threads(blas_threads_of(document.value))
    from bpcli.experiment.config import Config  # brings numpy, which must see the threads

    config = build(document, Config)
    threads = {"threads": threads_of(document.value)}
    return Loaded(config.model_copy(update=threads), path, written.text)
