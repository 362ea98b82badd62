"""Pictures for documents, drawn with matplotlib (the extra `report`)."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from bpcli.config.errors import Problem, ResourceError

_SIZE = (7.0, 4.2)  # inches


def sweep_picture(facts: dict[str, Any], kind: str) -> bytes:
    """Mean ± standard error over the learning rates, one line a setting, as `svg` or `png`.

    Raises ResourceError where matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        what, fix = "pictures need matplotlib", "pip install 'bpcli[report]'"
        raise ResourceError(Problem("BP-S005", "--picture", what, fix)) from None
    with rc_context({"svg.hashsalt": "bpcli", "svg.fonttype": "none"}):
        figure = Figure(figsize=_SIZE, layout="constrained")
        axes = figure.subplots()
        for setting in dict.fromkeys(one.get("setting", "") for one in facts["candidates"]):
            own = [one for one in facts["candidates"] if one.get("setting", "") == setting]
            known = [one for one in own if one["mean"] is not None]
            axes.errorbar(
                [one["learning_rate"] for one in known],
                [one["mean"] for one in known],
                [one["standard_error"] or 0.0 for one in known],
                marker="o",
                capsize=3,
                label=f"{facts['also']} {setting}" if setting else "mean ± standard error",
            )
        if facts["choice"]:
            axes.axvline(facts["choice"]["learning_rate"], linestyle=":", label="chosen")
        axes.set_xscale("log")
        axes.set_xlabel("learning rate")
        axes.set_ylabel(f"{facts['metric']} of the rows held out")
        axes.legend()
        content = BytesIO()
        nothing = {"Date": None} if kind == "svg" else {}
        figure.savefig(content, format=kind, dpi=150, metadata=nothing)
    return content.getvalue()
