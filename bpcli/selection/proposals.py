"""Optuna, which proposes the settings: its study, and what it says of their importance."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from bpcli.config.errors import Problem, ResourceError
from bpcli.experiment.search import TuneSpec
from bpcli.metrics.metric import Metric


def optuna_study(spec: TuneSpec, metric: Metric, seed: int) -> Any:
    """An empty study whose every choice is spelled out, for defaults change between releases."""
    try:
        import optuna
    except ImportError:
        what = "needs Optuna, which is not installed"
        fix = "pip install 'bpcli[tune]'"
        raise ResourceError(Problem("BP-S012", "bpcli tune", what, fix)) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    samplers: dict[str, Callable[[], Any]] = {
        "tpe": lambda: _tpe(seed),
        "random": lambda: optuna.samplers.RandomSampler(seed=seed % 2**32),
    }
    pruners: dict[str, Callable[[], Any]] = {
        "none": optuna.pruners.NopPruner,
        "median": lambda: optuna.pruners.MedianPruner(n_startup_trials=5),
        "halving": lambda: optuna.pruners.SuccessiveHalvingPruner(
            min_resource=2, reduction_factor=2
        ),
        "hyperband": lambda: optuna.pruners.HyperbandPruner(min_resource=2, reduction_factor=2),
    }
    return optuna.create_study(
        study_name="bpcli",  # hyperband deals out its trials by the name
        sampler=samplers[spec.sampler](),
        pruner=pruners[spec.pruner](),
        direction="maximize" if metric.better == "higher" else "minimize",
    )


def _tpe(seed: int) -> Any:
    from optuna.exceptions import ExperimentalWarning
    from optuna.samplers import TPESampler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # of constant_liar, before Optuna 5
        return TPESampler(
            n_startup_trials=10,
            n_ei_candidates=24,
            multivariate=False,
            constant_liar=True,  # or those of a batch would be much alike
            seed=seed % 2**32,
        )


def importances(study: Any) -> dict[str, float]:
    """How much of the differences each path explains (PED-ANOVA), the most first.

    Watanabe et al. 2023, arXiv:2304.10255
    """
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    told = [one for one in study.trials if one.values]
    if len(told) < 2 or len({one.value for one in told}) < 2:
        return {}
    return get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
