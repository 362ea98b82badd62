"""The trace of a row for programs: every number, and the formulas."""

from __future__ import annotations

from typing import Any

from bpcli.experiment.problem import LearningProblem
from bpcli.insight.notation import backward_formula, forward_formula, loss_formulas, update_formula
from bpcli.insight.trace import Changed, Trace
from bpcli.insight.walk import Step


def facts(trace: Trace, problem: LearningProblem) -> dict[str, Any]:
    """Arrays as nested lists, in the dtype of the training."""
    optimizer, loss = problem.config.optimizer, trace.loss
    assert optimizer is not None
    scores = next(one for one in reversed(trace.steps) if one.place.depth == 0).letters
    formula, backward = loss_formulas(problem.loss, scores)
    return {
        "schema_version": 1,
        "row": trace.row,
        "update": trace.update,
        "updates": trace.updates,
        "epoch": trace.epoch,
        "batch_rows": trace.rows,
        "learning_rate": trace.rate,
        "dtype": problem.config.dtype,
        "inputs": [
            {"name": name, "cell": cell, "x": x}
            for (name, cell), x in zip(trace.inputs, trace.x.tolist(), strict=True)
        ],
        "layers": [_layer(step) for step in trace.steps],
        "loss": {
            "name": problem.loss.name,
            "formula": formula,
            "backward": backward,
            "scores": loss.scores.tolist(),
            "prediction": loss.prediction.tolist(),
            "target": loss.target.tolist(),
            "value": loss.value,
            "weight": loss.weight,
            "batch": loss.batch,
        },
        "update_formula": update_formula(optimizer),
        "optimizer": optimizer.written(),
        "parameters": [_parameter(change, trace) for change in trace.changes],
    }


def _layer(step: Step) -> dict[str, Any]:
    """∂L/∂y and ∂L/∂x are the part of the row; null where nobody asks for one."""
    gradients = {"dy": step.dy, "dx": step.dx}
    return {
        "layer": step.place.number,
        "name": step.place.layer.name,
        "formula": forward_formula(step.place, step.letters),
        "backward": backward_formula(step.place, step.letters),
        "x": step.x.tolist(),
        "y": step.y.tolist(),
        **{name: None if one is None else one.tolist() for name, one in gradients.items()},
    }


def _parameter(change: Changed, trace: Trace) -> dict[str, Any]:
    return {
        "layer": trace.steps[change.step].place.number,
        "parameter": change.name,
        "trained": change.trained,
        "before": change.before.tolist(),
        "gradient_of_row": change.own.tolist(),
        "gradient": change.gradient.tolist(),
        "optimizer": {name: array.tolist() for name, array in change.slots.items()},
        "after": change.after.tolist(),
    }
