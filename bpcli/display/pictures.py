"""Pictures for documents, drawn with matplotlib (the extra `report`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

from bpcli.config.errors import Problem, ResourceError
from bpcli.display.window import window

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

    from bpcli.experiment.plane import Plane
    from bpcli.runs.explain import Explanation

_SIZE = (7.0, 4.2)  # inches
_BARS = 20
_MARGIN = 0.1  # of the height, above and below


def sweep_picture(facts: dict[str, Any], kind: str) -> bytes:
    """Mean ± standard error over the learning rates, one line a setting, as `svg` or `png`.

    Raises ResourceError where matplotlib is not installed.
    """
    return drawn(lambda figure: draw_sweep(figure.subplots(), facts), _SIZE, kind)


def explanation_picture(explanation: Explanation, kind: str) -> bytes:
    """Importances beside attributions as bars, and a panel for each effect, as `svg` or `png`.

    Raises ResourceError where matplotlib is not installed.
    """
    from bpcli.display.drawings import draw_attributions, draw_effect, draw_importances

    found, effects, scored = explanation.attributions, explanation.effects, explanation.scored
    bars = min(len(found.columns), _BARS)

    def draw(figure: Figure) -> None:
        grid = figure.add_gridspec(
            1 + len(effects), 2, height_ratios=[bars + 3, *[12] * len(effects)]
        )
        if scored is not None:
            draw_importances(figure.add_subplot(grid[0, 0]), scored, _BARS)
        draw_attributions(figure.add_subplot(grid[0, 1]), found, _BARS)
        for i, one in enumerate(effects, 1):
            draw_effect(figure.add_subplot(grid[i, :]), one, found.answers)

    return drawn(draw, (_SIZE[0] * 1.4, 1.2 + 0.25 * bars + 3 * len(effects)), kind)


def clusters_picture(plane: Plane, kind: str) -> bytes:
    """Rows by cluster, and their centres, on the first two principal components.

    Raises ResourceError where matplotlib is not installed.
    """
    from bpcli.display.drawings import draw_clusters

    return drawn(lambda figure: draw_clusters(figure.subplots(), plane), _SIZE, kind)


def drawn(
    draw: Callable[[Figure], object],
    size: tuple[float, float],
    kind: str,
    style: Mapping[str, Any] | None = None,
) -> bytes:
    """A figure of so many inches as `svg` or `png`: the same figure gives the same bytes.

    Raises ResourceError where matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        what, fix = "pictures need matplotlib", "pip install 'bpcli[report]'"
        raise ResourceError(Problem("BP-S005", "--picture", what, fix)) from None
    plain: dict[Any, Any] = {"svg.hashsalt": "bpcli", "svg.fonttype": "none"}
    plain |= {"text.parse_math": False, **(style or {})}
    with rc_context(plain):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        content = BytesIO()
        nothing = {"Date": None} if kind == "svg" else {}
        figure.savefig(content, format=kind, dpi=150, metadata=nothing)
    return content.getvalue()


def plain_numbers(axis: Axis) -> None:
    """The powers of ten of a logarithmic axis, without markup."""
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("")


def draw_sweep(axes: Axes, facts: dict[str, Any]) -> None:
    """Lines with error bars; arrows beyond the window; at its worse end crosses of failed folds."""
    low, high = window(facts["candidates"], facts["better"])
    margin = _MARGIN * (high - low or 1.0)
    axes.set_ylim(low - margin, high + margin)
    below, above = low - margin / 2, high + margin / 2
    worst = below if facts["better"] == "higher" else above
    for setting in dict.fromkeys(one.get("setting", "") for one in facts["candidates"]):
        own = [one for one in facts["candidates"] if one.get("setting", "") == setting]
        known = [one for one in own if one["mean"] is not None]
        bars = axes.errorbar(
            [one["learning_rate"] for one in known],
            [one["mean"] for one in known],
            [one["standard_error"] or 0.0 for one in known],
            marker="o",
            capsize=3,
            label=f"{facts['also']} {setting}" if setting else "mean ± standard error",
        )
        color = bars.lines[0].get_color()
        marks = {
            "^": (above, [one for one in known if one["mean"] > high]),
            "v": (below, [one for one in known if one["mean"] < low]),
            "x": (worst, [one for one in own if one["failed_folds"]]),
        }
        for mark, (level, some) in marks.items():
            rates = [one["learning_rate"] for one in some]
            axes.plot(rates, [level] * len(rates), mark, color=color)
    if any(one["failed_folds"] for one in facts["candidates"]):
        axes.plot([], [], "x", color="gray", label="failed fold")
    axes.set_xscale("log")
    plain_numbers(axes.xaxis)
    axes.grid(alpha=0.3)
    axes.set_xlabel("learning rate")
    axes.set_ylabel(f"{facts['metric']} of the rows held out")
    if choice := facts["choice"]:
        setting = f"{facts['also']} {choice['setting']}, " if facts["also"] else ""
        axes.axvline(choice["learning_rate"], linestyle=":", color="gray", label="chosen")
        axes.set_title(f"chosen: {setting}learning rate {choice['learning_rate']:g}")
    axes.legend()
