"""The last words of the run of an autoencoder."""

from __future__ import annotations

import shlex

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bpcli.display.closing import span
from bpcli.display.figures import counted, duration
from bpcli.display.tables import facts_table, metrics_table, scores_table
from bpcli.display.text import PATH, show
from bpcli.experiment.reconstruction import MEAN
from bpcli.runs.reconstruction import LatentOutcome

_INPUTS = 12  # that are shown, the largest errors first; reconstruction.csv has them all
_NAME = 24  # characters of an input


def latent_closing(run: LatentOutcome) -> RenderableType:
    """The errors, of which inputs they are, why training stopped, the files, what comes next."""
    command = f"bpcli predict {shlex.quote(str(run.folder))} data.csv"
    linear = {"principal components": run.linear[run.held_out]}
    return Group(
        metrics_table({**run.metrics, **linear}, run.baselines[run.held_out]),
        Text(),
        _columns(run),
        *([Text("all inputs: reconstruction.csv", "dim")] if len(run.columns) > _INPUTS else []),
        Text(),
        facts_table(_facts(run)),
        Text(),
        Text.assemble(("Next: ", "bold"), (show(command, PATH), "cyan"), overflow="fold"),
    )


def _columns(run: LatentOutcome) -> Table:
    worst = sorted(run.columns, key=lambda one: -one.mse)[:_INPUTS]
    title = f"mse of {run.held_out} rows"
    rows = {
        show(one.input, _NAME): {
            title: one.mse,
            "principal components": one.pca,
            "baseline": one.mean,
        }
        for one in worst
    }
    return scores_table("input", rows)


def _facts(run: LatentOutcome) -> dict[str, str]:
    return {
        "latent": f"{counted(run.width, 'number')} of {counted(len(run.columns), 'input')}; "
        "errors are in units of the scaled inputs",
        "baseline": MEAN,
        "stopped": show(run.stop_reason, 200),
        "trained": f"{span([run.epochs])} epochs, {counted(run.iterations, 'iteration')} "
        f"in {duration(run.records[-1].seconds)}",
        "files": show(str(run.folder), PATH),
    }
