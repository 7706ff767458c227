"""The three losses, each in float32 and each a mean over people, whatever the batch.

The published keypoint loss is a sum over the people of one device divided by the keypoints, beside
distillation losses that are means over people: with another batch the recipe is another one. Here
a constant stands for that batch, ``reference_batch``, so that the balance is the published one on
any number of devices (ADR 0012).
"""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor
from torch.nn import functional

from .targets import Targets

Bins = tuple[Tensor, Tensor]
"""Logits ``(N, K, 2 W)`` for x and ``(N, K, 2 H)`` for y."""


def divergence(wanted: Tensor, said: Tensor, sharpness: float) -> Tensor:
    """Kullback-Leibler divergence of what was said from what was wanted, summed over bins.

    Args:
        wanted: ``(N, K, B)``, logits or bumps; it gets no gradient.
        said: ``(N, K, B)`` logits.
        sharpness: Factor of both before their softmax.

    Returns:
        ``(N, K)`` float32.
    """
    log_p = functional.log_softmax(wanted.detach().float() * sharpness, -1)
    log_q = functional.log_softmax(said.float() * sharpness, -1)
    return (log_p.exp() * (log_p - log_q)).sum(-1)


def keypoint_loss(said: Bins, wanted: Targets, sharpness: float, reference_batch: int) -> Tensor:
    """How far the bins are from the labels; keypoints without one count as 0.

    For each axis of ``B`` bins, ``reference_batch / B`` times the mean over people and keypoints.
    """
    axes = zip(said, (wanted.x, wanted.y), strict=True)
    return _sum(
        (divergence(bumps, bins, sharpness) * wanted.known).mean()
        * (reference_batch / bins.shape[-1])
        for bins, bumps in axes
    )


def logit_loss(said: Bins, taught: Bins, sharpness: float) -> Tensor:
    """How far the bins are from a teacher's, over all keypoints, labelled or not."""
    axes = zip(said, taught, strict=True)
    return _sum(divergence(teacher, bins, sharpness).mean() for bins, teacher in axes)


def feature_loss(seen: Tensor, taught: Tensor) -> Tensor:
    """Squares of what a map ``(N, C, h, w)`` lacks of a teacher's: summed, mean over people."""
    return (taught.detach().float() - seen.float()).square().flatten(1).sum(1).mean()


def _sum(terms: Iterable[Tensor]) -> Tensor:
    first, second = terms
    return first + second
