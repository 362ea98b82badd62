"""What an explanation looks like, drawn into axes of matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bpcli.display.text import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bpcli.experiment.plane import Plane
    from bpcli.insight.attribution import Attributions
    from bpcli.insight.effects import Effect
    from bpcli.runs.explain import Scored

_NAME = 28  # characters
_LINES = 10  # answers


def draw_clusters(axes: Axes, plane: Plane) -> None:
    """A dot a row in the colour of its cluster, a cross a centre with its number."""
    for k in range(len(plane.centres)):
        axes.plot(*plane.points[plane.labels == k].T, ".", alpha=0.6)
    axes.plot(*plane.centres.T, "x", color=axes.title.get_color())
    for number, (x, y) in enumerate(plane.centres.tolist(), 1):
        axes.annotate(str(number), (x, y), xytext=(4, 4), textcoords="offset points")
    for which, name, share in zip(("x", "y"), ("first", "second"), plane.shares, strict=True):
        text = f"{name} component, {100 * share:.0f} % of the variance"
        axes.set(**{f"{which}label": text})
    axes.set_title(f"{len(plane.centres)} clusters on the first two principal components")


def draw_importances(axes: Axes, scored: Scored, most: int) -> None:
    """Bars with standard errors, the largest on top."""
    ranked = sorted(scored.importances, key=lambda one: -one.mean)[:most]
    names = [" + ".join(show(name, _NAME) for name in one.columns) for one in ranked]
    errors = [one.standard_error or 0.0 for one in ranked]
    _bars(axes, [show(name, 2 * _NAME) for name in names], [one.mean for one in ranked], errors)
    axes.set_xlabel(f"{scored.metric} worse by")
    axes.set_title("permutation importance")


def draw_attributions(axes: Axes, found: Attributions, most: int) -> None:
    """Bars of the mean |attribution|."""
    strength = found.strength().mean(axis=0)
    order = np.argsort(-strength, kind="stable")[:most]
    names = [show(found.columns[i], _NAME) for i in order]
    _bars(axes, names, strength[order].tolist(), None)
    axes.set_xlabel("mean |attribution|")
    axes.set_title(found.method)


def draw_effect(axes: Axes, one: Effect, answers: Sequence[str]) -> None:
    """Partial dependence of each answer, with thin lines for single rows of the first."""
    at = np.arange(len(one.values)) if one.numbers is None else one.numbers
    if len(answers) == 1:
        for curve in one.curves[:, :, 0]:
            axes.plot(at, curve, color="0.6", linewidth=0.4, alpha=0.6)
    for answer, course in list(zip(answers, one.dependence.T, strict=True))[:_LINES]:
        axes.plot(at, course, marker="o", markersize=3, label=show(answer, _NAME))
    if one.numbers is None:
        axes.set_xticks(at, [show(value, 16) for value in one.values], rotation=30, ha="right")
    axes.set_xlabel(show(one.column, 2 * _NAME))
    axes.set_ylabel("mean prediction")
    axes.grid(alpha=0.3)
    axes.legend()


def _bars(
    axes: Axes, names: Sequence[str], values: Sequence[float], errors: Sequence[float] | None
) -> None:
    places = np.arange(len(names))
    axes.barh(places, values, xerr=errors, height=0.7, ecolor="0.5", capsize=2)
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
