"""The equations of a linear model, in the units of the data.

They are read from predictions of a table of probes: one row at the medians, at the first categories
and at no, and one row more for each thing that a term changes. So every scaling and encoding is
undone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bpcli.data.features import Features
from bpcli.data.layout import FeatureLayout
from bpcli.data.table import Table
from bpcli.data.targets.classes import ClassTarget
from bpcli.data.targets.labels import LabelTarget
from bpcli.experiment.predictor import Ensemble, Predictor
from bpcli.metrics.metric import Floats
from bpcli.nn.categories import CategoryDropout, Embedding
from bpcli.nn.images import Flatten, Image
from bpcli.nn.layer import Array
from bpcli.nn.layers import Dense
from bpcli.nn.scoring import Scorer

LINEAR = (Dense, CategoryDropout, Embedding, Image, Flatten)  # a category adds its vector
TOLERANCE = 1e-6  # relative; what a bent scaling exceeds and rounding does not


class Equations(NamedTuple):
    """One equation for each target, class, label or quantile: output = Σ terms + intercept."""

    scale: str  # what adds up: value, log, log-odds or centred log p
    reference: dict[str, str]  # {column: the category that its terms are differences from}
    terms: dict[str, dict[str, float]]  # {output: {term: coefficient, "intercept": value}}


def equations(ensemble: Ensemble) -> Equations | None:
    """The equations of a network without activations; None where there are none.

    They hold for rows without missing cells. A column of dates, a scaling that bends, or calibrated
    probabilities have none.
    """
    predictor = ensemble.parts[0]
    linear = all(isinstance(layer, LINEAR) for layer in predictor.network.layers)
    bent = ensemble.size > 1 or bool(ensemble.calibration.fitted)
    if not linear or bent or predictor.features.layout.dates:
        return None
    probes = _probes(predictor.features)
    x = predictor.features.encode(probes.table(predictor.features.layout))
    z = Scorer(predictor.network, predictor.flat.astype(np.float64))(x)
    for scale, names, y in _outputs(predictor, z):
        found = probes.terms(y)
        if found is not None:
            named = (dict(zip((*probes.names, "intercept"), c, strict=True)) for c in found)
            reference = {one.name: one.levels[0] for one in predictor.features.layout.categorical}
            return Equations(scale, reference, dict(zip(names, named, strict=True)))
    return None


class Change(NamedTuple):
    """What one term changes in the first row: a number by one step or by two, or a word."""

    column: str
    near: str
    far: str
    start: float = 0.0  # the number in the first row
    step: float = 1.0


class Probes(NamedTuple):
    """The cells of the first row, and the change of each term."""

    base: dict[str, str]
    changes: dict[str, Change]

    @property
    def names(self) -> tuple[str, ...]:
        """The terms."""
        return tuple(self.changes)

    def table(self, layout: FeatureLayout) -> Table:
        """Row 0 is the base, then a row for each change, each change twice as far, all changes."""
        near = [{**self.base, one.column: one.near} for one in self.changes.values()]
        far = [{**self.base, one.column: one.far} for one in self.changes.values()]
        together = self.base | {one.column: one.near for one in self.changes.values()}
        rows = [self.base, *near, *far, together]
        columns = {name: np.array([row[name] for row in rows], dtype=object) for name in self.base}
        spec = layout.reading("probes", {}).model_copy(update={"missing": ()})
        return Table(Path("probes"), columns, np.arange(len(rows)), spec=spec, sha256="")

    def terms(self, y: Floats) -> list[list[float]] | None:
        """Coefficients and intercept of each output y (rows,M); None where y is not linear."""
        if not np.isfinite(y).all():
            return None
        changes = list(self.changes.values())
        first, count = y[0], len(changes)
        near, far = y[1 : 1 + count] - first, y[1 + count : 1 + 2 * count] - first
        twice = np.array([[1 if one.near == one.far else 2] for one in changes])
        last = sorted({one.column: i for i, one in enumerate(changes)}.values())
        size = TOLERANCE * np.abs(near).max(axis=0, initial=0)
        straight = np.abs(far - twice * near) <= size
        added = np.abs(y[-1] - first - near[last].sum(axis=0)) <= count * size
        if not (straight.all() and added.all()):
            return None
        slopes = near / np.array([[one.step] for one in changes])
        intercept = first - np.array([[one.start for one in changes]]) @ slopes
        rows: list[list[float]] = np.vstack([slopes, intercept]).T.tolist()
        return rows


def _probes(features: Features) -> Probes:
    """A term for each number and flag, and for each category but the first."""
    layout, base, changes = features.layout, dict[str, str](), dict[str, Change]()
    steps = zip(layout.numeric, *_steps(features), strict=True)
    for name, start, step in steps:
        base[name], near, far = (
            repr(start + k * step).replace(".", layout.decimal) for k in range(3)
        )
        changes[name] = Change(name, near, far, start, step)
    for flag in layout.flags:
        base[flag.name] = "false"
        changes[flag.name] = Change(flag.name, "true", "true")
    for one in layout.categorical:
        base[one.name] = one.levels[0]
        changes |= {f"{one.name}={word}": Change(one.name, word, word) for word in one.levels[1:]}
    return Probes(base, changes)


def _steps(features: Features) -> tuple[list[float], list[float]]:
    """The median of each number, and a step that scaling makes about 1: no output overflows."""
    scaler = features.layout.scaler
    fitted = {name: features.fitted[f"feature.{name}"] for name in scaler.tensors()}
    median = features.fitted["feature.impute"]
    slope = np.abs(np.subtract(*scaler.apply(np.stack([median + 1, median]), fitted)))
    step = np.divide(1, slope, out=np.ones_like(slope), where=slope > 0)
    return median.tolist(), step.tolist()


def _outputs(predictor: Predictor, z: Array) -> Iterator[tuple[str, tuple[str, ...], Floats]]:
    """(scale, names, numbers (N,M)) of what may be linear, likeliest first; scores z (1,N,O)."""
    target, scores = predictor.target, z[0]
    if isinstance(target, LabelTarget):
        yield "log-odds", target.columns, scores
    elif isinstance(target, ClassTarget):
        if target.width == 2:
            yield "log-odds", target.classes[1:], scores[:, -1:] - scores[:, :-1].sum(1)[:, None]
        else:
            yield "centred log p", target.classes, scores - scores.mean(axis=1, keepdims=True)
    else:
        levels = [f" q{level:g}" for level in predictor.loss.quantiles()]
        names = tuple(f"{name}{level}" for name in target.columns for level in levels or [""])
        if levels:  # before they are sorted, which changes nothing where they do not cross
            quantiles = scores.reshape(len(scores), target.width, len(levels))
            values = target.decode(quantiles, predictor.target_fitted)
        else:
            values = predictor.from_scores(z)[0]
        flat = values.reshape(len(values), -1)
        yield "value", names, flat
        with np.errstate(divide="ignore", invalid="ignore"):
            yield "log", names, np.log(flat)
