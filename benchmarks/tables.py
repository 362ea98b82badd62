"""The tables of the comparison: where they are, what is predicted, what bpcli must be told."""

from __future__ import annotations

import csv
import gzip
import io
import random
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST_ROWS = 10_000  # a larger table is cut to so many rows, drawn once


@dataclass(frozen=True)
class Table:
    """A CSV and its target; `settings` are paths and values of bpcli's config."""

    name: str
    file: str
    target: str
    task: str
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def is_regression(self) -> bool:
        return self.task == "regression"

    def source(self, datasets: Path) -> Path:
        """In the folder of data sets, or among those of the project."""
        own = ROOT / "data" / self.file
        return own if own.exists() else datasets / self.file


HEADLESS = {"data.header": "false"}

TABLES = {
    table.name: table
    for table in (
        Table("titanic", "titanic_train.csv", "Survived", "classes"),
        Table("penguins", "penguins_raw.csv", "Species", "classes", {"data.missing": '["", NA]'}),
        Table("bank", "bank-additional.csv", "y", "classes"),
        Table("car", "car_evaluation.csv", "c7", "classes", HEADLESS),
        Table("letter", "LetterRecognition.csv", "lettr", "classes"),
        Table("skin", "Skin_NonSkin.txt.gz", "c4", "classes", HEADLESS),
        Table("seoul", "SeoulBikeData.csv", "Rented Bike Count", "regression"),
        Table("mpg", "mpg.csv", "mpg", "regression"),
        Table("housing", "california_housing.csv.gz", "median_house_value", "regression"),
        Table("casp", "CASP.csv.gz", "RMSD", "regression"),
        Table("iris", "iris.csv", "species", "classes"),
        Table("wine", "wine.csv", "cultivar", "classes"),
        Table("breast_cancer", "breast_cancer.csv", "diagnosis", "classes"),
        Table("digits", "digits.csv", "digit", "classes"),
        Table("diabetes", "diabetes.csv", "progression", "regression"),
    )
}


def write_sample(table: Table, datasets: Path, place: Path) -> Path:
    """A copy of the table with at most MOST_ROWS rows, in the order of the file."""
    source = table.source(datasets)
    content = source.read_bytes()
    text = (gzip.decompress(content) if source.suffix == ".gz" else content).decode("utf-8-sig")
    head, *lines = text.splitlines()
    if table.settings.get("data.header") == "false":
        head, lines = "", [head, *lines]
    if len(lines) > MOST_ROWS:
        chosen = sorted(random.Random(0).sample(range(len(lines)), MOST_ROWS))
        lines = [lines[i] for i in chosen]
    path = place / f"{table.name}.csv"
    path.write_text("\n".join([*([head] if head else []), *lines, ""]), encoding="utf-8")
    return path


def read_columns(text: str) -> dict[str, list[str]]:
    """{name: cells} of a small CSV that bpcli wrote."""
    head, *rows = csv.reader(io.StringIO(text))
    return dict(zip(head, map(list, zip(*rows, strict=True)), strict=True))
