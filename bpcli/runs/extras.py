"""What predictions have beside them on demand: intervals or sets, doubts, and reasons."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from bpcli.config.errors import ModelError, Notice, NotMetError, Problem
from bpcli.data.doubt import Doubt
from bpcli.data.table import Table
from bpcli.data.targets.classes import ClassTarget
from bpcli.data.targets.numbers import point
from bpcli.experiment.conformal import Conformal, members, rows_needed
from bpcli.experiment.predictor import Ensemble
from bpcli.metrics.metric import Floats
from bpcli.runs.limits import Limit, Tally
from bpcli.runs.reasons import reason_columns
from bpcli.runs.spreadsheet import Column


class Asked(NamedTuple):
    """What predictions are to have beside them."""

    level: Fraction | None = None  # of intervals or sets
    doubt: bool = False
    limits: tuple[Limit, ...] = ()
    reasons: int = 0  # the strongest columns of each row


NOTHING = Asked()


class Extras:
    """Columns for each part of a file, and what is to be said once all parts are through.

    Raises ModelError where the model has no intervals.
    """

    def __init__(self, ensemble: Ensemble, model: str, file: str, asked: Asked) -> None:
        self.ensemble, self.file, self.asked = ensemble, file, asked
        self._tally = Tally()
        self._conformal = None if asked.level is None else _conformal(ensemble, model)

    def columns(self, table: Table, prediction: Floats) -> list[Column]:
        """The columns of a part of the file."""
        columns: list[Column] = []
        level, wanted, limits, reasons = self.asked
        if self._conformal is not None and level is not None:
            columns += interval_columns(self.ensemble, prediction, self._conformal.radius(level))
        if wanted or limits:
            doubt = Doubt.of(self.ensemble.features, table)
            self._tally.add(doubt)
            if wanted:
                columns += [(kind, cells.tolist()) for kind, cells in doubt._asdict().items()]
        if reasons:
            columns += reason_columns(self.ensemble, table, reasons)
        return columns

    def notices(self) -> Iterator[Notice]:
        """What the intervals stand on."""
        conformal, level = self._conformal, self.asked.level
        if conformal is None or level is None:
            return
        spec, percent = conformal.spec, f"{100 * float(level):g} %"
        if np.isinf(conformal.radius(level)).any():
            needed = rows_needed(level)
            what = f"{spec.rows} {spec.set} rows are too few for {percent}, which needs {needed}"
            fix = "ask for a lower level, or train with a larger split.calibration"
            yield Notice("BP-D148", "--interval", f"{what}: it holds every value", fix)
        if spec.chose:
            what = f"the {spec.rows} {spec.set} rows behind it also chose the "
            what += f"{' and the '.join(spec.chose)}, so {percent} may be a little less"
            fix = "train with split.calibration above 0 for rows that chose nothing"
            yield Notice("BP-D149", "--interval", what, fix)

    def require(self) -> None:
        """Raises NotMetError where the file gives more doubt than a limit allows."""
        problems = list(self._tally.beyond(self.asked.limits, self.file))
        if problems:
            raise NotMetError(*problems)


def interval_columns(ensemble: Ensemble, prediction: Floats, radius: Floats) -> list[Column]:
    """`lower` and `upper` of each number, with its name where there are several; or `set`."""
    target = ensemble.target
    if isinstance(target, ClassTarget):
        words = [word.replace("\\", "\\\\").replace("|", "\\|") for word in target.classes]
        inside = members(prediction, radius).tolist()
        return [("set", ["|".join(w for w, held in zip(words, row) if held) for row in inside])]  # noqa: B905
    middle = point(prediction, ensemble.loss.quantiles())
    ends = {"lower": middle - radius, "upper": middle + radius}
    return [
        (side if target.width == 1 else f"{side}_{name}", values[:, i].tolist())
        for i, name in enumerate(target.columns)
        for side, values in ends.items()
    ]


def _conformal(ensemble: Ensemble, model: str) -> Conformal:
    if ensemble.conformal is not None:
        return ensemble.conformal
    if ensemble.target.kind == "labels":
        what, fix = "has no sets: its target is labels", "use the probability of each label"
    elif ensemble.target.kind == "clusters":
        what, fix = "has no intervals: a cluster is no number", "look at the distances"
    elif ensemble.target.kind == "latent":
        what, fix = "has no intervals: it predicts no target", "look at the column error"
    else:
        what = "has no intervals: it was trained without validation and calibration rows"
        fix = "train with split.calibration above 0"
    raise ModelError(Problem("BP-M031", model, what, fix))
