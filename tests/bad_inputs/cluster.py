"""Clusters that are not there, are lost, or would compute something else."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from unittest.mock import Mock, patch

from distributed.scheduler import KilledWorker

from bad_inputs.case import CONFIG, Case

SWEEP = "lr-sweep c.yaml -o s --folds 2 --cluster tcp://10.0.0.7:8786"
RATES = "lr_sweep: {lowest: 1e-3, highest: 1e-2, rates: 2, extend: 0}\n"


def a_client(
    numpy: str = "2.4.6", status: str = "running", killed: bool = False
) -> AbstractContextManager[object]:
    """What Dask would give for a cluster of one worker, which does not answer or has died."""
    one, other = ({"packages": {"bpcli": "0.1.0", "numpy": n}} for n in ("2.4.6", numpy))
    versions = {"client": one, "scheduler": one, "workers": {"tcp://10.0.0.8:40001": other}}
    client = Mock(status=status)
    client.get_versions.return_value = versions
    client.nthreads.return_value = {"tcp://10.0.0.8:40001": 1}
    if killed:
        future = client.submit.return_value
        future.result.side_effect = KilledWorker("piece", "tcp://10.0.0.8:40001", 3)
        future.add_done_callback.side_effect = lambda told: told(future)
    return patch("bpcli.execution.cluster._client", lambda where, stack: client)


CASES = [
    Case(
        "shards of a network that looks at whole batches",
        "BP-C140",
        3,
        ("shards", "batch_norm", "layer_norm"),
        "train c.yaml --set shards=4",
        {"c.yaml": CONFIG.replace("{dense: 2}", "{dense: 2}, batch_norm")},
    ),
    Case(
        "shards for L-BFGS",
        "BP-C140",
        3,
        ("shards", "lbfgs"),
        "train c.yaml --set shards=4 --set optimizer=lbfgs",
    ),
    Case(
        "shards for an ensemble",
        "BP-C140",
        3,
        ("shards", "2 networks"),
        "train c.yaml --set shards=4 --set ensemble=2",
    ),
    Case(
        "shards while targets change",
        "BP-C140",
        3,
        ("shards", "dec changes the targets"),
        "train c.yaml --set shards=4",
        {"c.yaml": "data: {path: t.csv}\ntask: clustering\nloss: dec\n"},
    ),
    Case(
        "local steps without shards",
        "BP-C141",
        3,
        ("sync_every", "set shards"),
        "train c.yaml --set sync_every=4",
    ),
    Case(
        "local steps between updates of all rows",
        "BP-C141",
        3,
        ("sync_every", "one update of all 12 rows", "batch_size"),
        "train c.yaml --set shards=4 --set sync_every=4 --set batch_size=full",
    ),
    Case(
        "local steps of shards without a row",
        "BP-C141",
        3,
        ("sync_every", "2 rows", "4 shards", "batch_size"),
        "train c.yaml --set shards=4 --set sync_every=4 --set batch_size=2",
    ),
    Case(
        "local steps, which are another algorithm",
        "BP-C142",
        0,
        ("sync_every", "local SGD"),
        "train c.yaml --set shards=2 --set sync_every=4 --set batch_size=4",
    ),
    Case(
        "a cluster without Dask",
        "BP-R030",
        8,
        ("tcp://10.0.0.7:8786", "bpcli[dask]"),
        SWEEP,
        {"c.yaml": CONFIG + RATES},
        around=lambda folder: patch.dict(sys.modules, {"dask": None}),
        leaves="s",
    ),
    Case(
        "a cluster that is not there",
        "BP-R031",
        8,
        ("no.json", "no such scheduler file", "local:2"),
        "cv c.yaml -o s --folds 2 --cluster no.json",
        leaves="s",
    ),
    Case(
        "a cluster by another file",
        "BP-R031",
        8,
        ("no.json", "is no scheduler file"),
        "cv c.yaml -o s --folds 2 --cluster no.json",
        {"no.json": "[]"},
        leaves="s",
    ),
    Case(
        "a cluster whose scheduler is lost",
        "BP-R032",
        8,
        ("tcp://10.0.0.7:8786", "is lost", "--resume", "s keeps 0 of"),
        SWEEP,
        {"c.yaml": CONFIG + RATES},
        around=lambda folder: a_client(status="connecting"),
        leaves="s",
    ),
    Case(
        "a cluster with another numpy",
        "BP-R033",
        8,
        ("tcp://10.0.0.8:40001", "numpy 1.26.4, here 2.4.6"),
        SWEEP,
        {"c.yaml": CONFIG + RATES},
        around=lambda folder: a_client(numpy="1.26.4"),
        leaves="s",
    ),
    Case(
        "a cluster whose workers die of the work",
        "BP-R034",
        8,
        ("tcp://10.0.0.7:8786", "4 times", "more memory", "--resume"),
        SWEEP,
        {"c.yaml": CONFIG + RATES},
        around=lambda folder: a_client(killed=True),
        leaves="s",
    ),
]
