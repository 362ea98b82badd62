"""What the networks say of the parts of a file: said here, or by the workers of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path

from bpcli.data.table import Table
from bpcli.execution.cluster import Cluster, joined
from bpcli.experiment.predictor import Ensemble
from bpcli.metrics.metric import Floats
from bpcli.runs.elsewhere import Elsewhere, Worker
from bpcli.runs.journal import identity_of
from bpcli.runs.model import read_model
from bpcli.runs.signals import requests
from bpcli.runs.source import read_model_bytes

AHEAD = 4  # parts of the file for each worker

# Parts of a file, each with the predictions (R,N,…) of the networks, in the order of the file.
Predict = Callable[[Iterable[Table]], Iterator[tuple[Table, Floats]]]


def here(ensemble: Ensemble) -> Predict:
    """By this process."""
    return lambda parts: ((table, ensemble.each(table)) for table in parts)


@contextmanager
def on_cluster(where: str, model: Path) -> Iterator[Predict]:
    """By a cluster, whose workers read the model at the same place.  Raises ResourceError."""
    place = model.resolve()
    elsewhere = Elsewhere(_identity(place), partial(_worker, place))
    with joined(where) as cluster:
        yield partial(_predicted, cluster, elsewhere)


def _predicted(
    cluster: Cluster, elsewhere: Elsewhere, parts: Iterable[Table]
) -> Iterator[tuple[Table, Floats]]:
    rest = iter(parts)
    while some := list(islice(rest, AHEAD * max(1, cluster.size))):
        packed = [table.packed() for table in some]
        found = dict(cluster.work_through(elsewhere, packed, requests.require_none))
        yield from ((table, found[number]) for number, table in enumerate(some))


def _worker(model: Path) -> Worker:
    _, ensemble = read_model(model)
    return Worker(_identity(model), ensemble.each)


def _identity(model: Path) -> str:
    content, _ = read_model_bytes(model)
    return identity_of(["predict", sha256(content).hexdigest()])
