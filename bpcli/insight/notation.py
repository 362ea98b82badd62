"""The formulas of components in the letters of one network: z₁ = x W₁ + b₁, a₂ = tanh(z₁).

A formula is what the docstring of a component begins with, and the line there that begins with
`Backward:`. Layer l gives zₗ where it has parameters, aₗ where it has none; δₗ is ∂L/∂ of that.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import NamedTuple

from bpcli.config.component import Component
from bpcli.insight.places import Path, Place
from bpcli.nn.activations import Activation
from bpcli.nn.composite import Residual
from bpcli.nn.layers import Dense
from bpcli.nn.optimizers.gradients import SGD

_PROSE = r", also |, but |, the mean|, the pinball|, for |, one | with one "
_END = re.compile(rf"\.\s|\.$|: |; [yℓ] = |, dy/dx|{_PROSE}")
_SLOPE = re.compile(r"dy/dx = (?P<slope>.*?)(?:\.\s|\.$)")
_BACKWARD = re.compile(r"^Backward: (?P<formula>.*?)(?:; with .*?)?\.$", re.M | re.S)
_ENDS = "(?![A-Za-z0-9_\u2080-\u2089\u0302'′])"  # Wᵀ and y² are W and y, x̂ is not x
_DIGITS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_GREEK = {"gamma": "γ", "beta": "β"}


class Letters(NamedTuple):
    """What one layer's input, output and their gradients are called."""

    number: str
    x: str
    y: str
    dx: str
    dy: str

    def parameter(self, name: str) -> str:
        """`W₁`"""
        return f"{_GREEK.get(name, name)}{_below(self.number)}"


def letters(places: Sequence[Place]) -> dict[Path, Letters]:
    """Of every layer."""
    found: dict[Path, Letters] = {}
    for place in places:
        *outer, index = place.path
        before = found.get((*outer, index - 1))
        if before is not None:
            x, dx = before.y, before.dy
        else:
            x = found[tuple(outer[:-1])].x if outer else "x"
            dx = f"∂L/∂{x}"
        y = f"{'z' if place.plan.params else 'a'}{_below(place.number)}"
        found[place.path] = Letters(place.number, x, y, dx, f"δ{_below(place.number)}")
    return found


def forward_formula(place: Place, own: Letters) -> str:
    """`z₁ = x W₁ + b₁`"""
    return _translated(_variant(_formula(type(place.layer)), place), place, own)


def backward_formula(place: Place, own: Letters) -> str:
    """`δ₁ = δ₂ W₂ᵀ, ∂L/∂W₂ = a₁ᵀ δ₂, …`"""
    text = inspect.getdoc(type(place.layer)) or ""
    if written := _BACKWARD.search(text):
        return _translated(_variant(" ".join(written["formula"].split()), place), place, own)
    if isinstance(place.layer, Activation):
        slope = _SLOPE.search(text)
        factor = f"({slope['slope']})" if slope else "f′(x)"
        return _translated(f"dx = dy ⊙ {factor}", place, own)
    return _translated("dx = dy ∂y/∂x", place, own)


def loss_formulas(loss: Component, scores: Letters) -> tuple[str, str]:
    """`ℓ = −Σ t log softmax(z₅)` and `δ₅ = c (softmax(z₅) − t)`."""
    written = _BACKWARD.search(inspect.getdoc(type(loss)) or "")
    backward = " ".join(written["formula"].split()) if written else "dz = c ∂ℓ/∂z"
    return tuple(  # type: ignore[return-value]
        _word("z", scores.y, _word("dz", scores.dy, text))
        for text in (_formula(type(loss)), backward)
    )


def update_formula(optimizer: Component) -> str:
    """`θ ← θ − η m̂ / (√v̂ + ε), m̂ and v̂ bias-corrected means of g and g²`"""
    if isinstance(optimizer, SGD) and not optimizer.momentum:
        return "θ ← θ − η g"
    return _word("lr", "η", _formula(type(optimizer)))


def _formula(kind: type[Component]) -> str:
    """What the docstring begins with, up to where prose begins."""
    return _END.split(kind.summary(), maxsplit=1)[0].rstrip()


def _variant(formula: str, place: Place) -> str:
    """The formula of a layer as its settings make it, where the docstring has several."""
    layer = place.layer
    if isinstance(layer, Dense) and layer.init.scale(2) != 1:
        return re.sub(r"(x W|dy Wᵀ|xᵀ dy)", r"\1 / √I", formula)
    if isinstance(layer, Residual):
        projects = bool(place.plan.inner[0])
        plain, _, projected = formula.partition(", or ")
        if projected:
            return f"y = {projected.partition(' where ')[0]}" if projects else plain
        plain, _, same = formula.partition(", where nothing is projected ")
        return plain if projects else same
    return formula


def _translated(formula: str, place: Place, own: Letters) -> str:
    for name, parameter in place.plan.params.items():
        short = _GREEK.get(name, name)
        if not parameter.trained:
            continue
        formula = _word(f"d{short}", f"∂L/∂{own.parameter(name)}", formula)
        formula = _word(short, own.parameter(name), formula)
    words = own._asdict()
    for word in ("dx", "dy", "x", "y"):
        formula = _word(word, words[word], formula)
    return formula


def _word(word: str, by: str, formula: str) -> str:
    """The formula with another word; x̂ and x′ are other words than x."""
    return re.sub(rf"(?<![\w∂/]){word}{_ENDS}|(?<=∂){word}{_ENDS}", by, formula)


def _below(number: str) -> str:
    return number.translate(_DIGITS)
