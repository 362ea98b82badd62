"""One peer on one table: python benchmarks/quality_peers.py PEER TABLE.csv RUN TABLE SEED

RUN is a run folder of bpcli on that table: the peer learns from its training and validation rows,
reads columns in the roles that bpcli found, and predicts its test rows. Prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from tables import TABLES, Table, read_columns


def main() -> None:
    warnings.filterwarnings("ignore")
    peer, path, run, name, seed = sys.argv[1:]
    table = TABLES[name]
    x, y, sets = read(table, Path(path), Path(run))
    begin = time.perf_counter()
    prediction, classes = PEERS[peer](table, x, y, sets, int(seed))
    seconds = time.perf_counter() - begin
    print(json.dumps({"seconds": seconds, **scores(table, prediction, classes, y, sets)}))


# ---- data ---------------------------------------------------------------------------------------


def read(table: Table, path: Path, run: Path) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Inputs, target, and the set of each row, as bpcli divided and understood them."""
    record = json.loads((run / "run.json").read_text())
    split = read_columns((run / "split.csv").read_text())
    sets = np.array(split["set"])
    header = None if "data.header" in table.settings else 0
    words = ["", "NA"] if "data.missing" in table.settings else [""]
    frame = pd.read_csv(
        path, sep=None, engine="python", header=header, dtype=str, keep_default_na=False,
        na_values=words,
    )  # fmt: skip
    if header is None:
        frame.columns = [f"c{i + 1}" for i in range(frame.shape[1])]
    frame = frame.iloc[np.array(split["row"], dtype=int) - 1].reset_index(drop=True)
    x = pd.DataFrame()
    for column in record["columns"]:
        name, role = column["name"], column["role"]
        if role == "numeric":
            x[name] = pd.to_numeric(frame[name])
        elif role in ("categorical", "boolean"):
            x[name] = frame[name].astype("category")
        elif role == "date":
            for part, values in date_parts(frame[name]).items():
                x[f"{name} {part}"] = values
    y = frame[table.target].to_numpy()
    return x, y.astype(float) if table.is_regression else y.astype(str), sets


def date_parts(cells: pd.Series) -> dict[str, pd.Series]:
    """Days since the first date, day of the year, weekday: what bpcli looks at, too."""
    dates = pd.to_datetime(cells, dayfirst="/" in cells.iloc[0])
    elapsed = (dates - dates.min()).dt.days
    return {"elapsed": elapsed, "day": dates.dt.dayofyear, "weekday": dates.dt.weekday}


def scores(
    table: Table,
    prediction: np.ndarray,
    classes: list[str],
    y: np.ndarray,
    sets: np.ndarray,
) -> dict[str, float | None]:
    """Error (RMSE, or 1 − accuracy) and log loss of the test rows."""
    truth = y[sets == "test"]
    if table.is_regression:
        return {"error": float(np.sqrt(np.mean((prediction - truth) ** 2))), "log_loss": None}
    code = {name: i for i, name in enumerate(classes)}
    codes = np.array([code.get(name, -1) for name in truth])
    wrong = float(np.mean(prediction.argmax(axis=1) != codes))
    p = np.where(codes >= 0, prediction[np.arange(len(codes)), codes], 0.0)
    return {"error": wrong, "log_loss": float(-np.mean(np.log(np.maximum(p, 1e-15))))}


# ---- peers --------------------------------------------------------------------------------------


def numeric(x: pd.DataFrame) -> list[str]:
    return [name for name in x if x[name].dtype != "category"]


def one_hot(x: pd.DataFrame) -> ColumnTransformer:
    """Standardised numbers, medians for gaps, one-hot categories: the usual preprocessing."""
    numbers = numeric(x)
    fill = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    categories = [name for name in x if name not in numbers]
    encode = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="?"), OneHotEncoder(handle_unknown="ignore")
    )
    return ColumnTransformer([("n", fill, numbers), ("c", encode, categories)], sparse_threshold=0)


def fitted(model, x, y, sets):
    learn, test = sets != "test", sets == "test"
    as_text = x.copy()
    for name in x:
        if x[name].dtype == "category":
            as_text[name] = x[name].astype(object).where(x[name].notna(), "?")
    model.fit(as_text[learn], y[learn])
    if hasattr(model, "predict_proba"):
        return model.predict_proba(as_text[test]), list(model.classes_)
    return model.predict(as_text[test]), []


def sklearn_mlp(table, x, y, sets, seed):
    if table.is_regression:
        net = TransformedTargetRegressor(
            MLPRegressor(random_state=seed), transformer=StandardScaler()
        )
    else:
        net = MLPClassifier(random_state=seed)
    return fitted(make_pipeline(one_hot(x), net), x, y, sets)


def linear(table, x, y, sets, seed):
    model = Ridge() if table.is_regression else LogisticRegression(max_iter=2000)
    return fitted(make_pipeline(one_hot(x), model), x, y, sets)


def hist_gb(table, x, y, sets, seed):
    numbers = numeric(x)
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=254
    )
    categories = [name for name in x if name not in numbers]
    prepare = ColumnTransformer(
        [("c", codes, categories), ("n", "passthrough", numbers)], sparse_threshold=0
    )
    kind = HistGradientBoostingRegressor if table.is_regression else HistGradientBoostingClassifier
    model = kind(random_state=seed, categorical_features=list(range(len(categories))))
    return fitted(make_pipeline(prepare, model), x, y, sets)


def realmlp(small: bool):
    def run(table, x, y, sets, seed):
        from pytabkit import (
            RealMLP_TD_Classifier,
            RealMLP_TD_Regressor,
            RealMLP_TD_S_Classifier,
            RealMLP_TD_S_Regressor,
        )

        kinds = {
            (True, True): RealMLP_TD_S_Regressor,
            (True, False): RealMLP_TD_S_Classifier,
            (False, True): RealMLP_TD_Regressor,
            (False, False): RealMLP_TD_Classifier,
        }
        x = filled(x, sets)
        model = kinds[small, table.is_regression](device="cpu", random_state=seed, n_threads=1)
        learn, test = sets != "test", sets == "test"
        held_out = np.flatnonzero(sets[learn] == "validation")
        model.fit(x[learn], y[learn], val_idxs=held_out)
        if table.is_regression:
            return model.predict(x[test]), []
        return model.predict_proba(x[test]), list(model.classes_)

    return run


def filled(x: pd.DataFrame, sets: np.ndarray) -> pd.DataFrame:
    """It refuses gaps: the training mean, and a category that says so, as its users do."""
    x = x.copy()
    for name in numeric(x):
        if x[name].isna().any():
            x[f"{name} is missing"] = x[name].isna().map(str).astype("category")
            x[name] = x[name].fillna(x.loc[sets == "train", name].mean())
    return x


PEERS = {
    "linear": linear,
    "sklearn_mlp": sklearn_mlp,
    "hist_gb": hist_gb,
    "realmlp_td_s": realmlp(small=True),
    "realmlp_td": realmlp(small=False),
}


if __name__ == "__main__":
    main()
