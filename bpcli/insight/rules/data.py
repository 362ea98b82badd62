"""What the network is given."""

from __future__ import annotations

from bpcli.insight.evidence import Evidence
from bpcli.insight.look import INPUTS, TARGET, finite
from bpcli.insight.rules.rule import Finding, Rule

UNSCALED = 30.0  # rms of a column; that of a scaled one is about 1


class ConstantTarget(Rule):
    """There is nothing to learn."""

    id, name = "BP-N022", "constant target"
    explains = ("dead units", "learning rate too low", "overfitting", "learning rate too high")

    def look(self, e: Evidence) -> Finding | None:
        one = e.data(TARGET)
        if one is None or one.dead != 1:
            return None
        what = "the target is the same in every training row: there is nothing to learn"
        return self.found("data.target", what, "choose another target, or another split")


class UnscaledInputs(Rule):
    """Numbers far from 1 saturate units, or make one weight count as much as a hundred others."""

    id, name = "BP-N020", "unscaled inputs"
    explains = (
        *("vanishing gradient", "exploding activations", "saturated units", "dead units"),
        *("learning rate too high", "learning rate too low"),
    )

    def look(self, e: Evidence) -> Finding | None:
        one = e.data(INPUTS)
        if one is None or finite(one.rms) <= UNSCALED:
            return None
        what = f"column {one.name!r} reaches the network with a root mean square of {one.rms:.3g}"
        remedy = "scale the columns: preprocess.numeric: standard"
        return self.found("preprocess.numeric", what, remedy, "preprocess.numeric=standard")


class UnscaledTarget(Rule):
    """The scores must grow to the size of the target before anything is learned."""

    id, name = "BP-N021", "unscaled target"
    explains = UnscaledInputs.explains

    def look(self, e: Evidence) -> Finding | None:
        one = e.data(TARGET)
        own_units = e.config.loss is not None and e.config.loss.own_units
        if one is None or own_units or finite(one.rms) <= UNSCALED:
            return None
        what = f"the target {one.name!r} has a root mean square of {one.rms:.3g}"
        remedy = "scale it: preprocess.target: standard; predictions keep their units"
        return self.found("preprocess.target", what, remedy, "preprocess.target=standard")
