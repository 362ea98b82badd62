"""From a config file to a `Config`; importable before numpy, so that the threads can be fixed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bpcli.config.build import build
from bpcli.config.document import Document, parse_document, read_document
from bpcli.config.errors import ConfigError, Problem
from bpcli.config.overrides import override
from bpcli.config.threads import blas_threads_of, fix_threads, threads_of

if TYPE_CHECKING:
    from bpcli.experiment.config import Config


class Loaded(NamedTuple):
    """A valid config and where it came from."""

    config: Config
    path: Path
    text: str  # as written, without --set
    assignments: tuple[str, ...] = ()  # of --set
    beside: Path | None = None  # the folder for caches of tables; None: no such are used

    @property
    def folder(self) -> Path:
        """What relative paths in the config start from."""
        return self.path.parent

    @property
    def inputs(self) -> list[Path]:
        """The files that are read: the config, and those of the data."""
        return [self.path, *(self.folder / path for path in self.config.data.files.values())]

    def with_values(self, **values: Any) -> Loaded:
        """The same with other values of keys of the config, which are not checked anew."""
        return self._replace(config=self.config.model_copy(update=values))

    def anywhere(self) -> Loaded:
        """The same for a process in another folder."""
        beside = self.beside and self.beside.absolute()
        return self._replace(path=self.path.absolute(), beside=beside)

    def overridden(self, assignments: Sequence[str]) -> Loaded:
        """The same text with more PATH=VALUE, checked anew.  Raises ConfigError."""
        from bpcli.experiment.config import Config

        every = (*self.assignments, *assignments)
        config = build(override(parse_document(self.text, str(self.path)), every), Config)
        threads = {"threads": self.config.threads}
        return self._replace(config=config.model_copy(update=threads), assignments=every)


def load(path: Path, assignments: Sequence[str] = (), *, auto_threads: int | None = None) -> Loaded:
    """Read, override and check a config file.  Raises ConfigError with every problem at once.

    `auto_threads` is what `threads: auto` means where a run has begun with it already.
    """
    written = read_document(path)
    document = override(written, assignments)
    fix_threads(blas_threads_of(document.value, auto_threads))
    from bpcli.experiment.config import Config  # brings numpy, which must see the threads

    try:
        config = build(document, Config)
    except ConfigError as error:
        more = _data_problems(document, path.parent)
        raise ConfigError(*error.problems, *more) from None
    threads = {"threads": threads_of(document.value, auto_threads)}
    return Loaded(config.model_copy(update=threads), path, written.text, tuple(assignments))


def _data_problems(document: Document, folder: Path) -> list[Problem]:
    """What else is wrong: the files and columns of a config that is wrong elsewhere."""
    from pydantic import ValidationError

    from bpcli.data.header import header_problems
    from bpcli.data.spec import DataSpec

    try:
        return header_problems(folder, DataSpec.model_validate(document.value.get("data")))
    except ValidationError:
        return []  # that is among the problems already
