"""bpcli predict and evaluate: columns by name, a row by itself, files left alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from running import ROOT, bpcli, table, train, write_csv

CONFIG = """\
data: {path: people.csv, target: income}
network: [{dense: 8}, relu]
learning_rate: 0.01
epochs: 20
"""


def people(n: int = 60) -> list[dict[str, Any]]:
    return [
        {
            "person_id": f"id-{i:03d}",
            "age": 20 + (i * 7) % 45,
            "height": "" if i % 11 == 0 else f"{1.5 + (i % 9) / 20:.2f}",
            "town": ["Ulm", "Bonn", "Köln"][i % 3],
            "income": 1000 + 37 * ((i * 7) % 45) + 100 * (i % 3),
        }
        for i in range(n)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    write_csv(folder / "people.csv", people())
    (folder / "people.yaml").write_text(CONFIG)
    train(folder / "people.yaml", "-o", "run", cwd=folder)
    return folder


def predict(
    folder: Path, rows: list[dict[str, Any]], name: str = "new.csv"
) -> list[dict[str, str]]:
    write_csv(folder / name, rows)
    return table(bpcli("predict", "run", name, cwd=folder).stdout)


def answers(rows: list[dict[str, str]]) -> list[str]:
    return [row["prediction"] for row in rows]


def test_columns_of_the_result(folder: Path) -> None:
    rows = predict(folder, people(5))
    assert list(rows[0]) == ["row", "person_id", "income", "prediction"]
    assert [row["row"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert [row["person_id"] for row in rows] == [row["person_id"] for row in people(5)]


def test_the_stored_model_predicts_what_training_predicted(folder: Path) -> None:
    again = {row["row"]: row for row in predict(folder, people())}
    for row in table((folder / "run" / "predictions_test.csv").read_text()):
        assert again[row["row"]] == row


def test_the_target_is_not_needed(folder: Path) -> None:
    without = [{k: v for k, v in row.items() if k != "income"} for row in people()]
    rows = predict(folder, without)
    assert list(rows[0]) == ["row", "person_id", "prediction"]
    assert answers(rows) == answers(predict(folder, people()))


def test_reordered_and_extra_columns_change_no_bit(folder: Path) -> None:
    before = answers(predict(folder, people()))
    turned = [dict(reversed([*row.items(), ("shoe", 42)])) for row in people()]
    write_csv(folder / "turned.csv", turned)
    done = bpcli("predict", "run", "turned.csv", cwd=folder)
    assert answers(table(done.stdout)) == before
    assert "shoe" in done.stderr


def test_a_row_alone_equals_the_row_in_a_file(folder: Path) -> None:
    together = answers(predict(folder, people()))
    for i in (0, 1, 17, 59):
        assert answers(predict(folder, [people()[i]])) == [together[i]]
    assert answers(predict(folder, people()[::-1])) == together[::-1]


def test_missing_columns_are_listed_together(folder: Path) -> None:
    rows = [{"Age": row["age"], "person_id": row["person_id"]} for row in people()]
    write_csv(folder / "few.csv", rows)
    done = bpcli("predict", "run", "few.csv", cwd=folder, code=4)
    for said in ("'age'", "'height'", "'town'", "did you mean 'Age'"):
        assert said in done.stderr
    assert done.stdout == ""


def test_unseen_categories_and_new_gaps_are_said(folder: Path) -> None:
    rows = people(3)
    rows[0]["town"], rows[1]["age"] = "Paris", ""
    write_csv(folder / "odd.csv", rows)
    done = bpcli("predict", "run", "odd.csv", cwd=folder)
    assert len(table(done.stdout)) == 3
    assert "Paris" in done.stderr
    assert "'age'" in done.stderr


def test_text_among_numbers_is_an_error_with_its_line(folder: Path) -> None:
    rows = people(3)
    rows[1]["age"] = "old"
    write_csv(folder / "bad.csv", rows)
    done = bpcli("predict", "run", "bad.csv", cwd=folder, code=4)
    assert "line 3" in done.stderr
    assert "old" in done.stderr


def test_standard_input_and_an_output_file(folder: Path) -> None:
    text = (folder / "people.csv").read_text(encoding="utf-8")
    piped = bpcli("predict", "run", "-", cwd=folder, stdin=text).stdout
    bpcli("predict", "run/model.safetensors", "people.csv", "-o", "out.csv", cwd=folder)
    assert (folder / "out.csv").read_text(encoding="utf-8") == piped
    refused = bpcli("predict", "run", "people.csv", "-o", "out.csv", cwd=folder, code=6)
    assert "--force" in refused.stderr
    bpcli("predict", "run", "people.csv", "-o", "out.csv", "--force", cwd=folder)


def test_the_input_file_is_never_overwritten(folder: Path) -> None:
    before = (folder / "people.csv").read_bytes()
    bpcli("predict", "run", "people.csv", "-o", "./people.csv", "-f", cwd=folder, code=6)
    assert (folder / "people.csv").read_bytes() == before


def test_no_rows_give_a_header(folder: Path) -> None:
    (folder / "empty.csv").write_text("person_id,age,height,town\n")
    done = bpcli("predict", "run", "empty.csv", cwd=folder)
    assert done.stdout == "row,person_id,prediction\n"


def test_evaluate_repeats_the_test_metrics(folder: Path) -> None:
    rows = people()
    split = table((folder / "run" / "split.csv").read_text())
    tested = [row for row, which in zip(rows, split, strict=True) if which["set"] == "test"]
    write_csv(folder / "tested.csv", tested)
    done = bpcli("evaluate", "run", "tested.csv", "--json", cwd=folder)
    expected = json.loads((folder / "run" / "metrics.json").read_text())["test"]
    assert json.loads(done.stdout)["metrics"] == expected


def test_evaluate_needs_the_target(folder: Path) -> None:
    write_csv(
        folder / "unlabelled.csv", [{k: v for k, v in r.items() if k != "income"} for r in people()]
    )
    done = bpcli("evaluate", "run", "unlabelled.csv", cwd=folder, code=4)
    assert "'income'" in done.stderr


@pytest.mark.parametrize("path", ["nowhere", "people.csv", "people.yaml"])
def test_what_is_no_model_is_refused(folder: Path, path: str) -> None:
    done = bpcli("predict", path, "people.csv", cwd=folder, code=5)
    assert done.stderr.startswith("error[BP-M")


def test_class_probabilities_sum_to_one(tmp_path: Path) -> None:
    train(ROOT / "configs" / "iris.yaml", "-o", "run", cwd=tmp_path)
    rows = table(bpcli("predict", "run", ROOT / "data" / "iris.csv", cwd=tmp_path).stdout)
    for row in rows:
        shares = {name: float(value) for name, value in row.items() if name.startswith("p_")}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-12)
        assert row["prediction"] == max(shares, key=lambda name: shares[name])[2:]


def test_other_files_in_the_run_folder_are_named_and_not_read(folder: Path) -> None:  # row 76
    plain = bpcli("predict", "run", "people.csv", cwd=folder)
    (folder / "run" / "notes.txt").write_text("mine")
    noted = bpcli("predict", "run", "people.csv", cwd=folder)
    (folder / "run" / "notes.txt").unlink()
    assert "note: run: ignored: notes.txt" in noted.stderr
    assert "ignored" not in plain.stderr
    assert noted.stdout == plain.stdout
