"""The networks that a config is trained as which leaves them open.

Of few rows those of the presets that folds prefer, as many as there are folds, each without one of
them: no row is to be lost to validation. The choice costs some short trainings. Of two classes a
pair of the default, half as long each: what one network says of a row between the classes is chance
to a good part. Only a training asks the folds: `bpcli plan` foresees what it would have without
them, and other commands look at one network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from bpcli.config.errors import DataError, Notice, listing
from bpcli.data.prepare import Prepared
from bpcli.experiment.config import Config
from bpcli.experiment.few import CANDIDATES, FEW, IN_TURN, TRIED
from bpcli.experiment.load import Loaded
from bpcli.experiment.parts import FoldsSpec
from bpcli.experiment.presets import MLP, Tabular
from bpcli.experiment.resolve import MANY, rows_of
from bpcli.runs.resolved import (
    Keeping,
    Preparing,
    prepare_and_resolve,
    prepared_of,
    written_from,
)
from bpcli.selection.preset import PresetChoice, folds_to_ask, preferred


class Pair(NamedTuple):
    """That there are two networks where one was left open."""

    name: str  # of their preset

    def notice(self) -> Notice:
        """What is said of it."""
        what = f"two of {self.name}, half as long each: the default for two classes"
        return Notice("", "network", what, "name a network to have one of it")


class Unasked(NamedTuple):
    """That folds are to choose among networks, and have not been asked."""

    names: list[str]  # of the preset that stands for what they may choose

    def notice(self) -> Notice:
        """What is said of it."""
        among = listing([*CANDIDATES])
        what = f"folds choose among {among} when it is trained; this is {self.names[0]}"
        return Notice("", "network", what, "bpcli validate --expand asks them")


Decided = tuple[Prepared, Config, PresetChoice | Pair | Unasked | None]


def prepare_and_decide(loaded: Loaded, preparing: Preparing = prepared_of) -> Decided:
    """The table, the resolved config, and how its networks were chosen where there was a choice."""
    return _decided(loaded, preparing, _choice)


def prepare_and_foresee(loaded: Loaded) -> Decided:
    """The same without a training for the choice: `mlp` stands for what folds may choose."""
    return _decided(loaded, prepared_of, _unasked)


def _decided(
    loaded: Loaded,
    preparing: Preparing,
    choose: Callable[[Loaded, Preparing], PresetChoice | Unasked | None],
) -> Decided:
    preparing = Keeping(2, preparing)  # as given, and with the rows that validate among the others
    prepared, config = _with(loaded, {}, preparing)
    if not _is_open(loaded.config, prepared):
        return prepared, config, None
    rows = rows_of(config, prepared)
    if rows < FEW:
        choice = choose(loaded, preparing)
        if choice is None:
            return prepared, config, None
        factors = IN_TURN if len(choice.names) > 1 else IN_TURN[:1]
        folds = FoldsSpec(folds=loaded.config.split.folds, penalty_factors=factors)
        values = {**CANDIDATES[choice.names[0]], "ensemble": folds}
        return *_with(loaded, values, preparing), choice
    if prepared.task == "binary" and rows <= MANY:
        assert config.epochs  # the preset's, as no length was given
        half = {"ensemble": 2, "epochs": config.epochs // 2}
        return *_with(loaded, half, preparing), Pair(Tabular.name)
    return prepared, config, None


def _choice(loaded: Loaded, preparing: Preparing) -> PresetChoice | None:
    """What the folds prefer; None where there are too few rows for folds."""
    shorter = {name: _shorter(values) for name, values in CANDIDATES.items()}
    try:
        return preferred({name: _with(loaded, one, preparing) for name, one in shorter.items()})
    except DataError:
        return None


def _unasked(loaded: Loaded, preparing: Preparing) -> Unasked | None:
    try:
        folds = folds_to_ask(*_with(loaded, {}, preparing))
    except DataError:
        return None
    return Unasked([MLP.name]) if folds else None


def folds_kept(loaded: Loaded, prepared: Prepared) -> list[str]:
    """That the folds stay which scored a network, as PATH=VALUE; none where a training has none."""
    keeps = _is_open(loaded.config, prepared) and rows_of(loaded.config, prepared) < FEW
    return [f"ensemble={{folds: {loaded.config.split.folds}}}"] if keeps else []


def _shorter(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "iterations": min(values["iterations"], TRIED)}


def _with(loaded: Loaded, values: dict[str, Any], preparing: Preparing) -> tuple[Prepared, Config]:
    return prepare_and_resolve(loaded.with_values(**values), preparing=preparing)


def expanded(loaded: Loaded) -> dict[str, Any]:
    """The resolved config as plain values, as a training would write it beside the given one."""
    _, config, _ = prepare_and_decide(loaded)
    return written_from(config, loaded.folder, loaded.folder)


def _is_open(config: Config, prepared: Prepared) -> bool:
    """Whether networks can be trained for one that is asked for: of rows without an order in time.

    An optimizer, a rate or a length of training is that of a network, as `cv` and `lr-sweep` have
    found it.
    """
    one = config.takes_default_network and config.networks == 1 and config.shards is None
    method = config.optimizer, config.learning_rate
    length = config.epochs, config.iterations, config.stop.max_time
    bare = all(one is None for one in (*method, *length))
    supervised = not config.is_unsupervised and config.input is None
    ordered = prepared.split_method(config.split) == "time"
    return one and bare and supervised and not ordered
