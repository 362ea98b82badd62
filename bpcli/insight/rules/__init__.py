"""What can ail a network: each rule turns numbers into a finding with evidence and a remedy.

To add one, write a class and name it in `RULES`, root causes first: a finding that another one
explains is left out, so that the cause stands alone. Where the bounds come from is in
docs/insight.md. Read in this order: rule, data, signal, learning.
"""

from __future__ import annotations

from bpcli.insight.evidence import Evidence
from bpcli.insight.rules.data import ConstantTarget, UnscaledInputs, UnscaledTarget
from bpcli.insight.rules.learning import Overfitting, RateTooHigh, RateTooLow
from bpcli.insight.rules.rule import Finding, Rule
from bpcli.insight.rules.signal import Dead, Exploding, Saturated, Vanishing

RULES: tuple[Rule, ...] = (
    ConstantTarget(),
    UnscaledInputs(),
    UnscaledTarget(),
    Exploding(),
    RateTooHigh(),
    Vanishing(),
    Saturated(),
    Dead(),
    RateTooLow(),
    Overfitting(),
)


def diagnose(e: Evidence) -> list[Finding]:
    """What ails a network, root causes only."""
    findings: list[Finding] = []
    explained: set[str] = set()
    for rule in RULES:
        if rule.name not in explained and (finding := rule.look(e)):
            findings.append(finding)
            explained |= set(rule.explains)
    return findings
