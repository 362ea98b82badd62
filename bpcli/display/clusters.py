"""The last words of a clustering run."""

from __future__ import annotations

import shlex

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from bpcli.display.closing import span
from bpcli.display.figures import counted, duration, number
from bpcli.display.tables import facts_table, head, metrics_table, quiet_table, values_table
from bpcli.display.text import PATH, show
from bpcli.experiment.clusters import ONE, PLAIN
from bpcli.runs.clusters import Centre, ClusterOutcome
from bpcli.selection.number_of_clusters import Candidate, Choice

_INPUTS = 12  # that are shown; centres.csv has them all
_NAME = 24  # characters of an input beside its numbers


def clusters_closing(run: ClusterOutcome) -> RenderableType:
    """The scores, the centres, why and when training stopped, the files, and what comes next."""
    command = f"bpcli predict {shlex.quote(str(run.folder))} data.csv"
    return Group(
        _scores(run),
        Text(),
        CentresTable(run.clusters),
        Text(),
        facts_table(_facts(run)),
        Text(),
        Text.assemble(("Next: ", "bold"), (show(command, PATH), "cyan"), overflow="fold"),
    )


def _scores(run: ClusterOutcome) -> Table:
    """The scores of each set, and of the last one those of plain K-means and of one cluster."""
    last = next(reversed(run.metrics))
    plain = {name: scores[last] for name, scores in run.plain.items()}
    return metrics_table({**run.metrics, **plain}, run.baselines[last])


class CentresTable:
    """A column a cluster: its training rows and its centre, in the units of the table.

    As many clusters as the width holds, and the first inputs.
    """

    def __init__(self, clusters: list[Centre]) -> None:
        self.names = list(clusters[0].centre)[:_INPUTS]
        columns = {f"cluster {one.cluster}": self._cells(one) for one in clusters}
        self.columns = {title: [title, *cells] for title, cells in columns.items()}

    def _cells(self, one: Centre) -> list[str]:
        return [f"{one.rows:,}", *(number(one.centre[name]) for name in self.names)]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        names = ["rows", *(show(name, _NAME) for name in self.names)]
        left = options.max_width - max(map(len, names))
        table = quiet_table()
        table.add_column(head(""), no_wrap=True)
        cells = [[Text(name) for name in names]]
        for title, column in self.columns.items():
            left -= 1 + max(map(len, column))
            if left >= 0:
                table.add_column(head(title), justify="right", no_wrap=True)
                cells.append([Text(text) for text in column[1:]])
        for row in zip(*cells, strict=True):
            table.add_row(*row)
        yield table
        if left < 0 or len(self.names) == _INPUTS:
            yield Text("all centres: centres.csv", "dim")


def numbers_table(choice: Choice) -> Table:
    """Every number of clusters that was tried, and the one that was chosen."""
    return values_table(
        "k",
        Candidate._fields[1:],
        {
            f"{one.k}{' *' if one.k == choice.k else ''}": tuple(map(number, one[1:]))
            for one in choice.candidates
        },
    )


def _facts(run: ClusterOutcome) -> dict[str, str]:
    return {
        "baseline": ONE,
        **({"k-means": PLAIN} if run.plain else {}),
        **_runs(run),
        "stopped": show(run.stop_reasons[run.kept], 200),
        "trained": f"{span(run.epochs)} epochs, {counted(run.iterations, 'iteration')} "
        f"in {duration(run.records[-1].seconds)}",
        "files": show(str(run.folder), PATH),
    }


def _runs(run: ClusterOutcome) -> dict[str, str]:
    """`10, inertia of a training row 0.9306 … 1.271; number 3 is kept`"""
    if len(run.losses) == 1:
        return {}
    low, high = min(run.losses), max(run.losses)
    ends = f"{number(low)} … {number(high)}"
    what = f"inertia of a training row {ends}; number {run.kept + 1} is kept"
    return {"runs": f"{len(run.losses)}, {what}"}
