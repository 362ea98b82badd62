"""What a search may put at a path of a config: numbers of a range, or one of some values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from bpcli.config.component import Component

DIGITS = 4  # of a number that was drawn: more would only be harder to read


class Asked(Protocol):
    """A trial that proposes values, as Optuna's do."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> float: ...
    def suggest_int(self, name: str, low: int, high: int, *, log: bool) -> int: ...
    def suggest_categorical(self, name: str, choices: Sequence[int]) -> Any: ...


class Distribution(Component):
    """What is tried at a path of the config."""

    family: ClassVar[str] = "distribution"

    def draw(self, trial: Asked, path: str) -> Any:
        """The value that the trial proposes for the path."""
        raise NotImplementedError

    def first(self) -> Any:
        """A value that may be drawn, to see whether the config allows it."""
        raise NotImplementedError

    def proposal(self, value: Any) -> Any:
        """What a trial proposes for a value to be drawn; None where it never is."""
        raise NotImplementedError


def _ascending(ends: tuple[float, ...]) -> tuple[float, ...]:
    if not ends[0] < ends[1]:
        what = "expected [lowest, highest], got {low} and {high}"
        low, high = ends
        raise PydanticCustomError("invalid_value", what, {"low": low, "high": high})
    return ends


class _Range(Distribution):
    """Numbers between two ends."""

    log: ClassVar[bool] = False
    example: ClassVar[dict[str, Any]] = {"range": [1, 10]}

    def first(self) -> Any:
        return self.range[0]  # type: ignore[attr-defined]

    def proposal(self, value: Any) -> Any:
        low, high = self.range  # type: ignore[attr-defined]
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if self.log and value == 0:
            return low  # than which nothing of a logarithmic range is nearer to it
        return value if low <= value <= high else None

    @field_validator("range", mode="after", check_fields=False)
    @classmethod
    def _ends(cls, ends: tuple[float, ...]) -> tuple[float, ...]:
        if cls.log and ends[0] <= 0:
            what = "expected ends above 0, got {low}"
            raise PydanticCustomError("invalid_value", what, {"low": ends[0]})
        return _ascending(ends)


class Uniform(_Range):
    """A number of [lowest, highest], each as likely."""

    name: ClassVar[str] = "uniform"
    range: Annotated[tuple[float, float], Field(strict=False, description="lowest and highest")]

    def draw(self, trial: Asked, path: str) -> float:
        return float(f"{trial.suggest_float(path, *self.range, log=self.log):.{DIGITS}g}")


class LogUniform(Uniform):
    """A number of [lowest, highest], each order of magnitude as likely."""

    name: ClassVar[str] = "log_uniform"
    log: ClassVar[bool] = True


class Integer(_Range):
    """A whole number from lowest to highest, each as likely."""

    name: ClassVar[str] = "integer"
    range: Annotated[tuple[int, int], Field(strict=False, description="lowest and highest")]

    def draw(self, trial: Asked, path: str) -> int:
        return trial.suggest_int(path, *self.range, log=self.log)


class LogInteger(Integer):
    """A whole number from lowest to highest, each order of magnitude as likely."""

    name: ClassVar[str] = "log_integer"
    log: ClassVar[bool] = True


class Choice(Distribution):
    """One of the values, whatever may stand at the path: numbers, names, lists of layers."""

    name: ClassVar[str] = "choice"
    example: ClassVar[dict[str, Any]] = {"values": [16, 64]}
    values: Annotated[
        tuple[Any, ...], Field(strict=False, min_length=1, description="what is tried")
    ]

    def first(self) -> Any:
        return self.values[0]

    def proposal(self, value: Any) -> Any:
        return self.values.index(value) if value in self.values else None

    def draw(self, trial: Asked, path: str) -> Any:
        return self.values[trial.suggest_categorical(path, range(len(self.values)))]
