"""Records of a planted benchmark: numbers of its scores, over many splits of the pool into held-out images and originals.

    group       name                      value
    -----------------------------------------------------------------------------------------------------------------
    planted     kind of copy              share flagged by the marginal rank at alpha, mean over splits; guarded (channel whole)
    matched     kind of copy              share whose training image was identified
    shortlisted kind of copy              share whose training image was among the candidates
    accused     kind of original          share flagged in the channel whole, guarded, mean over splits
    blended     kind of original          the same in the channel blend
    copier      level                     share flagged, guarded, mean over splits
    fpr         marginal, guarded         share of originals flagged, mean over splits (guarded: by the rule that the audit uses)
    exceeded    pac                       share of splits in which the PAC rank flags more than alpha of the originals
    population  close                     share of the pool that scores as high as planted copies
    coverage    share                     share of repetitions whose interval holds the true share of copies
    bound       share, crops              share of repetitions in which the lower bound is not above the true share
    estimate    share                     mean over repetitions of the corrected share
    chao        sources                   mean over simulations of the estimated over the true number of copied images

`count` is the number of images or repetitions behind a value; a share has the binomial interval [low, high] of this count, a mean
has Student's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from byheart._records import Scalar
from byheart.analysis.calibration.ranks import chosen_rank, p_values, pac_rank
from byheart.analysis.calibration.share import ShareOfCopies, share_of_copies
from byheart.analysis.calibration.sources import distinct_sources, false_singletons
from byheart.experiments.kinds.audit.spec import AuditRun
from byheart.metrics.copying.innocents import INNOCENTS
from byheart.metrics.copying.planted import CLOSE, PLANTED
from byheart.numerics.intervals import Interval, mean_interval, proportion
from byheart.random import derive

__all__ = ["SHARES", "Scores", "records"]

Row = dict[str, Scalar]
Numbers = NDArray[np.float64]

SHARES = (0.0, 0.005, 0.02, 0.1, 0.5, 1.0)
"""True shares of copies at which the coverage of the interval is measured."""

_SAMPLES, _HELDOUT = 1000, 500  # of a repetition
_SOURCES = {20: 0.1, 100: 0.1, 300: 0.3}  # distinct training images copied -> share of copies
_SIMULATIONS = 300
_CROPS = "crop-90"


@dataclass(frozen=True)
class Scores:
    """Scores by name: see experiments/kinds/audit/run.py."""

    pool: Mapping[str, Numbers]
    planted: Mapping[str, Numbers]
    innocents: Mapping[str, Numbers]
    copiers: Mapping[str, Numbers]

    @property
    def close(self) -> float:
        """Return the score that all but 5 % of close copies reach."""
        return float(np.quantile(np.concatenate([self.planted[name] for name in CLOSE]), 0.05))

    def nulls(self) -> list[Numbers]:
        """Return the `whole` scores of the pool as it is, and at every width of the guard."""
        return [
            self.pool["whole"],
            *(self.pool[name] for name in sorted(self.pool) if name.startswith("guard-")),
        ]


def records(run: AuditRun, scores: Scores) -> Iterator[Row]:
    """Compute all records of a run."""
    splits = _Splits.drawn(run, scores)
    yield from _of_planted(scores, splits)
    yield from _of_innocents(scores, splits)
    for level, found in scores.copiers.items():
        yield _row("copier", level, _share(splits.guarded(found), len(found)))
    yield _row("fpr", "marginal", mean_interval(splits.false_rates(guarded=False)))
    yield _row("fpr", "guarded", mean_interval(splits.false_rates(guarded=True)))
    over = [rate > run.alpha for rate in splits.false_rates(guarded=False, rule="pac")]
    yield _row("exceeded", "pac", proportion(sum(over), len(over)) if splits.pac is not None else None)
    as_close = int((scores.pool["whole"] >= scores.close).sum())
    yield _row("population", "close", proportion(as_close, run.pool))
    yield from _of_shares(run, scores)
    yield from _of_sources(run, scores, splits)


@dataclass(frozen=True)
class _Splits:
    """Thresholds of every split.  heldout: (s, m) rows of the pool.  plain, blend, local: (s,) marginal; guard: (s,), the
    largest over the guard.  pac: (s,) plain, or None if no rank keeps the promise.
    """

    scores: Scores
    heldout: NDArray[np.int64]
    plain: Numbers
    guard: Numbers
    blend: Numbers
    local: Numbers
    pac: Numbers | None

    @staticmethod
    def drawn(run: AuditRun, scores: Scores) -> _Splits:
        draws = np.random.default_rng(derive(run.seed, "splits"))
        heldout = np.stack([draws.permutation(run.pool)[: run.heldout] for _ in range(run.splits)])
        marginal, pac = run.rank, pac_rank(run.alpha, run.heldout)

        def limits(null: Numbers, rank: int) -> Numbers:
            """(s,) the rank-th largest score of each split."""
            ordered: Numbers = np.partition(null[heldout], run.heldout - rank, axis=1)[:, run.heldout - rank]
            return ordered

        plain = limits(scores.pool["whole"], marginal)
        guard = np.max([limits(null, marginal) for null in scores.nulls()], axis=0)
        blend, local = (limits(scores.pool[name], marginal) for name in ("blend", "local"))
        strict = None if pac is None else limits(scores.pool["whole"], pac)
        return _Splits(scores, heldout, plain, guard, blend, local, strict)

    def guarded(self, found: Numbers) -> float:
        """Compute the share of scores above the guarded threshold, mean over splits."""
        return _above(found, self.guard)

    def false_rates(self, *, guarded: bool, rule: str = "marginal") -> list[float]:
        """Compute the share of the originals of each split that is flagged."""
        limits = self.pac if rule == "pac" else self.guard if guarded else self.plain
        if limits is None:
            return []
        return [
            float((np.delete(self.scores.pool["whole"], rows) > limit).mean())
            for rows, limit in zip(self.heldout, limits, strict=True)
        ]


def _of_planted(scores: Scores, splits: _Splits) -> Iterator[Row]:
    limits = {"whole": splits.guard, "blend": splits.blend, "local": splits.local}
    for name, kind in PLANTED.items():
        found = scores.planted[name]
        yield _row("planted", name, _share(_above(found, limits[kind.channel]), len(found)), kind=kind.group)
        for what in ("matched", "shortlisted"):
            if (hits := scores.planted.get(f"{name}/{what}")) is not None:
                yield _row(what, name, proportion(int(hits.sum()), len(hits)), kind=kind.group)


def _of_innocents(scores: Scores, splits: _Splits) -> Iterator[Row]:
    for name, kind in INNOCENTS.items():
        found = scores.innocents[name]
        yield _row("accused", name, _share(splits.guarded(found), len(found)), kind=kind.kind)
        mixed = _above(scores.innocents[f"{name}/blend"], splits.blend)
        yield _row("blended", name, _share(mixed, len(found)), kind=kind.kind)


def _of_shares(run: AuditRun, scores: Scores) -> Iterator[Row]:
    draws = np.random.default_rng(derive(run.seed, "shares"))
    main = [scores.planted[name] for name, kind in PLANTED.items() if kind.main]
    card, real = (
        [kind[: len(kind) // 2] for kind in main],
        np.concatenate([kind[len(kind) // 2 :] for kind in main]),
    )
    for true in SHARES:
        found = [_repetition(run, scores, card, real, true, draws) for _ in range(run.repetitions)]
        held = sum(one.corrected.low <= true <= one.corrected.high for one in found)
        yield _row("coverage", f"{true:g}", proportion(held, len(found)))
        below = sum(one.low <= true for one in found)
        yield _row("bound", f"{true:g}", proportion(below, len(found)))
        if len(found) > 1:
            yield _row("estimate", f"{true:g}", mean_interval([one.corrected.value for one in found]))
    crops = scores.planted[_CROPS]
    for true in (0.1, 0.5):
        found = [_repetition(run, scores, card, crops, true, draws) for _ in range(run.repetitions)]
        below = sum(one.low <= true for one in found)
        yield _row("bound", f"crops-{true:g}", proportion(below, len(found)))


def _repetition(
    run: AuditRun, scores: Scores, card: list[Numbers], real: Numbers, true: float, draws: np.random.Generator
) -> ShareOfCopies:
    """Simulate an audit of 1,000 samples with that share of copies, against 500 held-out images (fewer if the pool is small).

    The rank is that of the flags, or none if held-out images look like copies, as in `byheart audit`.
    """
    order = draws.permutation(run.pool)
    heldout = order[: min(_HELDOUT, run.heldout)]
    samples = min(_SAMPLES, run.pool - len(heldout))
    copies = int(draws.binomial(samples, true))  # samples are independent, given the model
    innocent = scores.pool["whole"][order[len(heldout) : len(heldout) + samples - copies]]
    nulls = [null[heldout] for null in scores.nulls()]
    p = p_values(np.concatenate([innocent, draws.choice(real, copies)]), *nulls)
    planted = [p_values(draws.permutation(kind), *nulls) for kind in card]
    flags_on = float((nulls[0] >= scores.close).mean()) <= run.alpha / 2
    rank = chosen_rank(run.alpha, len(heldout)).rank if flags_on else None
    return share_of_copies(p, planted, len(heldout), draws, rank=rank)


def _of_sources(run: AuditRun, scores: Scores, splits: _Splits) -> Iterator[Row]:
    """Simulate with the measured recall and accuracy; the number of copies is estimated, not given."""
    main = [name for name, kind in PLANTED.items() if kind.main]
    recall = float(np.mean([splits.guarded(scores.planted[name]) for name in main]))
    accuracy = float(np.mean([scores.planted[f"{name}/matched"].mean() for name in main]))
    draws = np.random.default_rng(derive(run.seed, "sources"))
    for true, share in _SOURCES.items():
        ratios = [
            _simulated(true, share, recall, accuracy, run.rank, run.heldout, draws) / true
            for _ in range(_SIMULATIONS)
        ]
        yield _row("chao", f"{true}", mean_interval(ratios))


def _simulated(
    true: int,
    share: float,
    recall: float,
    accuracy: float,
    rank: int,
    heldout: int,
    draws: np.random.Generator,
) -> float:
    """Estimate the number of copied training images in a simulated audit of 1,000 samples that copy `true` images equally often."""
    copies = round(share * _SAMPLES)
    seen = draws.integers(true, size=draws.binomial(copies, recall))
    wrong = draws.random(len(seen)) > accuracy
    false = draws.binomial(_SAMPLES - copies, draws.beta(rank, heldout + 1 - rank))
    strange = true + np.arange(int(wrong.sum()) + false)  # a wrong match is hardly ever made twice
    flagged = len(seen) + false
    rate = rank / (heldout + 1)
    estimated = min(max((flagged / _SAMPLES - rate) / (recall - rate), 0.0), 1.0)
    epsilon = false_singletons(_SAMPLES, estimated, rate, accuracy)
    return distinct_sources([*seen[~wrong].tolist(), *strange.tolist()], epsilon).estimate


def _above(found: Numbers, limits: Numbers) -> float:
    """Compute the share of scores (b,) above a threshold, mean over thresholds (s,)."""
    ordered = np.sort(found)
    return float((1 - np.searchsorted(ordered, limits, side="right") / len(ordered)).mean())


def _share(value: float, count: int) -> Interval:
    """Make the record of a share that is a mean over splits, with the binomial interval of its count."""
    found = proportion(round(value * count), count)
    return Interval(value, min(found.low, value), max(found.high, value), count)


def _row(group: str, name: str, found: Interval | None, kind: str = "") -> Row:
    row: Row = {"group": group, "name": name, "kind": kind}
    if found is None:
        return {**row, "value": None, "low": None, "high": None, "count": 0}
    return {**row, "value": found.value, "low": found.low, "high": found.high, "count": found.count}
