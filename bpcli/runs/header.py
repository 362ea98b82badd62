"""The strict reader of a model file's header: plain Python, so it runs before numpy is imported."""

from __future__ import annotations

import json
from math import isinf, prod
from typing import Any, NoReturn

from bpcli.config.errors import ModelError, Problem

Record = dict[str, Any]
KEY = "bpcli"
HEADER_LIMIT = 100_000_000
ITEM_SIZE = {"F32": 4, "F64": 8, "U8": 1}


def read_header(content: bytes, name: str) -> tuple[Record, dict[str, Any]]:
    """The record and the tensors' entries, checked against each other and the file's size."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or not 2 <= length <= min(HEADER_LIMIT, len(content) - 8):
        raise damaged(name, "it is not a safetensors file, or it is cut short")
    header = _strict_json(content[8 : 8 + length], name)
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or set(metadata) != {KEY}:
        raise damaged(name, "it was not written by bpcli")
    text = metadata[KEY]
    record = _strict_json(text.encode(), name) if isinstance(text, str) else {}
    if not _is_canonical(record, text):
        raise damaged(name, "its record is not in canonical form")
    _check_cover(header, len(content) - 8 - length, name)
    return record, header


def canonical(record: Record) -> str:
    """JSON with sorted keys, no spaces, shortest floats and no NaN: one text per value."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _is_canonical(record: Record, text: object) -> bool:
    try:
        return canonical(record) == text
    except RecursionError:  # a writer has less room than a reader
        return False


def damaged(name: str, reason: str) -> ModelError:
    """The error for a file that cannot be trusted."""
    return ModelError(
        Problem("BP-M002", name, f"cannot be used: {reason}", "train again, or restore a copy")
    )


def _strict_json(text: bytes, name: str) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key stands twice")
        return dict(pairs)

    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not a number")

    def number(digits: str) -> float:
        value = float(digits)
        return refuse(digits) if isinf(value) else value

    try:
        value = json.loads(
            text.decode(), object_pairs_hook=unique, parse_constant=refuse, parse_float=number
        )
    except (ValueError, RecursionError) as error:
        raise damaged(name, f"its header is not valid JSON ({str(error)[:60]})") from None
    if not isinstance(value, dict):
        raise damaged(name, "its header is not a JSON object")
    return value


def _check_cover(entries: dict[str, Any], size: int, name: str) -> None:
    """The tensors lie one behind the other and fill the file exactly."""
    try:
        spans = sorted(_span(entry) for entry in entries.values())
    except (TypeError, KeyError, ValueError):
        raise damaged(name, "its header describes no tensors") from None
    ends = [0, *(stop for _, stop in spans)]
    if [start for start, _ in spans] != ends[:-1] or ends[-1] != size:
        raise damaged(name, "its tensors do not fill the file")


def _span(entry: dict[str, Any]) -> tuple[int, int]:
    if set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError("unknown keys")
    start, stop = entry["data_offsets"]
    shape = entry["shape"]
    if not all(type(number) is int and number >= 0 for number in (start, stop, *shape)):
        raise ValueError("sizes are whole numbers")
    if stop - start != prod(shape) * ITEM_SIZE[entry["dtype"]]:
        raise ValueError("the size does not follow from the shape")
    return start, stop
