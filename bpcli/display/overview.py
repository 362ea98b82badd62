"""The first words of a training run: what the data is taken for and what will be trained."""

from __future__ import annotations

from collections import Counter

from rich.table import Table
from rich.text import Text

from bpcli.config.errors import listing
from bpcli.data.prepare import Prepared
from bpcli.data.roles import DECLARED
from bpcli.data.split import SET_NAMES
from bpcli.display.figures import counted, duration
from bpcli.display.tables import facts_table
from bpcli.display.text import show
from bpcli.experiment.few import FEW
from bpcli.experiment.members import Members
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.resolve import default_preset, rows_of
from bpcli.nn.network import Network


def overview(members: Members, *, default: bool = False) -> Table:
    """Data, task, split, network and method, one a line; `default` where no network is named."""
    problem = members.problem
    prepared = problem.prepared
    facts = {
        "data": f"{show(prepared.table.path.name)}, {counted(prepared.table.n_rows, 'row')}",
        "columns": _columns(prepared),
        "task": f"{_task(prepared)}. {prepared.reason}",
        "rows": _rows(prepared),
        "network": _network(problem) + (_default(members) if default else ""),
        **_ensemble(members),
        "training": _training(members.problems[0]),
        "loss": problem.loss.name,
    }
    return facts_table(facts)


def layer_rows(network: Network) -> list[tuple[int, str, tuple[int, ...], int]]:
    """(number, layer, output shape, parameters) of every layer, from 1."""
    sizes = Counter[int]()
    for slot in network.slots:
        sizes[slot.path[0]] += slot.stop - slot.start
    layers = enumerate(zip(network.layers, network.plans, strict=True))
    return [(i + 1, layer.name, plan.out_shape, sizes[i]) for i, (layer, plan) in layers]


def work(needed: int, available: int, seconds: float) -> Text:
    """`memory 2.1 MB of 20.3 GB, time about 3 s`"""
    return Text(
        f"memory about {needed / 1e6:,.1f} MB, {available / 1e9:.1f} GB are available; "
        f"time about {duration(seconds)}, without validation"
    )


def _task(prepared: Prepared) -> str:
    """`multiclass of species`; without a target what is found is compared with."""
    target = prepared.target
    if target.columns:
        return f"{prepared.task} of {show(listing(target.columns))}"
    compared = f", compared with {show(listing(target.copied))}" if target.copied else ""
    return f"{prepared.task} of all rows{compared}"


def _columns(prepared: Prepared) -> str:
    """`numeric: age, fare (every cell is a number)`, one line for each role and reason."""
    groups: dict[tuple[str, str], list[str]] = {}
    for column in prepared.columns:
        if column.role != "target":
            groups.setdefault((column.role, column.reason), []).append(show(column.name))
    return "\n".join(
        f"{role}: {listing(names, 6)}" + ("" if reason == DECLARED else f" ({reason})")
        for (role, reason), names in groups.items()
    )


def _rows(prepared: Prepared) -> str:
    """`90 train, 30 validation, 30 test`"""
    sizes = {name: len(prepared.rows(which)) for which, name in SET_NAMES.items()}
    return ", ".join(f"{size:,} {name}" for name, size in sizes.items() if size)


def _default(members: Members) -> str:
    """`; tabular, the default from 200 training rows on`"""
    first = members.problems[0]
    config, rows = first.config, rows_of(first.config, first.prepared)
    preset = default_preset(rows, images=config.input is not None)
    bound = f"from {FEW} training rows on" if rows >= FEW else f"below {FEW} training rows"
    return f"; {preset.name}, the default {'for images' if config.input else bound}"


def _network(problem: LearningProblem) -> str:
    """`4 → 16 tanh → 3; 131 parameters`"""
    network = problem.network
    steps = [" × ".join(map(str, network.in_shape))]
    for layer, plan in zip(network.layers, network.plans, strict=True):
        if plan.params or plan.inner:
            steps.append(" × ".join(map(str, plan.out_shape)))
        else:
            steps[-1] += f" {layer.name}"
    return f"{' → '.join(steps)}; {counted(network.size, 'parameter')}"


def _ensemble(members: Members) -> dict[str, str]:
    """`5 members, each without one of 5 stratified folds; 655 parameters`"""
    if members.size == 1:
        return {}
    if members.problem.config.runs:
        what = f"{members.size} from different starts, of which the lowest loss is kept"
        return {"runs": what}
    rows = "all on the same rows"
    if members.folds:
        rows = f"each without one of {members.size} {members.folds.method} folds of the train rows"
    total = counted(members.parameters, "parameter")
    return {"ensemble": f"{members.size} members, {rows}; {total}"}


def _training(problem: LearningProblem) -> str:
    """`adam, learning rate 0.01, batches of 32 rows, 2,000 iterations`"""
    config, method = problem.config, problem.method()
    batch = "all rows" if config.batch_size == "full" else counted(method.batch_size, "row")
    schedule = config.schedule.name if config.schedule else ""
    return (
        f"{method.optimizer.name}, learning rate {method.rates[0]:g} ({schedule}), "
        f"batches of {batch}, {counted(method.iterations, 'iteration')}"
    )
