"""What becomes of numbers and gradients on their way through the layers."""

from __future__ import annotations

from collections.abc import Sequence

from bpcli.insight.evidence import Evidence, layers, place
from bpcli.insight.look import INPUTS, Reading, finite
from bpcli.insight.rules.rule import Finding, Rule

VANISHED = 1e-4  # share of the last layer's gradient that reaches the first one
GROWN = 1e3  # how many times the numbers of a layer are those it is given
SATURATED = 0.8  # share of outputs in the flat ends of an activation
DEAD = 0.9  # share of units that give every row the same


class Exploding(Rule):
    """Start values so large that every layer multiplies what it is given."""

    id, name = "BP-N023", "exploding activations"
    explains = (
        *("saturated units", "learning rate too high", "learning rate too low", "dead units"),
        "vanishing gradient",
    )

    def look(self, e: Evidence) -> Finding | None:
        start = next((look for look in e.looks if look[-1].iteration == 0), None)
        inputs = e.data(INPUTS)
        if start is None or inputs is None:
            return None
        given = max(1.0, finite(inputs.rms))
        for one in layers(start):
            if finite(one.rms) > GROWN * given:
                what = f"its units reach {one.rms:.3g} at the start, from inputs of {given:.3g}"
                remedy = (
                    "use start values that keep the size of numbers (init: glorot, or he with "
                    "relu), batch_norm or layer_norm"
                )
                return self.found(place(one), what, remedy)
        return None


class Vanishing(Rule):
    """Each layer passes on a fraction of the gradient, so the first ones learn nothing."""

    id, name = "BP-N024", "vanishing gradient"
    explains = ("dead units", "learning rate too low", "saturated units")

    def look(self, e: Evidence) -> Finding | None:
        looks = e.looks[-2:]
        shares = [one for look in looks if (one := self._share(look)) is not None]
        if not shares or max(share for _, share in shares) >= VANISHED:
            return None
        first, share = shares[-1]
        flat = [one for one in layers(looks[-1]) if one.saturated is not None]
        names = " and ".join(sorted({one.name for one in flat}))
        beside = f"; {len(flat)} {names} layers" if flat else ""
        what = f"it receives {share:.1g} of the last layer's gradient{beside}"
        remedy = "use relu with init: he, or selu; batch_norm; residual; or fewer layers"
        return self.found(place(first), what, remedy, *self._changes(e))

    def _share(self, look: Sequence[Reading]) -> tuple[Reading, float] | None:
        """The first layer with parameters, and its share; None where nothing comes back at all."""
        own = [one for one in layers(look) if one.output_gradient is not None]
        with_weights = [one for one in own if one.weight_norm is not None]
        if len(with_weights) < 2 or not finite(own[-1].output_gradient):
            return None
        first = with_weights[0]
        share = finite(first.output_gradient) / finite(own[-1].output_gradient)
        return (first, share) if share else None

    def _changes(self, e: Evidence) -> list[str]:
        network = e.config.network
        if not isinstance(network, tuple):
            return []
        flat = [i for i, layer in enumerate(network) if getattr(layer, "saturates", False)]
        return [f"network.{i}=selu" for i in flat]


class Saturated(Rule):
    """Units in the flat ends of their activation pass no gradient on."""

    id, name = "BP-N027", "saturated units"
    explains = ("learning rate too low", "dead units", "overfitting")  # it remembers, at most

    def look(self, e: Evidence) -> Finding | None:
        looks = e.looks
        if not looks:
            return None
        for one in layers(looks[-1], inner=True):
            if finite(one.saturated) >= SATURATED and self._always(looks, one):
                what = f"{one.saturated:.0%} of its outputs are in the flat ends of {one.name}"
                remedy = "use smaller start values (init), batch_norm or layer_norm before it"
                return self.found(place(one), what, remedy)
        return None

    def _always(self, looks: Sequence[Sequence[Reading]], one: Reading) -> bool:
        """Whether it was so in every look; in one that has learned, it may become so."""
        same = [other for look in looks for other in look if other.layer == one.layer]
        return all(finite(other.saturated) >= SATURATED for other in same)


class Dead(Rule):
    """Units that give every row the same tell nothing, and no gradient brings them back."""

    id, name = "BP-N004", "dead units"
    explains = ("learning rate too low",)

    def look(self, e: Evidence) -> Finding | None:
        inputs = e.data(INPUTS)
        if not e.looks or (inputs is not None and inputs.dead == 1):
            return None
        own = layers(e.looks[-1])
        hidden = own[:-1]
        for one in own:
            share = finite(one.dead)
            if share == 1 or (one in hidden and share >= DEAD):
                units = "it gives" if share == 1 else f"{share:.0%} of its units give"
                what = f"{units} every training row the same number: its units are dead"
                end = ", and the prediction does not depend on the row" if share == 1 else ""
                remedy = "lower learning_rate, or use leaky_relu or another init"
                return self.found(place(one), what + end, remedy, *self._changes(e))
        return None

    def _changes(self, e: Evidence) -> list[str]:
        network = e.config.network
        if not isinstance(network, tuple):
            return []
        relus = [i for i, layer in enumerate(network) if layer.name == "relu"]
        return [f"network.{i}=leaky_relu" for i in relus]
