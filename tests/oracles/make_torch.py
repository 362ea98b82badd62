"""Write torch.json: what PyTorch computes, in float64.  python tests/oracles/make_torch.py

Run by hand, in an environment with PyTorch; the tests only read the table. README.md describes it.
Arrays are nested lists with the rows of a batch first; weights are stored (inputs, outputs), the
transpose of PyTorch's. The gradient of a table of values is that of its sum, weighted by `dy`
where there is one.
"""

from __future__ import annotations

import json
import math
import platform
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn, optim
from torch.nn import functional as F
from torch.optim import lr_scheduler as schedulers

STEPS = 100


def main() -> None:
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    table = {
        "made_with": {
            "torch": torch.__version__.split("+")[0],
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "optimizers": optimizers(),
        "clipping": clipping(),
        "activations": activations(),
        "losses": losses(),
        "network": network(),
        "lbfgs": lbfgs(),
        "schedules": schedules(),
        "layers": layers(),
    }
    _refuse_nan(table)
    path = Path(__file__).with_name("torch.json")
    path.write_text(_json(table) + "\n", encoding="utf-8")


# ---- optimizers ---------------------------------------------------------------------------------


def optimizers() -> dict[str, Any]:
    """Parameters after each step, under gradients that do not depend on the parameters."""
    start = [0.5, -1.25, 2.0, 0.0]
    gradients = _gradients()
    return {
        "start": start,
        "gradients": gradients,
        "runs": {
            name: _trajectory(kind, settings, start, gradients)
            for name, (kind, settings) in OPTIMIZERS.items()
        },
    }


def _gradients() -> list[list[float]]:
    """Magnitudes 1, 1e-3, 1e-6 and 30; some are exactly zero, the first three of one among them."""
    rows = []
    for t in range(1, STEPS + 1):
        row = [
            math.sin(0.7 * t) + 0.2,
            1e-3 * math.sin(0.31 * t + 1),
            1e-6 * math.cos(0.05 * t),
            30 * math.sin(1.3 * t + 2),
        ]
        if t <= 3:
            row[1] = 0.0
        if t % 17 == 0:
            row[0] = 0.0
        rows.append(row)
    return rows


class Lion(optim.Optimizer):
    """Algorithm 2 of arXiv:2302.06675 in PyTorch's operations, which have no such optimizer."""

    def __init__(
        self, params: Any, lr: float, betas: tuple[float, float], weight_decay: float, foreach: bool
    ) -> None:
        settings = {"lr": lr, "betas": betas, "weight_decay": weight_decay, "foreach": foreach}
        super().__init__(params, settings)

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        (group,) = self.param_groups
        share, decay = group["betas"]
        for p in group["params"]:
            mean = self.state[p].setdefault("mean", torch.zeros_like(p))
            direction = torch.sign(share * mean + (1 - share) * p.grad)
            p.sub_(group["lr"] * (direction + group["weight_decay"] * p))
            mean.mul_(decay).add_((1 - decay) * p.grad)


FALLING = [0.1 * (1 - t / STEPS) for t in range(STEPS)]
OPTIMIZERS: dict[str, tuple[type[optim.Optimizer], dict[str, Any]]] = {
    "sgd": (optim.SGD, {"lr": 0.1}),
    "sgd_weight_decay": (optim.SGD, {"lr": 0.1, "weight_decay": 0.01}),
    "sgd_momentum": (optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    "sgd_momentum_rates": (optim.SGD, {"lr": FALLING, "momentum": 0.9}),
    "sgd_momentum_dampening": (optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}),
    "sgd_nesterov": (optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    "sgd_nesterov_rates": (optim.SGD, {"lr": FALLING, "momentum": 0.9, "nesterov": True}),
    "rmsprop": (optim.RMSprop, {"lr": 0.01, "alpha": 0.99, "eps": 1e-8}),
    "rmsprop_alpha": (optim.RMSprop, {"lr": 0.001, "alpha": 0.9, "eps": 1e-4}),
    "rmsprop_momentum": (optim.RMSprop, {"lr": 0.01, "momentum": 0.9}),
    "rmsprop_momentum_rates": (optim.RMSprop, {"lr": FALLING, "momentum": 0.9}),
    "rmsprop_centered": (optim.RMSprop, {"lr": 0.01, "centered": True}),
    "rmsprop_centered_momentum": (
        optim.RMSprop,
        {"lr": 0.01, "alpha": 0.9, "centered": True, "momentum": 0.5},
    ),
    "adam": (optim.Adam, {"lr": 0.001, "betas": (0.9, 0.999), "eps": 1e-8}),
    "adam_betas": (optim.Adam, {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-3}),
    "adam_rates": (optim.Adam, {"lr": FALLING}),
    "adam_no_momentum": (optim.Adam, {"lr": 0.01, "betas": (0.0, 0.99)}),
    "adam_weight_decay": (optim.Adam, {"lr": 0.01, "weight_decay": 0.1}),
    "adam_amsgrad": (optim.Adam, {"lr": 0.01, "amsgrad": True}),
    "adamw": (optim.AdamW, {"lr": 0.001, "weight_decay": 0.01}),
    "adamw_decay": (optim.AdamW, {"lr": 0.01, "betas": (0.9, 0.95), "weight_decay": 0.1}),
    "adamw_rates": (optim.AdamW, {"lr": FALLING, "weight_decay": 0.1}),
    "nadam": (optim.NAdam, {"lr": 0.002, "momentum_decay": 0.004}),
    "nadam_decay": (optim.NAdam, {"lr": 0.01, "betas": (0.8, 0.95), "momentum_decay": 0.1}),
    "radam": (optim.RAdam, {"lr": 0.001}),
    "adamax": (optim.Adamax, {"lr": 0.002}),
    "adagrad": (optim.Adagrad, {"lr": 0.01, "eps": 1e-10}),
    "adagrad_start": (
        optim.Adagrad,
        {"lr": 0.1, "lr_decay": 0.01, "initial_accumulator_value": 0.1},
    ),
    "adadelta": (optim.Adadelta, {"lr": 1.0, "rho": 0.9, "eps": 1e-6}),
    "adadelta_rho": (optim.Adadelta, {"lr": 0.5, "rho": 0.95, "eps": 1e-8}),
    "lion": (Lion, {"lr": 1e-4, "betas": (0.9, 0.99), "weight_decay": 0.0}),
    "lion_rates": (Lion, {"lr": FALLING, "betas": (0.95, 0.98), "weight_decay": 0.1}),
    "rprop": (optim.Rprop, {"lr": 0.01, "etas": (0.5, 1.2), "step_sizes": (1e-6, 50.0)}),
    "rprop_bounds": (optim.Rprop, {"lr": 0.01, "etas": (0.3, 1.5), "step_sizes": (1e-3, 0.1)}),
}


def _trajectory(
    kind: type[optim.Optimizer], settings: dict[str, Any], start: list[float], gradients: Any
) -> dict[str, Any]:
    p = torch.tensor(start, requires_grad=True)
    rates = settings["lr"] if isinstance(settings["lr"], list) else [settings["lr"]] * STEPS
    optimizer: Any = kind([p], **{**settings, "lr": rates[0]}, foreach=False)
    path = []
    for rate, gradient in zip(rates, gradients, strict=True):
        optimizer.param_groups[0]["lr"] = rate
        p.grad = torch.tensor(gradient)
        optimizer.step()
        path.append(p.tolist())
    skipped = {"params", "foreach", "maximize", "capturable", "differentiable", "fused"}
    used = {k: v for k, v in optimizer.param_groups[0].items() if k not in skipped}
    return {"kind": kind.__name__, "settings": {**used, "lr": settings["lr"]}, "path": path}


def clipping() -> dict[str, Any]:
    """Gradients of two tensors scaled by min(1, limit / (norm of both + 1e-6))."""
    tensors = [_numbers(3, 2), _numbers(4, phase=1)]
    cases = []
    for limit in (0.5, 1.0, 100.0):
        params = [torch.zeros_like(g, requires_grad=True) for g in tensors]
        for p, g in zip(params, tensors, strict=True):
            p.grad = g.clone()
        norm = nn.utils.clip_grad_norm_(params, limit).item()
        cases.append({"limit": limit, "norm": norm, "clipped": [_lists(p.grad) for p in params]})
    return {"gradients": _lists(tensors), "cases": cases}


# ---- activations --------------------------------------------------------------------------------

ACTIVATIONS: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], dict[str, Any]]] = {
    "relu": (F.relu, {}),
    "relu6": (F.relu6, {}),
    "leaky_relu": (partial(F.leaky_relu, negative_slope=0.01), {"slope": 0.01}),
    "leaky_relu_slope": (partial(F.leaky_relu, negative_slope=0.2), {"slope": 0.2}),
    "tanh": (torch.tanh, {}),
    "sigmoid": (torch.sigmoid, {}),
    "log_sigmoid": (F.logsigmoid, {}),
    # PyTorch's default of 20 makes it a straight line from there on, which is off by 2e-9.
    "softplus": (partial(F.softplus, threshold=50), {"threshold": 50}),
    "softsign": (F.softsign, {}),
    "elu": (F.elu, {"alpha": 1.0}),
    "elu_alpha": (partial(F.elu, alpha=0.5), {"alpha": 0.5}),
    "celu": (partial(F.celu, alpha=0.5), {"alpha": 0.5}),
    "selu": (F.selu, {}),
    "gelu": (F.gelu, {"form": "erf"}),
    "gelu_tanh": (partial(F.gelu, approximate="tanh"), {"form": "tanh"}),
    "silu": (F.silu, {}),
    "mish": (F.mish, {}),
    "hard_sigmoid": (F.hardsigmoid, {}),
    "hard_swish": (F.hardswish, {}),
}


def activations() -> dict[str, Any]:
    """Values and derivatives on one row of inputs, kinks and far tails among them."""
    small = [1e-8, 1e-3, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0]
    far = [8.5, 12.0, 19.0, 21.0, 30.0, 100.0, 1000.0]
    inputs = [-x for x in reversed(small + far)] + [0.0] + small + far
    table: dict[str, Any] = {"x": inputs}
    for name, (function, settings) in ACTIVATIONS.items():
        x = torch.tensor(inputs, requires_grad=True)
        y = function(x)
        y.sum().backward()
        table[name] = {"settings": settings, "y": _lists(y), "dy_dx": _lists(x.grad)}
    return table


# ---- losses -------------------------------------------------------------------------------------


def losses() -> dict[str, Any]:
    """Values (mean over rows; of a weighted loss, the weighted mean) and gradients by scores."""
    return {
        "numbers": _number_losses(),
        "classes": _class_losses(),
        "binary": _binary_losses(),
        "labels": _label_losses(),
        "levels": _level_losses(),
        "counts": _count_losses(),
        "clusters": _cluster_losses(),
    }


def _number_losses() -> dict[str, Any]:
    z = 3 * _numbers(6, 2)
    t = _numbers(6, 2, phase=2)
    z[0, 0], z[1, 1], z[2, 0], z[3, 1] = t[0, 0], t[1, 1] + 1, 1000.0, -1000.0
    cases = {
        "mse": (F.mse_loss, {}),
        "l1": (F.l1_loss, {}),
        "huber": (F.huber_loss, {"delta": 1.0}),
        "huber_delta": (F.huber_loss, {"delta": 0.3}),
        "smooth_l1": (F.smooth_l1_loss, {"beta": 1.0}),
        "smooth_l1_beta": (F.smooth_l1_loss, {"beta": 0.3}),
        "log_cosh": (_log_cosh, {}),
    }
    return _loss_cases(z, t, cases)


def _class_losses() -> dict[str, Any]:
    z = 4 * _numbers(8, 4)
    z[4] = torch.tensor([1000.0, -1000.0, 0.0, 0.0])
    z[5] = torch.tensor([1000.0, -1000.0, 0.0, 0.0])
    z[6] = torch.tensor([1000.0, 1000.0, 1000.0, 1000.0])
    z[7] = torch.tensor([-1000.0, -1000.0, -999.0, -1000.0])
    hard = torch.tensor([0, 1, 2, 3, 0, 1, 2, 3])
    soft = torch.softmax(2 * _numbers(8, 4, phase=3), dim=1)
    weight = torch.tensor([0.5, 2.0, 1.0, 3.0])
    smoothing = {"label_smoothing": 0.1}
    table = {
        "hard": _loss_cases(
            z,
            hard,
            {
                "plain": (F.cross_entropy, {}),
                "smoothing": (F.cross_entropy, smoothing),
                "weight": (F.cross_entropy, {"weight": weight}),
                "smoothing_weight": (F.cross_entropy, {**smoothing, "weight": weight}),
                "focal": (_focal, {"gamma": 2.0}),
                "focal_gamma": (_focal, {"gamma": 1.5}),
            },
        ),
        "soft": _loss_cases(
            z,
            soft,
            {
                "plain": (F.cross_entropy, {}),
                "smoothing": (F.cross_entropy, smoothing),
                "weight": (F.cross_entropy, {"weight": weight}),
            },
        ),
    }
    return table | {"softmax": _lists(torch.softmax(z, dim=1))}


def _binary_losses() -> dict[str, Any]:
    z = torch.tensor([[0.0], [0.3], [-2.0], [5.0], [-40.0], [40.0], [1000.0], [1000.0], [-1000.0]])
    t = torch.tensor([[1.0], [0.0], [0.25], [1.0], [0.0], [0.0], [1.0], [0.0], [1.0]])
    bce = F.binary_cross_entropy_with_logits
    cases = {"plain": (bce, {}), "pos_weight": (bce, {"pos_weight": torch.tensor([3.0])})}
    return _loss_cases(z, t, cases) | {"sigmoid": _lists(torch.sigmoid(z))}


def _label_losses() -> dict[str, Any]:
    z = 4 * _numbers(6, 3)
    z[4, 0], z[4, 1], z[5, 2] = 1000.0, -1000.0, 40.0
    t = (_numbers(6, 3, phase=2) > 0).double()
    cases = {"plain": (F.multilabel_soft_margin_loss, {})}
    return _loss_cases(z, t, cases) | {"sigmoid": _lists(torch.sigmoid(z))}


def _level_losses() -> dict[str, Any]:
    z, t = 3 * _numbers(6, 3), _numbers(6, 1, phase=2)
    z[5, 1] = 1000.0
    return _loss_cases(z, t, {"pinball": (_pinball, {"levels": [0.1, 0.5, 0.9]})})


def _count_losses() -> dict[str, Any]:
    z = torch.tensor([[0.0], [1.5], [-3.0], [4.0], [10.0], [-30.0]])
    t = torch.tensor([[1.0], [3.0], [0.0], [60.0], [20000.0], [2.0]])
    poisson = partial(F.poisson_nll_loss, log_input=True)
    return _loss_cases(z, t, {"poisson": (poisson, {}), "poisson_full": (poisson, {"full": True})})


def _cluster_losses() -> dict[str, Any]:
    """Three squared distances and two inputs made again; the last row has no cluster yet."""
    z = torch.cat([3 * _numbers(6, 3).abs(), 2 * _numbers(6, 2, phase=1)], dim=1)
    z[0, 0], z[1, 1], z[2, 2] = 0.0, 1000.0, 1e-9
    p = torch.softmax(3 * _numbers(6, 3, phase=2), dim=1)
    p[3], p[4], p[5] = torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.5, 0.5, 0.0]), 0.0
    t = torch.cat([p, _numbers(6, 2, phase=3)], dim=1)
    cases = {
        "dec": (_deep, {"gamma": 1.0, "after": 0.0}),
        "idec": (_deep, {"gamma": 0.1, "after": 1.0}),
        "idec_gamma": (_deep, {"gamma": 3.0, "after": 1.0}),
    }
    return _loss_cases(z, t, cases)


# What PyTorch has no function for: the formula in its operations, the gradient by its autograd.


def _reduced(each: torch.Tensor, reduction: str) -> torch.Tensor:
    return each if reduction == "none" else each.mean()


def _log_cosh(z: torch.Tensor, t: torch.Tensor, reduction: str = "mean") -> torch.Tensor:
    e = z - t
    return _reduced(torch.logaddexp(e, -e) - math.log(2), reduction)


def _pinball(
    z: torch.Tensor, t: torch.Tensor, levels: list[float], reduction: str = "mean"
) -> torch.Tensor:
    q = torch.tensor(levels)
    return _reduced(torch.maximum(q * (t - z), (q - 1) * (t - z)), reduction)


def _focal(z: torch.Tensor, t: torch.Tensor, gamma: float, reduction: str = "mean") -> torch.Tensor:
    log = F.log_softmax(z, dim=1).gather(1, t[:, None])[:, 0]
    return _reduced(-((-torch.expm1(log)) ** gamma) * log, reduction)


def _deep(
    z: torch.Tensor, t: torch.Tensor, gamma: float, after: float, reduction: str = "mean"
) -> torch.Tensor:
    """γ KL(p‖q), q by Student's t, and the reconstruction, of weight 1 where a row has no p."""
    u = 1 / (1 + z[:, :3])
    q = u / u.sum(dim=1, keepdim=True)
    divergence = F.kl_div(q.log(), t[:, :3], reduction="none").sum(dim=1)
    share = 1 - (1 - after) * t[:, :3].sum(dim=1)
    error = F.mse_loss(z[:, 3:], t[:, 3:], reduction="none").mean(dim=1)
    return _reduced(gamma * divergence + share * error, reduction)


def _loss_cases(z: torch.Tensor, t: torch.Tensor, cases: dict[str, Any]) -> dict[str, Any]:
    table: dict[str, Any] = {"z": _lists(z), "t": _lists(t)}
    for name, (function, settings) in cases.items():
        scores = z.clone().requires_grad_()
        value = function(scores, t, **settings)
        value.backward()
        rows = function(scores.detach(), t, **settings, reduction="none")
        table[name] = {
            "settings": _lists(settings),
            "value": value.item(),
            "each": _lists(rows),
            "dz": _lists(scores.grad),
        }
    return table


# ---- a network ----------------------------------------------------------------------------------


def network() -> dict[str, Any]:
    """4 → 5 tanh → 6 relu → 3: gradients, and twenty full-batch steps."""
    x = 1.5 * _numbers(7, 4)
    targets = {
        "cross_entropy": torch.tensor([0, 1, 2, 2, 1, 0, 1]),
        "mse": _numbers(7, 3, phase=4),
    }
    table: dict[str, Any] = {
        "x": _lists(x),
        "targets": _lists(targets),
        "start": _parameters(_net()),
        "scores": _lists(_net()(x)),
        "gradients": {},
        "runs": {},
    }
    for name, function in {"cross_entropy": F.cross_entropy, "mse": F.mse_loss}.items():
        net, rows = _net(), x.clone().requires_grad_()
        value = function(net(rows), targets[name])
        value.backward()
        gradients = _parameters(net, lambda p: p.grad)
        table["gradients"][name] = {"value": value.item(), **gradients, "x": _lists(rows.grad)}
        makers = {"sgd": partial(optim.SGD, lr=0.1), "adam": partial(optim.Adam, lr=0.01)}
        for optimizer, make in makers.items():
            run = _steps(function, x, targets[name], make)
            table["runs"][f"{name}_{optimizer}"] = {"lr": make.keywords["lr"], **run}
    return table


def _steps(function: Any, x: torch.Tensor, t: torch.Tensor, make: Any) -> dict[str, Any]:
    net = _net()
    optimizer = make(net.parameters(), foreach=False)
    values, after = [], {}
    for step in range(1, 21):
        optimizer.zero_grad()
        value = function(net(x), t)
        value.backward()
        optimizer.step()
        values.append(value.item())
        if step in (1, 20):
            after[f"after_{step}"] = _parameters(net)
    return {"values": values, **after}


def _net() -> nn.Sequential:
    layers = nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 3)
    return _started(*layers)


def _started(*layers: nn.Module) -> nn.Sequential:
    net = nn.Sequential(*layers)
    with torch.no_grad():
        for phase, p in enumerate(net.parameters()):
            p.copy_(0.6 * _numbers(*p.shape, phase=phase))
    return net


def _parameters(net: nn.Sequential, pick: Callable[[Any], Any] = lambda p: p) -> dict[str, Any]:
    linear = [layer for layer in net if isinstance(layer, nn.Linear)]
    return {
        "W": [_lists(pick(layer.weight).T) for layer in linear],
        "b": [_lists(pick(layer.bias)) for layer in linear],
    }


# ---- L-BFGS on that network, and on one layer ---------------------------------------------------

L2 = 0.05
LBFGS: dict[str, dict[str, Any]] = {
    "fixed": {"lr": 0.5},
    "fixed_short_history": {"lr": 0.3, "history_size": 3},
    "wolfe": {"line_search_fn": "strong_wolfe"},
    "wolfe_short_history": {"lr": 4.0, "history_size": 2, "line_search_fn": "strong_wolfe"},
}


def lbfgs() -> dict[str, Any]:
    """The loss with l2 / 2 of the squared weights: single steps, then one call to the end."""
    x = 1.5 * _numbers(7, 4)
    targets = {"cross_entropy": torch.tensor([0, 1, 2, 2, 1, 0, 1]), "mse": _numbers(7, 3, phase=4)}
    table: dict[str, Any] = {"l2": L2, "linear_start": _parameters(_linear()), "runs": {}}
    for name, function in {"cross_entropy": F.cross_entropy, "mse": F.mse_loss}.items():
        for settings_name, settings in LBFGS.items():
            for net_name, net in {"network": _net(), "linear": _linear()}.items():
                run = _lbfgs_steps(net, function, x, targets[name], settings)
                place = f"{net_name}_{name}_{settings_name}"
                table["runs"][place] = {"settings": settings, **run}
        table[f"{name}_to_the_end"] = _lbfgs_end(function, x, targets[name])
    return table


def _linear() -> nn.Sequential:
    """One layer, so that the loss is convex and its minimum well defined."""
    return _started(nn.Linear(4, 3))


def _lbfgs_steps(
    net: nn.Sequential, function: Any, x: torch.Tensor, t: torch.Tensor, settings: dict[str, Any]
) -> dict[str, Any]:
    single = {"max_iter": 1, "max_eval": 26, "tolerance_grad": 0.0, "tolerance_change": 1e-30}
    optimizer = optim.LBFGS(net.parameters(), **single, **settings)
    values, after = [], {}
    for step in range(1, STEPS + 1):
        values.append(optimizer.step(partial(_closure, net, function, x, t)).item())
        if step in (1, 2, 5, 20, STEPS):
            after[str(step)] = _parameters(net)
    return {"values": values, "after": after}


def _lbfgs_end(function: Any, x: torch.Tensor, t: torch.Tensor) -> dict[str, Any]:
    net = _net()
    optimizer = optim.LBFGS(
        net.parameters(), max_iter=1000, max_eval=100_000, line_search_fn="strong_wolfe"
    )
    optimizer.step(partial(_closure, net, function, x, t))
    (state,) = (one for one in optimizer.state.values() if one)
    return {"iterations": state["n_iter"], "after": _parameters(net)}


def _closure(net: nn.Sequential, function: Any, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    net.zero_grad()
    weights = [layer.weight for layer in net if isinstance(layer, nn.Linear)]
    value = function(net(x), t) + L2 / 2 * sum((w * w).sum() for w in weights)
    value.backward()
    return value


# ---- schedules ----------------------------------------------------------------------------------

PLATEAU = [1 / (1 + t // 5) if t < 40 else 0.12 + 1e-6 * (t % 7) for t in range(STEPS)]
SCHEDULES: dict[str, tuple[Any, dict[str, Any]]] = {
    "step": (schedulers.StepLR, {"step_size": 30, "gamma": 0.1}),
    "multi_step": (schedulers.MultiStepLR, {"milestones": [20, 50, 80], "gamma": 0.5}),
    "exponential": (schedulers.ExponentialLR, {"gamma": 0.95}),
    "cosine": (schedulers.CosineAnnealingLR, {"T_max": 100}),
    "cosine_floor": (schedulers.CosineAnnealingLR, {"T_max": 100, "eta_min": 0.01}),
    "restarts": (schedulers.CosineAnnealingWarmRestarts, {"T_0": 25}),
    "restarts_longer": (
        schedulers.CosineAnnealingWarmRestarts,
        {"T_0": 10, "T_mult": 2, "eta_min": 0.05},
    ),
    "one_cycle": (schedulers.OneCycleLR, {"max_lr": 1.0, "total_steps": 100}),
    "one_cycle_linear": (
        schedulers.OneCycleLR,
        {"max_lr": 1.0, "total_steps": 100, "pct_start": 0.4, "anneal_strategy": "linear"},
    ),
    "one_cycle_three_phase": (
        schedulers.OneCycleLR,
        {"max_lr": 1.0, "total_steps": 100, "three_phase": True},
    ),
    "polynomial": (schedulers.PolynomialLR, {"total_iters": 100, "power": 1.0}),
    "polynomial_square": (schedulers.PolynomialLR, {"total_iters": 80, "power": 2.0}),
    "linear_warm_up": (schedulers.LinearLR, {"start_factor": 0.1, "total_iters": 10}),
    "triangular": (
        schedulers.CyclicLR,
        {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 15, "cycle_momentum": False},
    ),
    "plateau": (schedulers.ReduceLROnPlateau, {"factor": 0.5, "patience": 3}),
    "plateau_cooldown": (
        schedulers.ReduceLROnPlateau,
        {"factor": 0.1, "patience": 2, "cooldown": 4, "threshold": 0.01, "min_lr": 0.001},
    ),
}


def schedules() -> dict[str, Any]:
    """rates[t]: the rate of update t, t from 0, where the learning rate is 1."""
    table: dict[str, Any] = {"plateau_losses": PLATEAU}
    for name, (kind, settings) in SCHEDULES.items():
        optimizer = _optimizer()
        table[name] = {
            "kind": kind.__name__,
            "settings": settings,
            "rates": _rates(optimizer, kind(optimizer, **settings)),
        }
    optimizer = _optimizer()
    warm_up = schedulers.LinearLR(optimizer, start_factor=0.1, total_iters=10)
    cosine = schedulers.CosineAnnealingLR(optimizer, T_max=90)
    both = schedulers.SequentialLR(optimizer, [warm_up, cosine], milestones=[10])
    settings = {"start_factor": 0.1, "total_iters": 10, "T_max": 90, "milestones": [10]}
    table["warm_up_cosine"] = {
        "kind": "SequentialLR",
        "settings": settings,
        "rates": _rates(optimizer, both),
    }
    return table


def _optimizer() -> optim.Optimizer:
    return optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)


def _rates(optimizer: optim.Optimizer, scheduler: Any) -> list[float]:
    rates = []
    for t in range(STEPS):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        if isinstance(scheduler, schedulers.ReduceLROnPlateau):
            scheduler.step(PLATEAU[t])
        elif t < STEPS - 1:
            scheduler.step()
    return rates


# ---- layers -------------------------------------------------------------------------------------


def layers() -> dict[str, Any]:
    """Layers in training; batch_norm twice, then once for prediction."""
    rows = 2 * _numbers(7, 4) + torch.arange(4.0)
    images = _numbers(2, 4, 6, 5)
    pools = _numbers(2, 3, 6, 5)
    return {
        "batch_norm": _batch_norm(rows),
        "layer_norm": _module(nn.LayerNorm(4), rows),
        "dense": _module(nn.Linear(4, 3), rows),
        "scale": _module(_Scale(4), rows),
        "residual": _module(_Branches(_branch(4), add=True, shortcut=nn.Identity()), rows),
        "residual_projection": _module(
            _Branches(_branch(3), add=True, shortcut=nn.Linear(4, 3)), rows
        ),
        "parallel_concat": _module(_Branches(_branch(2), _branch(3), add=False), rows),
        "parallel_add": _module(_Branches(_branch(3), _branch(3), add=True), rows),
        "rms_norm": _module(nn.RMSNorm(4, eps=1e-5), rows),
        "conv2d": _images(nn.Conv2d(4, 2, (3, 2), stride=(2, 1), padding=1), images),
        "conv2d_valid": _images(nn.Conv2d(4, 2, 3, stride=2), images),
        "conv2d_same": _images(nn.Conv2d(4, 2, (3, 4), padding="same"), images),
        "conv2d_groups": _images(nn.Conv2d(4, 6, 3, padding="same", groups=2), images),
        "conv2d_depthwise": _images(nn.Conv2d(4, 8, 3, padding=1, groups=4), images),
        "conv2d_pixels": _images(nn.Conv2d(4, 3, 1), images),
        "max_pool": _images(nn.MaxPool2d(2), pools),
        "max_pool_same": _images(nn.MaxPool2d(3, stride=1, padding=1), pools),
        "avg_pool": _images(nn.AvgPool2d(2), pools),
        "avg_pool_same": _images(
            nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False), pools
        ),
        "global_avg_pool": _images(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), pools),
        "flatten": _module(nn.Flatten(), pools),
        "image": _module(nn.Unflatten(1, (3, 2, 2)), _numbers(2, 12)),
        "batch_norm_images": _images(nn.BatchNorm2d(4), images),
        "residual_images": _images(
            _Branches(
                nn.Conv2d(4, 3, 3, stride=2, padding=1),
                add=True,
                shortcut=nn.Conv2d(4, 3, 1, stride=2),
            ),
            images,
        ),
        "parallel_images": _images(
            _Branches(
                nn.Conv2d(4, 3, 1),
                nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), nn.Conv2d(4, 2, 1)),
                add=False,
            ),
            images,
        ),
        "embedding": _embedding(),
        "periodic": _function(_periodic, {"w": (3, 5), "b": (3, 5), "V": (3, 5, 2), "d": (3, 2)}),
        "parametric": _function(_parametric, {"a": (4,)}),
        "piecewise": _function(_piecewise, {"V": (3, 4, 2), "d": (3, 2)}),
    }


def _embedding() -> dict[str, Any]:
    """Two tables looked up by the last two columns, which have no gradient, behind one number."""

    def look_up(x: torch.Tensor, **tables: torch.Tensor) -> torch.Tensor:
        codes = x[:, 1:].long()
        vectors = [F.embedding(k, E) for E, k in zip(tables.values(), codes.T, strict=True)]
        return torch.cat([x[:, :1], *vectors], dim=1)

    codes = torch.tensor([[1.0, 2], [3, 0], [1, 0], [0, 2], [1, 1]])
    x = torch.cat([_numbers(5, 1), codes], dim=1)
    return _function(look_up, {"E1": (4, 3), "E2": (3, 2)}, x)


def _parametric(x: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
    """The input, and a share of its own of selu for each column."""
    return x + a * (F.selu(x) - x)


def _periodic(x: torch.Tensor, **p: torch.Tensor) -> torch.Tensor:
    """Three of four inputs through cos(2π w x + b) V + d, and all of them behind."""
    waves = torch.cos(2 * math.pi * p["w"] * x[:, :3, None] + p["b"])
    embedded = torch.einsum("bnf,nfk->bnk", waves, p["V"]) + p["d"]
    return torch.cat([embedded.flatten(1), x], dim=1)


def _piecewise(x: torch.Tensor, **p: torch.Tensor) -> torch.Tensor:
    """Three of four inputs, with 4, 2 and 1 bins, through their pieces; the fourth behind."""
    columns = []
    for column, bins in zip(x.T, (4, 2, 1), strict=False):
        pieces = [column - t for t in range(bins)]
        lower = [pieces[0], *(piece.clamp(min=0) for piece in pieces[1:])]
        both = [*(piece.clamp(max=1) for piece in lower[:-1]), lower[-1]]
        columns.append(torch.stack(both + [torch.zeros_like(column)] * (4 - bins), dim=1))
    embedded = torch.einsum("bnf,nfk->bnk", torch.stack(columns, dim=1), p["V"]) + p["d"]
    return torch.cat([embedded.flatten(1), x[:, 3:]], dim=1)


def _function(
    function: Callable[..., torch.Tensor],
    shapes: dict[str, tuple[int, ...]],
    rows: torch.Tensor | None = None,
) -> dict[str, Any]:
    """Output and gradients of a function of x and named parameters."""
    numbers = enumerate(shapes.items(), 1)
    named = {n: _numbers(*shape, phase=k).requires_grad_() for k, (n, shape) in numbers}
    x = (3 * _numbers(6, 4) + 1.1 if rows is None else rows).clone().requires_grad_()
    y = function(x, **named)
    dy = _numbers(*y.shape, phase=5)
    y.backward(dy)
    return {
        "parameters": _lists(named),
        "x": _lists(x),
        "y": _lists(y),
        "dy": _lists(dy),
        "dx": _lists(x.grad),
        "gradients": {name: _lists(p.grad) for name, p in named.items()},
    }


def _images(module: nn.Module, images: torch.Tensor) -> dict[str, Any]:
    """Images and filters with the channels last, as they are here."""
    entry = _module(module, images)
    for key in ("x", "y", "dy", "dx"):
        entry[key] = _channels_last(entry[key])
    for key in ("parameters", "gradients"):
        entry[key] = {name: _channels_last(p, filters=True) for name, p in entry[key].items()}
    return entry


def _channels_last(values: Any, *, filters: bool = False) -> Any:
    array = np.array(values)
    if array.ndim != 4:
        return values
    return array.transpose((2, 3, 1, 0) if filters else (0, 2, 3, 1)).tolist()


class _Scale(nn.Module):
    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(inputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight


class _Branches(nn.Module):
    """The sum of branches and a shortcut, or the branches one behind the other."""

    def __init__(self, *branches: nn.Module, add: bool, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.add = add
        self.shortcut = shortcut
        self.branches = nn.ModuleList(branches)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = [branch(x) for branch in self.branches]
        if self.shortcut is not None:
            parts.append(self.shortcut(x))
        return sum(parts) if self.add else torch.cat(parts, dim=1)


def _branch(units: int) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, units))


def _batch_norm(rows: torch.Tensor) -> dict[str, Any]:
    norm = nn.BatchNorm1d(4)
    table = {"momentum": norm.momentum, **_module(norm, rows)}
    second = 0.5 * _numbers(7, 4, phase=6) - 1
    statistics = [_statistics(norm)]
    norm(second)
    statistics.append(_statistics(norm))
    norm.eval()
    table |= {"second_x": _lists(second), "running": statistics}
    return table | {"prediction": _lists(norm(rows))}


def _statistics(norm: nn.BatchNorm1d) -> dict[str, Any]:
    return {"mean": _lists(norm.running_mean), "variance": _lists(norm.running_var)}


def _module(module: nn.Module, rows: torch.Tensor) -> dict[str, Any]:
    """Output and gradients; the parameters keep PyTorch's names and shapes here."""
    named = dict(module.named_parameters())
    with torch.no_grad():
        for phase, p in enumerate(named.values()):
            p.copy_(0.5 * _numbers(*p.shape, phase=phase + 1) + 1)
    x = rows.clone().requires_grad_()
    y = module(x)
    dy = _numbers(*y.shape, phase=5)
    y.backward(dy)
    return {
        "eps": getattr(module, "eps", None),
        "parameters": _lists(named),
        "x": _lists(rows),
        "y": _lists(y),
        "dy": _lists(dy),
        "dx": _lists(x.grad),
        "gradients": {name: _lists(p.grad) for name, p in named.items()},
    }


# ---- numbers ------------------------------------------------------------------------------------


def _numbers(*shape: int, phase: float = 0) -> torch.Tensor:
    """Given numbers in −1 … 1 without a pattern, of any shape."""
    count = math.prod(shape)
    return torch.tensor([math.sin(1.7 * k * k + phase) for k in range(count)]).reshape(shape)


def _lists(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().tolist()
    if isinstance(value, dict):
        return {name: _lists(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_lists(part) for part in value]
    return value


def _refuse_nan(value: Any, path: str = "") -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{path} is {value}")
    parts: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    for name, part in parts:
        _refuse_nan(part, f"{path}.{name}")


def _json(value: Any, depth: int = 0) -> str:
    """One line for each entry of the upper levels, everything below compact."""
    if not isinstance(value, dict) or depth == 3 or not value:
        return json.dumps(value, separators=(",", ":"))
    parts = (f"{json.dumps(name)}:{_json(part, depth + 1)}" for name, part in value.items())
    return "{\n" + ",\n".join(parts) + "\n}"


if __name__ == "__main__":
    main()
