"""The copy test of features: one ratio of distances, ranked among held-out rows.

    score = −log( d₁ / mean of the 4th … 10th nearest distance )

the orbit ratio's contrast without an orbit: only the encoder determines what a pose does to features.  Test copies are exact copies
and copies with normal noise of a tenth of the features' RMS; other changes are not tested, and the share of copies has only a
lower bound.  As for images, no sample is flagged if more than α/2 of the held-out rows reach the score that 95 % of the test
copies reach.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from byheart._checks import InputError
from byheart.analysis.calibration.ranks import Rank, chosen_rank, flags, p_values, q_values
from byheart.auditing.assess import ChannelNumbers, channel, copy_share, population, power, share
from byheart.auditing.findings import histograms, unranked
from byheart.auditing.inputs import Rows
from byheart.auditing.record import CopyShare, Pair, Planted, Pose
from byheart.auditing.sets import Body, Request, Sets
from byheart.auditing.stored.train import Stored
from byheart.auditing.verdict import Evidence, decide
from byheart.numerics.intervals import proportion
from byheart.numerics.neighbors import Neighbors
from byheart.random import derive, generator

__all__ = ["copies_of_rows", "ratio_scores"]

Numbers = NDArray[np.float64]

LEAST = 12
_NEIGHBORS = 10
_FAR = slice(3, 10)
_NEAREST = 1e-9  # smallest distance, in units of the far ones
_NOISE = 0.1
_LOWEST = 0.05  # quantile of the test copies' scores from which a row looks like a copy
_LISTED, _SHOWN = 10_000, 24


def copies_of_rows(sets: Sets, request: Request) -> Body:
    """Make the copy test of three sets of features.  Raises InputError for fewer than 12 training rows."""
    samples, train, heldout = sets.rows
    if len(train) < LEAST:
        raise InputError(
            got=f"{len(train)} training rows",
            need=f"at least {LEAST}: a match is told by how far the next ones are",
            remedy="give the whole training set",
        )
    tables = train.nearest(samples.values, _NEIGHBORS)
    scores = ratio_scores(tables)
    if heldout is None:
        return _without_null(samples, train, tables, scores, request)
    null = ratio_scores(train.nearest(heldout.values, _NEIGHBORS))
    rank = chosen_rank(request.alpha, len(heldout), rule=request.rule)
    planted = _planted(train, request)
    level = float(np.quantile(np.concatenate([row.scores for row in planted]), _LOWEST))
    held = population(null, level, planted[0].scores, request.alpha)
    may_flag = rank.rank is not None and held.flags_on
    numbers = channel("whole", p_values(scores, null), null, rank, may_flag=may_flag)
    card = [p_values(row.scores, null) for row in planted]
    draws = np.random.default_rng(derive(request.seed, "share"))
    found = _share(numbers, card, len(heldout), rank, draws) if rank.rank is not None else None
    limit = power(len(samples), len(heldout), rank, card, draws)
    evidence = Evidence(
        samples=len(samples),
        heldout=len(heldout),
        global_p=numbers.global_p,
        flags=numbers.record.flags,
        low=0.0 if found is None else found.low,
        below=limit.below,
        alpha=request.alpha,
        rank=rank,
        images=False,
        flags_on=held.flags_on,
        as_close=held.share.value,
    )
    return Body(
        decision=decide(evidence),
        warnings=(
            "Features are compared, not images: a copy is found only if the encoder gives it features like those of its original.",
        ),
        power=limit,
        channels=(numbers.record,),
        copy_share=found,
        population=held,
        card=tuple(_record(row, p, rank, len(heldout)) for row, p in zip(planted, card, strict=True)),
        pairs=_worst(samples, train, tables, scores, numbers),
        random_pairs=_random(samples, train, tables, scores, numbers, request.seed),
        histograms=histograms(scores, null),
    )


def ratio_scores(table: Neighbors) -> Numbers:
    """Compute −log of the nearest distance over the mean of the 4th to 10th, (q,).  table: (q, k ≥ 10) neighbors."""
    far = table.distance[:, _FAR].mean(1).clamp_min(torch.finfo(torch.float64).tiny)
    return -(table.distance[:, 0] / far).clamp_min(_NEAREST).log().numpy()


def _without_null(
    samples: Rows, train: Rows | Stored, table: Neighbors, scores: Numbers, request: Request
) -> Body:
    return Body(
        decision=decide(Evidence(samples=len(samples), heldout=0, alpha=request.alpha, images=False)),
        warnings=(),
        power=power(len(samples), 0, unranked(request.alpha), [], np.random.default_rng(0)),
        pairs=_worst(samples, train, table, scores, None),
        random_pairs=_random(samples, train, table, scores, None, request.seed),
        histograms=histograms(scores, None),
    )


@dataclass(frozen=True, eq=False)
class _Row:
    """Test copies of one kind.  scores: (m,).  matched: share whose training row was named right."""

    name: str
    scores: Numbers
    matched: float


def _planted(train: Rows | Stored, request: Request) -> list[_Row]:
    """Make exact and noisy copies of training rows."""
    draws = generator(derive(request.seed, "card"))
    rows = torch.randperm(len(train), generator=draws)[: request.planted].sort().values
    plain = train.chosen(rows).float()
    spread = float((plain - plain.mean(0)).square().mean().sqrt())
    noisy = plain + _NOISE * spread * torch.randn(plain.shape, generator=draws, dtype=plain.dtype)
    found = []
    for name, x in (("exact", plain), ("noise-0.1", noisy)):
        table = train.nearest(x, _NEIGHBORS)
        matched = (table.index[:, 0] == rows).float().mean()
        found.append(_Row(name, ratio_scores(table), float(matched)))
    return found


def _record(row: _Row, p: Numbers, rank: Rank, heldout: int) -> Planted:
    """Make a row of the detection table at the rank of the flags.  p: (m,) of these copies."""
    seen = None if rank.rank is None else proportion(int(flags(p, rank.rank, heldout).sum()), len(p))
    return Planted(
        name=row.name,
        channel="whole",
        main=True,
        recall=None if seen is None else share(seen),
        matched=row.matched,
        shortlisted=None,
    )


def _share(
    numbers: ChannelNumbers, card: list[Numbers], heldout: int, rank: Rank, draws: np.random.Generator
) -> CopyShare:
    """Bound the share of copies from below.  card: p-values of test copies, which choose a rank if no sample may be flagged."""
    rank_of_flags = rank.rank if numbers.record.rule != "none" else None
    record, _ = copy_share(numbers.p, card, heldout, rank_of_flags, draws)
    mix = "not estimated: it is unknown what copies look like in these features"
    return record.model_copy(update={"corrected": None, "mix": mix})


def _worst(
    samples: Rows, train: Rows | Stored, table: Neighbors, scores: Numbers, numbers: ChannelNumbers | None
) -> tuple[Pair, ...]:
    order = np.argsort(-scores, kind="stable")
    flagged = 0 if numbers is None else numbers.record.flags
    return _pairs(samples, train, table, scores, numbers, order[: min(max(flagged, _SHOWN), _LISTED)])


def _random(
    samples: Rows,
    train: Rows | Stored,
    table: Neighbors,
    scores: Numbers,
    numbers: ChannelNumbers | None,
    seed: int,
) -> tuple[Pair, ...]:
    rows = np.sort(np.random.default_rng(derive(seed, "pairs")).permutation(len(samples))[:_SHOWN])
    return _pairs(samples, train, table, scores, numbers, rows)


def _pairs(
    samples: Rows,
    train: Rows | Stored,
    table: Neighbors,
    scores: Numbers,
    numbers: ChannelNumbers | None,
    rows: NDArray[np.int64],
) -> tuple[Pair, ...]:
    q = None if numbers is None else q_values(numbers.p)
    return tuple(
        Pair(
            sample=row,
            sample_name=samples.names[row],
            train=(int(table.index[row, 0]),),
            train_names=(train.names[int(table.index[row, 0])],),
            channel="whole",
            pose=Pose(),
            score=float(scores[row]),
            residual=float(np.exp(-scores[row])),
            p=None if numbers is None else float(numbers.p[row]),
            q=None if q is None else float(q[row]),
            flagged=numbers is not None and bool(numbers.flagged[row]),
        )
        for row in rows.tolist()
    )
