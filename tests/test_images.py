"""Images from a CSV: which columns are pixels, in what order, and what a model makes of them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from running import ROOT, bpcli, table, train, write_csv

from bpcli.config.document import parse_document
from bpcli.data.input import ImageInput, numbers_in

SIDE = 6
NAMES = [f"p{i}" for i in range(SIDE * SIDE)]
LAYERS = "[{conv2d: 4}, relu, max_pool, flatten]"


def picture(row: int) -> list[int]:
    """A bright line, upright or lying; the first pixel is black in every picture."""
    rng = random.Random(row)
    image = [[rng.randrange(40) for _ in range(SIDE)] for _ in range(SIDE)]
    at = 1 + rng.randrange(SIDE - 1)
    for i in range(SIDE):
        image[i if row % 2 else at][at if row % 2 else i] = 255
    image[0][0] = 0
    return [pixel for line in image for pixel in line]


def pictures(n: int = 90) -> list[dict[str, Any]]:
    rows = []
    for row in range(n):
        values = dict(zip(NAMES, picture(row), strict=True))
        rows.append({"id": f"i{row}", **values, "kind": ["lying", "upright"][row % 2]})
    return rows


def written(folder: Path, rows: list[dict[str, Any]], **config: str) -> Path:
    """A config and its table."""
    write_csv(folder / "lines.csv", rows)
    keys = {
        "data": "{path: lines.csv, target: kind}",
        "input": f"{{image: {{height: {SIDE}, width: {SIDE}, columns: 'p*'}}}}",
        "network": LAYERS,
        "epochs": "15",
        "learning_rate": "0.01",
        **config,
    }
    path = folder / "lines.yaml"
    path.write_text("".join(f"{key}: {value}\n" for key, value in keys.items()))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lines")
    train(written(folder, pictures()), "-o", "run", cwd=folder)
    return folder


def test_it_learns_and_a_black_pixel_stays_a_pixel(folder: Path) -> None:
    record = json.loads((folder / "run" / "metrics.json").read_text())
    assert record["test"]["accuracy"] > 0.9
    roles = {
        c["name"]: c["role"] for c in json.loads((folder / "run/run.json").read_text())["columns"]
    }
    assert {roles[name] for name in NAMES} == {"numeric"}
    assert roles["id"] == "id"


def test_columns_are_found_by_name_in_any_order(folder: Path) -> None:
    rows = pictures(20)
    mixed = [dict(random.Random(1).sample(list(row.items()), len(row))) for row in rows]
    write_csv(folder / "mixed.csv", [{key: row[key] for key in mixed[0]} for row in rows])
    write_csv(folder / "first.csv", rows)
    first, second = (
        table(bpcli("predict", "run", f"{name}.csv", cwd=folder).stdout)
        for name in ("first", "mixed")
    )
    assert [row["prediction"] for row in first] == [row["prediction"] for row in second]
    assert [row["p_upright"] for row in first] == [row["p_upright"] for row in second]


def test_the_stored_model_predicts_what_training_predicted(folder: Path) -> None:
    again = table(bpcli("predict", "run", "lines.csv", cwd=folder).stdout)
    for row in table((folder / "run" / "predictions_test.csv").read_text()):
        assert again[int(row["row"]) - 1] == row


def test_a_row_alone_has_the_same_bits(folder: Path) -> None:
    together = table(bpcli("predict", "run", "lines.csv", cwd=folder).stdout)
    write_csv(folder / "one.csv", pictures()[7:8])
    (alone,) = table(bpcli("predict", "run", "one.csv", cwd=folder).stdout)
    assert alone["p_upright"] == together[7]["p_upright"]


@pytest.mark.parametrize("network", ["resnet", "inception", "mlp"])
def test_the_resolved_config_trains_to_the_same_bytes(network: str, tmp_path: Path) -> None:
    config = written(tmp_path, pictures(), network=network, epochs="2")
    train(config, "-o", "run", cwd=tmp_path)
    train(tmp_path / "run" / "config.resolved.yaml", "-o", "again", cwd=tmp_path)
    one, other = (tmp_path / name / "model.safetensors" for name in ("run", "again"))
    assert one.read_bytes() == other.read_bytes()


def test_presets_are_written_out(tmp_path: Path) -> None:
    config = written(tmp_path, pictures(), network="{inception: {modules: [1], shift: 0}}")
    full = parse_document(bpcli("validate", config, "--expand", cwd=tmp_path).stdout, "full").value
    names = [
        name
        for layer in full["network"]
        for name in (layer if isinstance(layer, dict) else [layer])
    ]
    assert names == ["conv2d", "batch_norm", "relu", "parallel", "global_avg_pool"]
    (branches,) = (
        layer["parallel"]["branches"] for layer in full["network"] if "parallel" in layer
    )
    kernels = [[one["conv2d"]["kernel"] for one in b if "conv2d" in one] for b in branches]
    assert kernels == [[1], [1, 3], [1, 5], [1]]
    assert full["preprocess"]["numeric"] == {"divide": {"by": 255.0}}


def test_without_a_network_it_is_a_resnet(tmp_path: Path) -> None:
    config = written(tmp_path, pictures())
    plan = json.loads(bpcli("plan", config, "--set", "network=null", "--json", cwd=tmp_path).stdout)
    assert "residual" in [layer["layer"] for layer in plan["layers"]]
    assert plan["layers"][0]["output"] == [SIDE, SIDE, 1]
    said = bpcli("plan", config, "--set", "network=null", cwd=tmp_path).stderr
    assert "resnet, the default for images" in " ".join(said.split())
    assert plan["bytes"] > 0


@pytest.mark.parametrize("command", ["cv", "lr-sweep"])
def test_folds_see_images_too(command: str, tmp_path: Path) -> None:
    config = written(tmp_path, pictures(60), epochs="1")
    bpcli(command, config, "--set", "split.folds=2", "--set", "lr_sweep.rates=2", cwd=tmp_path)


ORDERS: dict[str, tuple[list[str], str | list[str], list[str]]] = {
    "as in the file": (["p0", "p1", "p2", "p3"], "p*", ["p0", "p1", "p2", "p3"]),
    "by number": (["p1", "p10", "p11", "p2"], "p*", ["p1", "p2", "p10", "p11"]),
    "by line and pixel": (
        ["x_1_0", "x_0_1", "x_1_1", "x_0_0"],
        "x*",
        ["x_0_0", "x_0_1", "x_1_0", "x_1_1"],
    ),
    "by no number": (["up2", "a1", "left", "down"], "*", ["up2", "a1", "left", "down"]),
    "as listed": (["a", "b", "c", "d"], ["d", "a", "c", "b"], ["d", "a", "c", "b"]),
    "without others": (["p0", "age", "p1", "p2", "p3"], "p?", ["p0", "p1", "p2", "p3"]),
}


@pytest.mark.parametrize("case", ORDERS)
def test_order(case: str) -> None:
    names, columns, expected = ORDERS[case]
    image = ImageInput.model_validate({"height": 2, "width": 2, "columns": columns})
    assert list(image.pick(names)) == expected


def test_numbers_in_a_name() -> None:
    assert numbers_in("pixel_0_12") == (("pixel_", "_", ""), (0, 12))


@pytest.mark.parametrize(
    ("count", "says"),
    [(784, "784 columns = 28×28×1"), (3072, "3072 columns = 32×32×3"), (7, "7 columns,")],
)
def test_a_wrong_count_is_explained(count: int, says: str) -> None:
    image = ImageInput(height=32, width=32)
    with pytest.raises(ValueError, match=f"^{says}.* you said 32×32×1 = 1024$"):
        image.pick([f"p{i}" for i in range(count)])


def test_the_shipped_configs_learn_within_two_epochs(tmp_path: Path) -> None:
    for name in ("digits_resnet", "digits_inception"):
        config = ROOT / "configs" / f"{name}.yaml"
        facts = train(config, "--set", "epochs=2", "-o", name, cwd=tmp_path)
        assert facts["metrics"]["test"]["accuracy"] > 0.5
