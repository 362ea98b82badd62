"""Numbers as people read them."""

from __future__ import annotations

from collections.abc import Sequence

MISSING = "–"


def number(value: float | None) -> str:
    """Four significant digits: 0.1400, 53.90, 1235, 1.235e-05; `–` where there is no value."""
    if value is None:
        return MISSING
    if 1e3 <= abs(value) < 1e7:
        return f"{value:.0f}"
    return f"{value:#.4g}".rstrip(".")


def rough(value: float) -> str:
    """One significant digit: 0.03, 6, 100, 1e-05."""
    return f"{float(f'{value:.1g}'):g}"


def aligned(values: Sequence[float | None]) -> list[str]:
    """The numbers as texts of one width whose decimal points stand below each other."""
    texts = [number(value) for value in values]
    tails = [len(text) - len(text.partition(".")[0]) for text in texts]
    longest = max(tails, default=0)
    padded = [text + " " * (longest - tail) for text, tail in zip(texts, tails, strict=True)]
    width = max(map(len, padded), default=0)
    return [text.rjust(width) for text in padded]


def counted(count: int, noun: str) -> str:
    """1 epoch, 2,400 iterations."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """0.05 s, 0.8 s, 42 s, 3 min 05 s, 2 h 05 min."""
    if seconds < 0.1:
        return f"{round(seconds, 2):g} s"
    if seconds < 10:
        return f"{round(seconds, 1):g} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
