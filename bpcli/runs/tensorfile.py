"""One file of tensors and one JSON record: the format of models and checkpoints.

A safetensors file with exactly one metadata key, `bpcli`, whose value is canonical JSON. Its
`sha256` covers the record and every tensor, so any changed byte is refused. Nothing in the file
can run: the reader knows numbers, text and shapes only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from bpcli.runs.header import KEY, Record, canonical, damaged, read_header

Tensors = Mapping[str, NDArray[Any]]
DTYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "U8": np.dtype("u1"),
}


def pack(record: Record, tensors: Tensors) -> bytes:
    """The file's bytes: the same record and tensors give the same bytes, in any order."""
    sealed = record | {"sha256": _digest(record, tensors)}
    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    return safetensors.numpy.save(arrays, {KEY: canonical(sealed)})


def unpack(content: bytes, name: str) -> tuple[Record, dict[str, NDArray[Any]]]:
    """The record and the tensors.  Raises ModelError unless every byte is as it was written."""
    record, entries = read_header(content, name)
    start = 8 + int.from_bytes(content[:8], "little")
    tensors = {
        key: np.frombuffer(
            content, DTYPES[entry["dtype"]], prod(entry["shape"]), start + entry["data_offsets"][0]
        ).reshape(entry["shape"])
        for key, entry in entries.items()
    }
    sealed = record.pop("sha256", None)
    if sealed != _digest(record, tensors):
        raise damaged(name, "its contents do not match its checksum")
    if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
        raise damaged(name, "it holds numbers that are not finite")
    return record, tensors


def _digest(record: Record, tensors: Tensors) -> str:
    digest = hashlib.sha256(canonical(record).encode())
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
