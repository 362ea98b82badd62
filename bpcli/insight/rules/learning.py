"""How learning goes."""

from __future__ import annotations

from bpcli.insight.evidence import Evidence, layers, loss_of, place, smoothed
from bpcli.insight.look import TARGET, finite
from bpcli.insight.rules.rule import Finding, Rule

LEAP = 1.0  # update over weight: more than everything that has been learned
WORSE = 1.5  # times the loss of scores that are all 0, and that of the start
WILD = 100.0  # times the size of the target, or of 1
MOVED = 0.2  # how far all updates together may move the weights of a network that stands still
IMPROVED = 0.7  # of the loss at first: below it something has been learned
RISEN, FITTED = 1.3, 0.7  # validation loss from its lowest; training loss in the same time


class RateTooHigh(Rule):
    """Updates so large that they destroy what the weights have learned."""

    id, name = "BP-N025", "learning rate too high"
    explains = ("dead units", "saturated units", "vanishing gradient", "overfitting")

    def look(self, e: Evidence) -> Finding | None:
        looks = e.looks
        leaps = [one for look in looks for one in layers(look, inner=True)]
        most = max(leaps, key=lambda one: finite(one.update_ratio), default=None)
        leap, target = finite(most.update_ratio) if most else 0.0, e.data(TARGET)
        now, chance = loss_of(looks[-1]) if looks else (0.0, 0.0)
        lost = bool(looks) and now > WORSE * max(chance, loss_of(looks[0])[0]) > 0
        stuck = leap > LEAP and chance > 0 and now > IMPROVED * chance
        scores = max((finite(layers(look)[-1].rms) for look in looks), default=0.0)
        wild = e.has_target and scores > WILD * max(1.0, finite(target.rms if target else None))
        peak = max(e.losses(validation=False), default=0.0)
        thrown = peak > WILD * chance > 0
        if not (e.diverged or lost or stuck or wild or thrown):
            return None
        rate = e.rate
        seen = [f"at learning rate {rate:g}"]
        if leap > LEAP and most is not None:
            seen.append(f"an update moves {place(most)} by {leap:.2g} times its weights")
        if e.diverged:
            seen.append("training diverged")
        elif wild:
            seen.append(f"the scores reach {scores:.2g}")
        elif thrown:
            seen.append(f"the loss reached {peak:.2g}, that of scores of 0 is {chance:.3g}")
        elif looks:
            seen.append(f"the loss is {now:.3g}, that of scores of 0 is {chance:.3g}")
        lower = f"{rate / 10:.1g}" if leap <= LEAP else f"{rate * 0.02 / leap:.1g}"
        remedy = f"lower learning_rate (to {lower}), or choose it by bpcli lr-sweep"
        return self.found("learning_rate", "; ".join(seen), remedy, f"learning_rate={lower}")


class RateTooLow(Rule):
    """All updates together leave the weights where they started."""

    id, name = "BP-N026", "learning rate too low"
    explains = ("overfitting",)

    def look(self, e: Evidence) -> Finding | None:
        ratios = [
            max((finite(one.update_ratio) for one in layers(look, inner=True)), default=0.0)
            for look in e.looks
            if any(one.update_ratio is not None for one in look)
        ]
        losses = e.losses(validation=False)
        if not ratios or not losses or losses[-1] < IMPROVED * losses[0]:
            return None
        moved = max(ratios) * e.updates
        if moved >= MOVED:
            return None
        rate = e.rate
        what = (
            f"at {rate:g} the {e.updates:,} updates move no layer by more than {moved:.1g} of its "
            "weights"
        )
        higher = f"{rate * 1e-3 / max(ratios):.1g}" if max(ratios) else "0.001"
        remedy = f"raise learning_rate (to {higher}), or choose it by bpcli lr-sweep"
        return self.found("learning_rate", what, remedy, f"learning_rate={higher}")


class Overfitting(Rule):
    """The network goes on learning what is true of its training rows only, and is kept so."""

    id, name = "BP-N028", "overfitting"

    def look(self, e: Evidence) -> Finding | None:
        if e.best_epoch is not None:
            return None
        train, validation = (smoothed(e.losses(validation=v)) for v in (False, True))
        if len(validation) < 2 or len(validation) != len(train):
            return None
        lowest = min(range(len(validation)), key=validation.__getitem__)
        risen = validation[-1] > RISEN * validation[lowest]
        if not (risen and train[-1] < FITTED * train[lowest]):
            return None
        what = (
            f"the validation loss rose from {validation[lowest]:.3g} to {validation[-1]:.3g} while "
            f"the training loss fell from {train[lowest]:.3g} to {train[-1]:.3g}"
        )
        remedy = "stop earlier (stop: {patience: 20}), or add dropout or regularization"
        return self.found("stop", what, remedy, "stop.patience=20")
