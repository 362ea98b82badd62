"""A search for settings from a loaded config to its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from os.path import relpath
from pathlib import Path
from typing import Any

from bpcli.config.document import parse_document
from bpcli.config.dump import dump
from bpcli.config.edit import PROVENANCE, with_value
from bpcli.config.errors import ConfigError, NumericError, Problem
from bpcli.config.overrides import override
from bpcli.data.arrays import Sets
from bpcli.data.prepare import Prepared
from bpcli.experiment.config import Config
from bpcli.experiment.load import Loaded
from bpcli.experiment.resolve import preset_of
from bpcli.runs import folder as names
from bpcli.runs.decided import folds_kept
from bpcli.runs.files import remove_file, write_file
from bpcli.runs.folder import Kind, write_json
from bpcli.runs.journal import JOURNAL
from bpcli.runs.nested import NESTED, nested_csv, nested_facts
from bpcli.runs.resolved import Keeping, default_network, prepare_and_resolve, with_network
from bpcli.runs.sitting import Place, Sitting
from bpcli.runs.subject import Subject
from bpcli.runs.tables import cell, csv_text
from bpcli.selection.nested import NestedTuning
from bpcli.selection.procedure import Candidate
from bpcli.selection.proposals import importances
from bpcli.selection.space import begin_of, space_of
from bpcli.selection.trial import Setting, assignments_of

TABLE = "leaderboard.csv"
SUMMARY = "tune.json"
BEST = "best.yaml"
_SEARCH = ("tune.", "split.folds", "split.repeats", "threads")  # nothing that a training needs
LEADERS = 10  # trials that the summary has
RUN = "run"  # the folder of the final training
TUNING = Kind(
    "tune", JOURNAL, (names.RECORD, JOURNAL, TABLE, SUMMARY, BEST, NESTED), (names.GIVEN,)
)
_ALL_FAILED = "narrow tune.space; each trial is in the table"


class TuneRun:
    """Prepare at construction, train by iterating `sitting`, choose and write by `finish`."""

    def __init__(self, loaded: Loaded, place: Place) -> None:
        place.claim(loaded, TUNING).check()
        self.loaded = loaded
        subject, self.tuning = tuning(loaded)
        plan = partial(tuning, loaded.anywhere())
        self.search = self.tuning.whole
        self.space = self.search.space
        self.sitting = Sitting(subject, self.tuning, plan, place)
        self.folder = self.sitting.folder

    def finish(self) -> dict[str, Any]:
        """Choose, write, return the facts.  Raises NumericError where every trial has failed."""
        with self.sitting.telling():
            facts = self.facts()
            write_file(self.folder / TABLE, self._table())
            write_json(self.folder / SUMMARY, facts)
            if facts["nested"]:
                write_file(self.folder / NESTED, nested_csv(self.tuning, self.space))
            else:
                remove_file(self.folder / NESTED)  # of other outer folds that the folder had
            best = self.search.best
            if best is None:
                failed = self.search.failures
                raise NumericError(*(Problem("BP-N013", *n[1:3], _ALL_FAILED) for n in failed))
            write_file(self.folder / BEST, self._best(best))
            self.sitting.write_state("completed")
        return facts

    def standing(self, leaders: int) -> dict[str, Any]:
        """How the trials stand that are through, the best first."""
        ranked = self.search.ranked
        plain = next((one for one in ranked if one.name == "0"), None)
        return {
            "metric": self.search.metric.name,
            "space": {path: one.written() for path, one in self.space.items()},
            "default": plain and self._row(plain),
            "best": self._row(ranked[0]) if ranked else None,
            "leaders": [self._row(one) for one in ranked[:leaders]],
        }

    def facts(self) -> dict[str, Any]:
        """The summary: the same for any number of jobs."""
        search = self.search
        return {
            "schema_version": 1,
            "better": search.metric.better,
            "sampler": search.spec.sampler,
            "pruner": search.spec.pruner,
            "batch": search.spec.batch,
            "folds": {"method": search.folds.method, "folds": len(search.folds.folds)},
            "trials": len(search.settings),
            "failed": len(search.failures),
            "pruned": len(search.pruned),
            **self.standing(LEADERS),
            "importances": importances(search.optuna_study),
            "nested": nested_facts(self.tuning),
        }

    def export(self, storage: str, name: str) -> None:
        """The trials into a storage of Optuna's, for its own tools and for a team."""
        import optuna

        study = optuna.create_study(
            storage=storage,
            study_name=name,
            direction=self.search.optuna_study.direction,
            load_if_exists=True,
        )
        study.add_trials(self.search.optuna_study.trials)

    def _row(self, one: Candidate) -> dict[str, Any]:
        mean = one.mean(self.search.metric)
        return {
            "trial": int(one.name),
            "mean": mean.value,
            "standard_error": mean.error,
            "scores": one.means(),
            "values": dict(self.search.settings[int(one.name)].values),
        }

    def _table(self) -> str:
        """One row a trial, the best first, then those pruned or failed."""
        search = self.search
        scores = (f"validation_{search.metric.name}", "standard_error")
        header = ("rank", "trial", "state", *scores, "folds", "epochs")
        order = {one.name: rank for rank, one in enumerate(search.ranked, 1)}
        last = len(search.settings) + 1
        candidates = sorted(search.candidates, key=lambda one: order.get(one.name, last))
        rows = [self._table_row(one, order.get(one.name)) for one in candidates]
        return csv_text((*header, *self.space, "failure"), rows)

    def _table_row(self, one: Candidate, rank: int | None) -> list[Any]:
        setting = self.search.settings[int(one.name)]
        failure = setting.failure or one.failure
        state = "failed" if failure else "pruned" if rank is None else "complete"
        scored = [score for score in one.scores if not score.failure]
        mean = one.mean(self.search.metric) if scored and not failure else None
        values = [cell(setting.values.get(path)) for path in self.space]
        epochs = sum(score.epochs for score in one.scores)
        means = (mean and mean.value, mean and mean.error)
        return [rank, setting.number, state, *means, len(scored), epochs, *values, failure]

    def _best(self, best: Setting) -> str:
        """The user's own config with the values, and a comment that says where they are from.

        Where a value cannot be put into their text, the text is written anew.
        """
        given, metric, trials = self.loaded, self.search.metric, len(self.search.settings)
        mean = self.search.ranked[0].mean(metric).value
        why = f"tune chose trial {best.number} of {trials}: {metric.name} {mean:.4g}"
        kept = [one for one in given.assignments if not one.startswith(_SEARCH)]
        files = given.config.data.files.items()
        paths = {k: relpath((given.folder / f).resolve(), self.folder.resolve()) for k, f in files}
        named = any(path.startswith("network") for path in best.values)
        prepared = self.search.prepare()[0]
        usual = [] if named else default_network(given, prepared)
        wanted = [*kept, *usual, *best.assignments, *folds_kept(given, prepared), *_files(paths)]
        value = override(parse_document(given.text, given.path.name), wanted).value
        text = given.text
        try:
            for change in wanted:
                text = _placed(text, change, value, why if change in best.assignments else "")
        except ConfigError:
            return f"{PROVENANCE} {why}\n{dump(value)}"
        return text


def tuning(loaded: Loaded) -> tuple[Subject, NestedTuning]:
    """The searches that a config asks for; nothing is trained yet."""

    preparing = Keeping(2 * (1 + (loaded.config.tune.outer_folds or 0)))

    def prepare(assignments: Sequence[str], sets: Sets | None) -> tuple[Prepared, Config]:
        return prepare_and_resolve(loaded.overridden(assignments), sets, preparing)

    prepared, config = prepare((), None)
    preset = preset_of(with_network(loaded.config, prepared))
    space = space_of(config, preset)
    loaded.overridden(assignments_of({path: one.first() for path, one in space.items()}))
    search = NestedTuning(prepare, space, begin_of(space, config, preset), loaded.config.tune)
    # More trials may be asked of a finished search, or outer folds: it goes on from what it has.
    free = {"trials": 1, "max_time": None, "outer_folds": None}
    tune = config.tune.model_copy(update=free)
    identity = config.model_copy(update={"tune": tune})
    return Subject(TUNING, loaded, prepared, config, {"": identity}), search


def _placed(text: str, assignment: str, value: Mapping[str, Any], why: str) -> str:
    """The text with the assignment, or else with all that `value` has at its first key."""
    try:
        return with_value(text, BEST, assignment, why)
    except ConfigError:
        key = assignment.partition("=")[0].partition(".")[0]
        return with_value(text, BEST, f"{key}={json.dumps(value[key])}", why)


def _files(paths: Mapping[str, str]) -> list[str]:
    return [f"data.{key}={json.dumps(path)}" for key, path in paths.items()]


def best_config(folder: Path) -> Path:
    """The config that a search has written."""
    return folder / BEST


def test_score(run: Path, metric: str) -> float | None:
    """A metric of the test rows of a run; None where it has none."""
    metrics = json.loads((run / names.METRICS).read_text(encoding="utf-8"))
    value = metrics.get("test", {}).get(metric)
    return None if value is None else float(value)
