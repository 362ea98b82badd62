"""Losses that find clusters among the latent numbers of an autoencoder, while these are learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from bpcli.nn.layer import Array, Shape, Views
from bpcli.nn.losses.clusters import Clustering
from bpcli.nn.losses.survey import Survey


class DeepClustering(Clustering):
    """A loss of squared distances to centres and of a reconstruction: z (R,B,K+I), t (1|R,B,K+I).

    The first K targets p say to which cluster a row should belong. They are 0 until the
    autoencoder is trained, and later made of what all rows look like, at every `refresh` epochs.
    """

    retargets: ClassVar[bool] = True
    surveys: ClassVar[bool] = True
    pretrain: Annotated[
        int, Field(ge=1, description="epochs of the autoencoder alone, before there are centres")
    ] = 200
    refresh: Annotated[
        int, Field(ge=1, description="epochs between two looks at all rows, which renew targets")
    ] = 5
    tolerance: Annotated[
        float,
        Field(ge=0, lt=1, description="ends where at most this share of the rows changes cluster"),
    ] = 0.001

    @property
    def emphasis(self) -> tuple[float, float]:
        """The weights of the clusters and of the reconstruction, once there are clusters."""
        raise NotImplementedError

    def outputs(self, width: int) -> int:
        return self.clusters + width

    def targets(self, x: Array, t: Array) -> Array:
        return np.concatenate([np.zeros((len(t), self.clusters), t.dtype), t], axis=1)

    def scratch(self, width: int) -> dict[str, Shape]:
        k = (self.clusters,)
        shapes: dict[str, Shape] = {"dz": (width,), "e": (width - self.clusters,)}
        return shapes | {"u": k, "q": k, "a": k, "sum": (1,), "share": (1,)}

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        k, (gamma, after) = self.clusters, self.emphasis
        np.copyto(s.a, t[..., :k])
        np.add.reduce(s.a, axis=-1, keepdims=True, out=s.share)  # 1, or 0 before there are centres
        loss = gamma * self._divergence(z[..., :k], t[..., :k], c, s)
        s.dz[..., :k] *= gamma
        s.share *= after - 1
        s.share += 1
        s.share *= c
        np.subtract(z[..., k:], t[..., k:], out=s.e)
        np.multiply(s.e, s.share, out=s.dz[..., k:])
        loss += np.einsum("rbo,rbo->r", s.e, s.dz[..., k:]) / s.e.shape[-1]
        s.dz[..., k:] *= 2 / s.e.shape[-1]
        return loss

    def _divergence(self, z: Array, p: Array, c: Array, s: Views) -> Array:
        """Σ c KL(p‖q) (R,), and its gradient c u (p − q Σp) in the first columns of `s.dz`."""
        assign(z, s)
        dz, tiny = s.dz[..., : self.clusters], np.finfo(z.dtype).tiny
        np.multiply(s.q, s.share, out=dz)
        np.subtract(p, dz, out=dz)
        dz *= s.u
        dz *= c
        np.greater_equal(z, 0, out=s.a)  # no distance is below 0
        dz *= s.a
        np.maximum(s.q, tiny, out=s.q)
        np.log(s.q, out=s.q)
        np.maximum(p, tiny, out=s.a)
        np.log(s.a, out=s.a)
        s.a -= s.q
        s.a *= p
        s.a *= c
        return np.add.reduce(s.a, axis=(-2, -1))

    def memory(self, t: Array, flat: Array) -> dict[str, Array]:
        """The targets p as a view of t, clusters of the rows, and the parameters when they began;
        `changed` is the share of the rows that were elsewhere before."""
        rows = t.shape[:2]
        return {
            "targets": t[..., : self.clusters],
            "labels": np.zeros(rows, t.dtype),
            "changed": np.ones(len(flat)),
            "start": np.zeros_like(flat),
        }

    def survey(self, seen: Survey) -> None:
        since, memory = seen.epoch - self.pretrain, seen.memory
        if since < 0 or since % self.refresh:
            return
        if since == 0:
            assert seen.kmeans
            for x, _, centres in seen.replicas():
                centres[...] = seen.kmeans(x, self.clusters)
            memory["start"][...] = seen.flat
        q = self.assigned(seen.scores())
        memory["targets"][...] = sharpened(q, seen.c)
        labels = q.argmax(axis=-1)
        memory["changed"][:] = (labels != memory["labels"]).mean(axis=1) if since else 1.0
        memory["labels"][...] = labels

    def ending(self, memory: Mapping[str, Array]) -> str:
        changed = float(memory["changed"].max())
        if changed > self.tolerance:
            return ""
        return f"{changed:.2%} of the rows changed cluster, at most {self.tolerance:.2%} may"

    def assigned(self, z: Array) -> Array:
        """q (R,N,K) of scores (R,N,K+I)."""
        k = self.clusters
        s = Views(u=np.empty_like(z[..., :k]), q=np.empty_like(z[..., :k]))
        s.sum = np.empty_like(z[..., :1])
        assign(z[..., :k], s)
        return s.q


class DEC(DeepClustering):
    """ℓ = KL(p‖q), q ∝ 1 / (1 + ‖x − w‖²), p ∝ q² / Σ q over all rows; first the reconstruction.

    Deep embedded clustering: for `pretrain` epochs ℓ is the squared error of the reconstruction,
    mean over the inputs. Then K-means of the latent numbers gives the centres w, and they and the
    encoder learn p, which makes likely clusters likelier; the decoder is not used any more. Xie et
    al. 2016, arXiv:1511.06335, with α = 1
    Backward: d‖x − w‖² = c (p − q) / (1 + ‖x − w‖²).
    """

    name: ClassVar[str] = "dec"

    @property
    def emphasis(self) -> tuple[float, float]:
        return 1.0, 0.0


class IDEC(DeepClustering):
    """ℓ = mean over inputs of (z − t)² + γ KL(p‖q): dec that keeps the reconstruction.

    So that what is near stays near while clusters are drawn together. `pretrain` epochs have no
    second term.  Guo et al. 2017, doi:10.24963/ijcai.2017/243
    Backward: dz = c 2 (z − t) / I, and γ times that of dec.
    """

    name: ClassVar[str] = "idec"
    gamma: Annotated[float, Field(gt=0, description="γ, the weight of the clusters")] = 0.1

    @property
    def emphasis(self) -> tuple[float, float]:
        return self.gamma, 1.0


def assign(z: Array, s: Views) -> None:
    """u = 1 / (1 + z) and its shares q, Student's t with one degree of freedom, into `s`."""
    np.maximum(z, 0, out=s.u)
    s.u += 1
    np.reciprocal(s.u, out=s.u)
    np.add.reduce(s.u, axis=-1, keepdims=True, out=s.sum)
    np.divide(s.u, s.sum, out=s.q)


def sharpened(q: Array, c: Array | None) -> Array:
    """p (R,N,K) ∝ q² / f, f the rows of each cluster, by their weights c (1|R,N,1)."""
    f = (q if c is None else q * c).sum(axis=1, keepdims=True)
    p: Array = q**2 / f
    return p / p.sum(axis=-1, keepdims=True)
