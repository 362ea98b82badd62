"""A first config for a table: what `bpcli init` writes, with the reason beside each choice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from os.path import relpath
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.config.build import build
from bpcli.config.characters import escaped
from bpcli.config.document import Document, parse_document
from bpcli.config.dump import dump
from bpcli.config.overrides import override
from bpcli.data.facts import Facts, outline_of
from bpcli.data.read import read_table
from bpcli.data.roles import Column, assign_roles, check_names, decimal_commas
from bpcli.data.spec import DataSpec
from bpcli.data.table import Table
from bpcli.data.task import infer_task
from bpcli.data.without_target import AUTOENCODER, CLUSTERING
from bpcli.experiment.config import Config
from bpcli.experiment.few import FEW
from bpcli.experiment.presets import MLP, Tabular

WIDTH = 40  # where the comments start
CATEGORIES = ("unknown", "-")  # words that in a column of text may well be a category


def starter(data: Path, named: Sequence[str], assignments: Sequence[str], place: Path) -> str:
    """The text of a config that predicts the `named` columns; it will stand in folder `place`.

    Words that usually mean a missing cell are written into `data.missing`, for the user to
    confirm. Raises ConfigError and DataError.
    """
    asked = _asked(data, named, assignments)
    config = build(asked, Config)
    spec = config.data
    table = read_table(data, spec)
    if "decimal" not in asked.value["data"] and decimal_commas(table):
        asked = override(asked, ['data.decimal=","'])
        spec = build(asked, Config).data
        table = read_table(data, spec)
    targets = check_names(table, spec, unsupervised=config.is_unsupervised)
    words = _missing_words(table, targets)
    if words:
        spec = spec.model_copy(update={"missing": (*spec.missing, *words)})
        table = read_table(data, spec)
    task, reason = infer_task(table, targets, config.task, learns=config.learns)
    columns = assign_roles(table, spec, targets, np.arange(table.n_rows))
    few = round(0.6 * table.n_rows) < FEW
    title = " ".join(escaped(data.name).split())  # one line, whatever the file is called
    lines = [
        f"# {title}: {table.n_rows:,} rows. Written by bpcli init; change what you like.",
        "# All keys: bpcli schema, or docs/config.md. Next: bpcli train with this file.",
        "",
        *_data_lines(relpath(data, place), asked.value["data"], spec, table, targets, columns),
        "",
        *_training_lines(_proposals(task, reason, few=few), asked.value),
        "",
    ]
    return "\n".join(lines)


def _asked(data: Path, named: Sequence[str], assignments: Sequence[str]) -> Document:
    """The config that the options ask for."""
    written: dict[str, Any] = {"path": str(data)}
    if named:
        written["target"] = _target(named)
    document = parse_document(dump({"data": written}), "the options of init")
    return override(document, assignments)


def _proposals(task: str, reason: str, *, few: bool) -> dict[str, str]:
    """What could stand below the data, by key; the network is left open."""
    said, seed = _noted(f"task: {task}", reason), "seed: 0"
    split = _noted("split: {validation: 0.2, test: 0.2}", "the rest is trained on")
    if task == AUTOENCODER:
        layers = _noted("# network: [{dense: 64}, relu, {dense: 8}]", "to 8 latent numbers")
        return {"task": said, "split": split, "network": layers, "seed": seed}
    if task == CLUSTERING:
        loss = _noted("loss: {kmeans: auto}", "or the number of clusters: {kmeans: 3}")
        return {"task": said, "loss": loss, "seed": seed}
    usual, chosen = (MLP.name, "folds choose") if few else (Tabular.name, "the default")
    layers = "or a list: [{dense: 64}, relu, {dense: 64}, relu]"
    return {
        "task": said,
        "split": split,
        "network": _noted(f"# network: {usual}", f"left open, {chosen}; {layers}"),
        "learning_rate": _noted(
            "# learning_rate: 0.003", "the preset has its own; here is where to try"
        ),
        "epochs": "# epochs: 100",
        "seed": seed,
    }


def _training_lines(proposals: dict[str, str], asked: dict[str, Any]) -> Iterator[str]:
    """The lines below the data; what was asked for stands in the place of a proposal."""
    for key, line in proposals.items():
        yield line if key not in asked else dump({key: asked[key]}).rstrip("\n")
    for key in asked:
        if key not in proposals and key != "data":
            yield dump({key: asked[key]}).rstrip("\n")


def _missing_words(table: Table, targets: Sequence[str]) -> list[str]:
    """Words such as NA that stand in columns of numbers, or in text where they name no category."""
    words: dict[str, None] = {}
    rows = np.arange(table.n_rows)
    for name in table.names:
        facts = outline_of(table.cells(name), rows)
        if name not in targets:
            words.update(dict.fromkeys(w for w in facts.suspects if _means_missing(w, facts)))
    return list(words)


def _means_missing(word: str, facts: Facts) -> bool:
    return facts.nearly_numbers or word.lower() not in CATEGORIES


def _data_lines(
    path: str,
    asked: Mapping[str, Any],
    spec: DataSpec,
    table: Table,
    targets: Sequence[str],
    columns: Sequence[Column],
) -> Iterator[str]:
    """The section `data`; `asked` is what of it was asked for, `spec` has what was found too."""
    settings: dict[str, Any] = {"path": path}
    if targets:
        settings["target"] = _target(targets)
    if table.spec.delimiter != ",":
        settings["delimiter"] = table.spec.delimiter
    own = ("path", "target", "columns", "missing")
    settings |= {key: value for key, value in asked.items() if key not in own}
    yield "data:"
    yield from _indented(dump(settings))
    if spec.missing != DataSpec.model_fields["missing"].default:
        (line,) = dump({"missing": list(spec.missing)}).splitlines()
        yield _noted(f"  {line}", "these words mean a missing cell: is that right?")
    yield _noted("  columns:", "the role of each, as inferred")
    declared = {name: role.written() for name, role in spec.columns.items()}
    named = {*targets, *spec.own_columns.values()}
    for column in columns:
        if column.name not in named:
            role = declared.get(column.name, _role(column))
            (line,) = dump({column.name: role}).splitlines()
            yield _noted(f"    {line}", column.reason)


def _noted(line: str, comment: str) -> str:
    return f"{line:<{WIDTH}}  # {comment}"


def _target(names: Sequence[str]) -> str | list[str]:
    return names[0] if len(names) == 1 else list(names)


def _role(column: Column) -> str:
    return "drop" if column.role in ("constant", "text") else column.role


def _indented(text: str, spaces: int = 2) -> Iterator[str]:
    for line in text.splitlines():
        yield " " * spaces + line
