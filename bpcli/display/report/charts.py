"""The charts of a report as SVG in the page, in colours that suit a light and a dark one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bpcli.display.closing import means
from bpcli.display.drawings import draw_attributions, draw_clusters, draw_importances
from bpcli.display.pictures import draw_sweep, drawn, plain_numbers
from bpcli.display.plots import log_scaled
from bpcli.display.text import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bpcli.data.arrays import Floats
    from bpcli.experiment.plane import Plane
    from bpcli.insight.attribution import Attributions
    from bpcli.runs.explain import Scored

_INK = "#010203"  # stands for the colour of the text around the chart
_STYLE = {
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor"), _INK),
    **dict.fromkeys(("xtick.color", "ytick.color"), _INK),
    **dict.fromkeys(("axes.facecolor", "figure.facecolor", "savefig.facecolor"), "none"),
    "legend.framealpha": 0.0,
    "legend.edgecolor": "none",
    "grid.color": "#888888",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": "cycler('color', ['#3b82c4', '#e08a1e', '#2e9e5b', '#c2504f', '#8b6fc0'])",
    "font.size": 10,
}
_BARS = 20
_WIDE, _HALF = (8.0, 3.2), (5.2, 3.6)
_RELIABLE = 10  # bins
_POINTS = 2000


class Svg(str):
    """Markup that this module has drawn; no other text is let into a page as it is."""


def _svg(draw: Callable[[Axes], object], size: tuple[float, float], label: str) -> Svg:
    """A chart that a page can hold: no header, no ids that another chart has, text as text."""

    def drawing(figure: Figure) -> None:
        draw(figure.subplots())

    text = drawn(drawing, size, "svg", {**_STYLE, "svg.hashsalt": label}).decode()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.S)
    (box,) = re.findall(r'viewBox="([^"]*)"', text)[:1]
    body = text[text.index(">") + 1 :].replace(_INK, "currentColor")
    body = re.sub(r'<g id="[^"]*"', "<g", body)  # only what is drawn several times needs its id
    return Svg(f'<svg viewBox="{box}" role="img" aria-label="{label}">{body}')


def losses(history: Sequence[Any]) -> Svg:
    """Training and validation loss over the epochs."""
    train = means(history, lambda one: one.train_loss)
    watched = means(history, lambda one: one.validation_loss)

    def draw(axes: Axes) -> None:
        for losses, name in ((train, "training"), (watched, "validation")):
            if losses:
                axes.plot(range(1, len(losses) + 1), losses, label=name, linewidth=1.6)
        if log_scaled([*train, *watched]):
            axes.set_yscale("log")
            plain_numbers(axes.yaxis)
        axes.set_xlabel("epoch")
        axes.set_ylabel("loss")
        axes.grid(alpha=0.3)
        axes.legend()

    return _svg(draw, _WIDE, "loss over the epochs")


def rates(history: Sequence[Any]) -> Svg:
    """Learning rate over the epochs."""
    course = means(history, lambda one: one.rate)

    def draw(axes: Axes) -> None:
        axes.plot(range(1, len(course) + 1), course, linewidth=1.6)
        axes.set_xlabel("epoch")
        axes.set_ylabel("learning rate")
        axes.grid(alpha=0.3)

    return _svg(draw, (8.0, 2.2), "learning rate over the epochs")


def residuals(name: str, truth: Floats, prediction: Floats) -> Svg:
    """Predictions over the truth, with the line where both are equal."""
    rows = np.unique(np.linspace(0, len(truth) - 1, min(len(truth), _POINTS)).astype(np.int64))

    def draw(axes: Axes) -> None:
        axes.scatter(truth[rows], prediction[rows], s=12, alpha=0.6, linewidths=0)
        ends = [min(truth.min(), prediction.min()), max(truth.max(), prediction.max())]
        axes.plot(ends, ends, color=_INK, linewidth=0.8)
        axes.set_xlabel(f"true {show(name, 40)}")
        axes.set_ylabel("predicted")
        axes.grid(alpha=0.3)

    return _svg(draw, _HALF, "predicted over true values")


def errors(name: str, truth: Floats, prediction: Floats) -> Svg:
    """The distribution of prediction − truth."""

    def draw(axes: Axes) -> None:
        axes.hist(prediction - truth, bins=min(40, max(5, len(truth) // 5)))
        axes.axvline(0, color=_INK, linewidth=0.8)
        axes.set_xlabel(f"predicted − true {show(name, 40)}")
        axes.set_ylabel("rows")
        axes.grid(alpha=0.3)

    return _svg(draw, _HALF, "distribution of the errors")


def reliability(sure: Floats, right: Floats) -> Svg:
    """How often answers are right that are so sure, in bins of equally many rows."""
    bins = np.array_split(np.argsort(sure, kind="stable"), min(_RELIABLE, max(1, len(sure) // 8)))
    said = [float(sure[rows].mean()) for rows in bins]
    found = [float(right[rows].mean()) for rows in bins]
    spread = [np.sqrt(f * (1 - f) / len(rows)) for f, rows in zip(found, bins, strict=True)]

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=_INK, linewidth=0.8)
        axes.errorbar(said, found, spread, marker="o", markersize=4, capsize=2)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel("probability that was said")
        axes.set_ylabel("share that it holds for")
        axes.grid(alpha=0.3)

    return _svg(draw, _HALF, "reliability of the probabilities")


def clusters(plane: Plane) -> Svg:
    """Rows by cluster, and their centres."""
    return _svg(lambda axes: draw_clusters(axes, plane), _HALF, "clusters")


def importances(scored: Scored) -> Svg:
    """Bars with standard errors."""
    size = (8.0, 1.2 + 0.26 * min(len(scored.importances), _BARS))
    return _svg(lambda axes: draw_importances(axes, scored, _BARS), size, "permutation importance")


def attributions(found: Attributions) -> Svg:
    """Bars of the mean |attribution|."""
    size = (8.0, 1.2 + 0.26 * min(len(found.columns), _BARS))
    return _svg(lambda axes: draw_attributions(axes, found, _BARS), size, "attributions")


def sweep(facts: dict[str, Any]) -> Svg:
    """The score of the rows held out over the learning rate."""
    return _svg(lambda axes: draw_sweep(axes, facts), (8.0, 4.0), "learning-rate sweep")
