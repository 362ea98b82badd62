"""A learning problem: prepared arrays, the network for them, and how its predictions are scored."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bpcli.config.errors import DataError, Problem
from bpcli.config.threads import FORKS
from bpcli.data.arrays import Ints
from bpcli.data.prepare import Prepared
from bpcli.data.split import TRAIN, VALIDATION
from bpcli.experiment.cause import Scaling
from bpcli.experiment.config import Config
from bpcli.experiment.inputs import input_layers
from bpcli.experiment.last_layer import last_layer
from bpcli.experiment.learning import Learning
from bpcli.experiment.predictor import Predictor
from bpcli.experiment.resolve import network_of
from bpcli.experiment.shards import require_apart, require_steps
from bpcli.experiment.validation import Validation
from bpcli.experiment.weights import row_weights
from bpcli.metrics.metric import metrics_for
from bpcli.nn import room
from bpcli.nn.batches import Rows
from bpcli.nn.layer import Array
from bpcli.nn.losses.loss import Loss
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.optimizers.optimizer import Elementwise


class LearningProblem(NamedTuple):
    """What a resolved config asks of a prepared table."""

    config: Config
    prepared: Prepared
    network: Network
    loss: Loss

    @classmethod
    def of(cls, config: Config, prepared: Prepared) -> LearningProblem:
        """The problem of a resolved config.  Raises ConfigError for layers that do not fit."""
        assert config.loss and isinstance(config.network, tuple)
        first = input_layers(prepared.features, config)
        last = last_layer(config, config.loss.outputs(prepared.t.shape[1]))
        network = network_of((*first, *config.network, last), prepared.x.shape[1])
        require_apart(config, network)
        problem = cls(config, prepared, network, config.loss)
        require_steps(config, problem.method(), len(prepared.rows(TRAIN)))
        return problem

    def predictor(self, flat: Array) -> Predictor:
        """The model that parameters (R,P) make."""
        prepared = self.prepared
        return Predictor(
            prepared.features,
            prepared.target,
            prepared.target_fitted,
            self.network,
            self.loss,
            flat,
        )

    def training_rows(self) -> Rows:
        """What the network learns from."""
        return Rows(*self._arrays(self.prepared.rows(TRAIN)), self.weights())

    def weights(self) -> Array | None:
        """c (1,N,1) of the training rows; None where every row counts the same."""
        c = row_weights(self.config.class_weight, self.prepared, self.prepared.rows(TRAIN))
        return None if c is None else c.astype(self.config.dtype)[None, :, None]

    def learning(self) -> Learning:
        """What kind of numbers the network learns from."""
        shape = self.prepared.x.shape[1], self.prepared.t.shape[1]
        return Learning(self.loss, self.config.dtype, *shape)

    def method(self) -> Method:
        """How the config trains on the training rows."""
        config, rows = self.config, len(self.prepared.rows(TRAIN))
        assert config.optimizer and config.schedule and config.learning_rate
        assert config.regularization is not None
        # Until a sweep has chosen a rate, plans are made with the optimizer's own.
        rate = config.learning_rate
        rate = config.optimizer.learning_rate if rate == "auto" else rate
        full = config.batch_size in ("full", "auto")
        batch = rows if full else min(int(config.batch_size), rows)
        updates = config.iterations or (config.epochs or 1) * -(-rows // batch)
        return Method(
            self.loss,
            config.optimizer,
            config.schedule,
            (rate,),
            batch,
            updates,
            config.seed,
            regularization=(config.regularization,),
            clip=config.clip,
            ema=config.ema,
            parts=self._parts(),
            shards=config.shards or 1,
            sync_every=config.sync_every,
        )

    def _parts(self) -> int:
        """The processes that share an update: one a thread, where rows and columns can be."""
        threads = self.config.threads if self.config.shards is None else 1
        whole = any(layer.needs_whole_batch for layer in self.network.layers)
        apart = FORKS and not whole and isinstance(self.config.optimizer, Elementwise)
        return threads if apart and isinstance(threads, int) else 1

    def scaling(self) -> Scaling:
        """What is scaled, for the cause of a divergence."""
        layout, target = self.prepared.features.layout, self.prepared.target
        scaled = bool(target.tensor_shapes())
        return Scaling(layout.names, bool(layout.scaler.tensors()), target.columns, scaled)

    def validation(self) -> Validation | None:
        """What the network is watched on while it learns; None without validation rows."""
        rows = self.prepared.rows(VALIDATION)
        if not len(rows):
            return None
        metric = metrics_for(self.loss.predicts)[0]
        truth = room.taken(self.prepared.truth, rows)
        predict = self.predictor(np.empty(0)).point_from_scores
        return Validation(*self._arrays(rows), truth, metric, predict)

    def _inputs(self, rows: Ints) -> Array:
        """x (B,I) as training numbers.  Raises DataError for one that `dtype` cannot hold."""
        with np.errstate(over="ignore"):
            x: Array = self.prepared.x[rows].astype(self.config.dtype)
        if np.isfinite(x).all():
            return x
        row, column = np.argwhere(~np.isfinite(x))[0]
        name = self.prepared.features.layout.names[column]
        what = f"column {name!r}: the number is too large for {self.config.dtype}"
        where = self.prepared.table.where(int(rows[row]))
        raise DataError(Problem("BP-D141", where, what, "correct the cell, or set dtype: float64"))

    def _arrays(self, rows: Ints) -> tuple[Array, Array]:
        """x (1,N,I) and t (1,N,O) of some rows, as training numbers."""
        t = self.prepared.t
        return self.learning().arrays(rows, lambda some: (self._inputs(some), t[some]))
