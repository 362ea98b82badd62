"""Model files that are missing, damaged, foreign, or made to do harm with a right checksum."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from bad_inputs.case import Case, Content, model
from bpcli.runs.header import canonical
from bpcli.runs.tensorfile import pack, unpack

COMMAND = "predict m.safetensors t.csv"
Header = dict[str, Any]


def broken(
    name: str,
    *says: str,
    content: Content,
    id: str = "BP-M002",
    rows: tuple[int, ...] = (73,),
    command: str = COMMAND,
) -> Case:
    """A file that is no model."""
    return Case(name, id, 5, ("m.safetensors", *says), command, {"m.safetensors": content}, rows)


def damaged(name: str, change: Callable[[bytes], bytes], *says: str) -> Case:
    """A genuine model with changed bytes."""
    return broken(name, *says, content=lambda: change(model()))


def record(
    name: str, *says: str, id: str = "BP-M002", rows: tuple[int, ...] = (73,), **changes: Any
) -> Case:
    """A genuine model with another record and a right checksum, as a hostile author writes it."""

    def content() -> bytes:
        record, tensors = unpack(model(), "m")
        return pack({**record, **changes}, tensors)

    return broken(name, *says, content=content, id=id, rows=rows)


def tensors(name: str, change: Callable[[dict[str, Any]], object], *says: str) -> Case:
    """A genuine record over other tensors, with a right checksum."""

    def content() -> bytes:
        record, found = unpack(model(), "m")
        found = dict(found)
        change(found)
        return pack(record, found)

    return broken(name, *says, content=content)


def header(name: str, change: Callable[[Header], object], *says: str) -> Case:
    """A genuine model with another header in front of the same tensors."""

    def content() -> bytes:
        head, body = _parts(model())
        found = json.loads(head)
        change(found)
        return _file(json.dumps(found).encode(), body)

    return broken(name, *says, content=content)


def text(name: str, header: bytes, *says: str) -> Case:
    """A header of these bytes, with its right length."""
    return broken(name, *says, content=_file(header, b""))


def _parts(content: bytes) -> tuple[bytes, bytes]:
    stop = 8 + int.from_bytes(content[:8], "little")
    return content[8:stop], content[stop:]


def _file(head: bytes, body: bytes) -> bytes:
    return len(head).to_bytes(8, "little") + head + body


def _flipped(content: bytes, at: int) -> bytes:
    changed = bytearray(content)
    changed[at] ^= 1
    return bytes(changed)


def _entry(key: str, value: object) -> Callable[[Header], object]:
    """Another value in the header's entry of one tensor."""
    return lambda head: head["layers.1.W"].update({key: value})


class _Harm:
    """What a pickle would run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("open('canary', 'w')",)


def _metadata(value: object) -> bytes:
    return json.dumps({"__metadata__": value}).encode()


DEEP = "[" * 100_000 + "]" * 100_000
DENSE = {"dense": {"units": 2, "init": "glorot"}}

CALIBRATED = {"calibration": "temperature"}
INTERVALS: dict[str, Any] = {"rows": 4, "set": "validation", "chose": []}

CASES = [
    Case("no model", "BP-M001", 5, ("no/run", "No such file"), "predict no/run t.csv"),
    Case(
        "a folder without a model",
        "BP-M001",
        5,
        ("empty/model.safetensors",),
        "predict empty t.csv",
        {"empty/x": ""},
        rows=(76,),
    ),
    Case("no model to evaluate", "BP-M001", 5, ("no",), "evaluate no t.csv"),
    Case("a table as model", "BP-M002", 5, ("t.csv",), "predict t.csv t.csv", rows=(73,)),
    broken("an empty model", "cut short", content=b""),
    broken("a pickle", content=pickle.dumps(_Harm())),
    broken("a pickle behind a length", content=_file(pickle.dumps(_Harm()), b"")),
    broken("a zip archive of arrays", content=b"PK\x03\x04" + b"\0" * 60),
    broken(
        "a model of another program",
        "not written by bpcli",
        content=_file(b'{"W":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', b"\0" * 4),
    ),
    damaged("a model cut in half", lambda m: m[: len(m) // 2]),
    damaged("a model without its last byte", lambda m: m[:-1], "fill the file"),
    damaged("a model with a byte more", lambda m: m + b"\0", "fill the file"),
    damaged("a flipped bit in the weights", lambda m: _flipped(m, len(m) - 5), "checksum"),
    damaged(
        "a flipped bit in the record",
        lambda m: _flipped(m, m.index(b"regression")),
        "m.safetensors",
    ),
    damaged("a flipped bit in the length", lambda m: _flipped(m, 0)),
    damaged("a header of 2⁶³ bytes", lambda m: (2**63).to_bytes(8, "little") + m[8:], "cut short"),
    damaged(
        "a header beyond the file", lambda m: (len(m)).to_bytes(8, "little") + m[8:], "cut short"
    ),
    text("a header that is no JSON", b"{'a': 1}", "JSON"),
    text("a header that is a list", b"[]", "JSON object"),
    text("a header that is not UTF-8", b'{"\xff": 1}', "JSON"),
    text("a key twice in a header", b'{"a": {}, "a": {}}', "twice"),
    text("NaN in a header", b'{"a": NaN}', "NaN"),
    text("a header 100,000 deep", b'{"a":' + DEEP.encode() + b"}"),
    text("no metadata", b"{}", "not written by bpcli"),
    text("metadata that is a list", _metadata([]), "not written by bpcli"),
    text("two metadata keys", _metadata({"bpcli": "{}", "x": "y"}), "not written by bpcli"),
    text("a record that is a number", _metadata({"bpcli": 5}), "canonical"),
    text("a record 100,000 deep", _metadata({"bpcli": '{"a":' + DEEP + "}"})),
    text("a key twice in a record", _metadata({"bpcli": '{"a":1,"a":2}'}), "twice"),
    text("a record with a space", _metadata({"bpcli": '{"a": 1}'}), "canonical"),
    text("a record with a number in two ways", _metadata({"bpcli": '{"a":1E16}'}), "canonical"),
    text("a number beyond floats", _metadata({"bpcli": '{"a":1e999}'}), "1e999"),
    *(
        text(f"a record {depth} deep", _metadata({"bpcli": f'{{"a":{"[" * depth}{"]" * depth}}}'}))
        for depth in range(800, 1001, 20)
    ),
    text("a number of 5,000 digits", _metadata({"bpcli": '{"a":' + "9" * 5000 + "}"})),
    text("no checksum", _metadata({"bpcli": canonical({"format": 1})}), "checksum"),
    header("a tensor of 8 TB", _entry("shape", [10**6, 10**6]), "describes no tensors"),
    header("a shape that overflows", _entry("shape", [2**40, 2**40]), "describes no tensors"),
    header("a shape below zero", _entry("shape", [-1, -7]), "describes no tensors"),
    header("a shape of fractions", _entry("shape", [1.0, 2]), "describes no tensors"),
    header("a shape of true", _entry("shape", [True, 2]), "describes no tensors"),
    header("a shape 20,000 long", _entry("shape", [1] * 20_000)),
    header("an unknown type", _entry("dtype", "I8"), "describes no tensors"),
    header("a type that is code", _entry("dtype", {"O": "object"}), "describes no tensors"),
    header("an unknown field", _entry("path", "/etc/passwd"), "describes no tensors"),
    header("tensors that overlap", _entry("data_offsets", [0, 16])),
    header("a tensor beyond the file", _entry("data_offsets", [10**9, 10**9 + 24])),
    header(
        "another name for a tensor",
        lambda head: head.update({"../x": head.pop("layers.1.W")}),
        "checksum",
    ),
    record("a newer format", "format 2", id="BP-M003", format=2, rows=(74,)),
    record("no format", "format None", id="BP-M003", format=None, rows=(74,)),
    record("an unknown key in the record", "code", code="import os"),
    record("an unknown layer", "layers", layers=["os.system"]),
    record("a layer that names code", "layers", layers=[{"_target_": "os.system"}]),
    record("a layer of a billion units", "layers", layers=[{"dense": 10**9}]),
    record(
        "a network that is too wide",
        "tensors do not fit",
        layers=[{"dense": 10**6}, {"dense": 10**6}, {"dense": 1}],
    ),
    record("layers 300 deep", layers=json.loads('[{"residual":' * 300 + '["relu"]' + "}]" * 300)),
    record(
        "another network", "tensors do not fit", layers=[DENSE, "tanh", {"dense": 3}, {"dense": 1}]
    ),
    record("a network with too many outputs", "target needs", layers=[DENSE, DENSE]),
    record("a network without layers", "target needs", layers=[]),
    record("a trillion networks", "tensors do not fit", replicas=10**12),
    record("no network", "replicas", replicas=0),
    record("an unknown loss", "loss", loss="eval"),
    record("a loss for classes", "cross_entropy", loss="cross_entropy"),
    record(
        "a loss for two classes",
        "2 classes",
        loss="binary_cross_entropy",
        target={"kind": "classes", "name": "y", "classes": ["a", "b", "c"]},
    ),
    record("an unknown calibration", "calibration", calibration="eval"),
    record("a calibration without its numbers", "calibration.temperature", **CALIBRATED),
    record("intervals by no rows", "conformal.rows", conformal={**INTERVALS, "rows": 0}),
    record("intervals by 10¹² rows", "conformal.scores", conformal={**INTERVALS, "rows": 10**12}),
    record("intervals by foreign rows", "conformal.set", conformal={**INTERVALS, "set": "/etc"}),
    tensors(
        "scores that fall",
        lambda t: t.update({"conformal.scores": t["conformal.scores"][::-1]}),
        "do not rise",
    ),
    tensors("no scores", lambda t: t.pop("conformal.scores"), "conformal.scores"),
    record("an unknown task", "task", task="shell"),
    record("an unknown target", "target", target={"kind": "code", "name": "y"}),
    record("threads that are no number", "threads", threads="1; touch canary"),
    record("another dtype", "tensors do not fit", dtype="float64"),
    record("features that are text", "features", features="x"),
    tensors("a missing tensor", lambda t: t.pop("layers.1.W"), "layers.1.W"),
    tensors("a tensor too many", lambda t: t.update(extra=np.zeros(3)), "extra"),
    tensors(
        "weights that are not numbers",
        lambda t: t.update({"layers.1.W": t["layers.1.W"] * np.float32("nan")}),
        "finite",
    ),
    tensors(
        "an infinite mean",
        lambda t: t.update({"feature.mean": t["feature.mean"] + np.inf}),
        "finite",
    ),
    tensors(
        "weights of another shape",
        lambda t: t.update({"layers.1.W": t["layers.1.W"][..., :1]}),
        "layers.1.W",
    ),
    tensors(
        "weights in float64",
        lambda t: t.update({"layers.1.W": t["layers.1.W"].astype(float)}),
        "layers.1.W",
    ),
]
