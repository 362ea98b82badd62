"""Inputs that bpcli must refuse or must say something about, and how each ends.

Each module is a table of cases. Every message id of bpcli has a case here, from which
`docs/errors.md` takes its example, and a line in `meanings.py` that says what it stands for.
"""

from __future__ import annotations

from bad_inputs import (
    check,
    cluster,
    clusters,
    config,
    data,
    explain,
    images,
    insight,
    limits,
    model,
    other,
    parquet,
    predict,
    report,
    runs,
    selection,
)
from bad_inputs.case import Case

AREAS = {
    "config": config.CASES,
    "data": data.CASES,
    "parquet": parquet.CASES,
    "images": images.CASES,
    "predict": predict.CASES,
    "check": check.CASES,
    "explain": explain.CASES,
    "model": model.CASES,
    "limits": limits.CASES,
    "report": report.CASES,
    "runs": runs.CASES,
    "selection": selection.CASES,
    "insight": insight.CASES,
    "clusters": clusters.CASES,
    "cluster": cluster.CASES,
    "other": other.CASES,
}
CASES: list[Case] = [case for cases in AREAS.values() for case in cases]
