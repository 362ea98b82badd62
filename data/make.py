"""Write the tables of this folder: python data/make.py [FOLDER]

Needs scikit-learn, which brings the original tables along. The files are the same bytes each time.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

DIABETES = (
    "age",
    "sex",
    "bmi",
    "blood_pressure",
    "total_cholesterol",
    "ldl",
    "hdl",
    "cholesterol_hdl_ratio",
    "log_triglycerides",
    "glucose",
)


def main(folder: Path) -> None:
    from sklearn import datasets

    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "linear.csv", {"x": [1, 2, 3, 4], "y": [2, 4, 6, 8]})

    iris = datasets.load_iris()
    names = [name.removesuffix(" (cm)") for name in iris.feature_names]
    write(folder / "iris.csv", table(names, iris.data, "species", classes(iris)))

    wine = datasets.load_wine()
    write(folder / "wine.csv", table(wine.feature_names, wine.data, "cultivar", classes(wine)))

    cancer = datasets.load_breast_cancer()
    columns = table(cancer.feature_names, cancer.data, "diagnosis", classes(cancer))
    write(folder / "breast_cancer.csv", columns)

    diabetes = datasets.load_diabetes(scaled=False)
    columns = table(DIABETES, diabetes.data, "progression", numbers(diabetes.target))
    write(folder / "diabetes.csv", columns)

    digits = datasets.load_digits()
    columns = table(digits.feature_names, digits.data, "digit", numbers(digits.target))
    write(folder / "digits.csv", columns)


def table(names: Iterable[str], data, target: str, values: Sequence) -> dict[str, Sequence]:
    """The columns by name, the target last; a column of whole numbers is written as such."""
    plain = (name.replace(" ", "_").replace("/", "_") for name in names)
    return dict(zip(plain, map(numbers, data.T), strict=True)) | {target: values}


def numbers(column) -> list[float] | list[int]:
    values = [float(value) for value in column]
    return [int(value) for value in values] if all(v.is_integer() for v in values) else values


def classes(bunch) -> list[str]:
    return [str(bunch.target_names[code]) for code in bunch.target]


def write(path: Path, columns: dict[str, Sequence]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
