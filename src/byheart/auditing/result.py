"""What an audit found: frozen, JSON in and out, and with everything in it that its page shows.

Every share stands with its interval and its count.  A number that could not be had is None, never 0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from byheart._records import Spec, write_atomic

__all__ = [
    "AuditResult",
    "Channel",
    "CopyShare",
    "Distinct",
    "Family",
    "Histogram",
    "Inputs",
    "Measure",
    "Pair",
    "Planted",
    "Population",
    "Pose",
    "Power",
    "Share",
    "Signal",
    "Source",
    "Verdict",
]

SCHEMA = 1
FEW = 3  # images seen twice, below which Chao's bound is mostly noise

Verdict = Literal["copying", "suspicious", "no evidence", "cannot tell"]
ChannelName = Literal["whole", "blend", "local"]
Rule = Literal["pac", "marginal", "none"]
Family = Literal["copying", "fidelity", "novelty"]


class Share(Spec):
    """A share, or another number, between its 95 % limits, and the count of what it rests on."""

    value: float
    low: float
    high: float
    count: int


class Source(Spec):
    """One of the sets that went in.

    shape: (c, h, w) of its images as they came, or the commonest of them; (d,) of features.
    resized: what was done to bring them to the working size, in words.  unreadable: file and reason.
    fingerprint: SHA-256 of the values at the working size.
    """

    name: str
    count: int
    shape: tuple[int, ...]
    resized: str
    fingerprint: str
    unreadable: tuple[tuple[str, str], ...] = ()


class Inputs(Spec):
    """overlap: pairs of names (train, held-out) that are the same image, where they were allowed."""

    samples: Source
    train: Source
    heldout: Source | None
    overlap: tuple[tuple[str, str], ...] = ()


class Pose(Spec):
    """How the training image lies in the sample: flipped or not, degrees, zoom ≤ 1 (a crop), shift and blur in pixels
    of the working size.
    """

    flip: bool = False
    angle: float = 0.0
    zoom: float = 1.0
    dx: float = 0.0
    dy: float = 0.0
    blur: float = 0.0


class Pair(Spec):
    """A sample and the training image (for a blend: the two) that it matches.

    score: calibrated, of the channel.  residual: 1 − correlation under the pose.  p, q: of the channel; q is
    Benjamini–Hochberg adjusted.  flagged: whether the sample is accused.  full_size: correlation at full size under
    the pose, where the images are larger than the working size.
    sample_picture, train_pictures: PNG in base64, of the pairs that the page shows.
    """

    sample: int
    sample_name: str
    train: tuple[int, ...]
    train_names: tuple[str, ...]
    channel: ChannelName
    pose: Pose
    score: float
    residual: float
    p: float | None
    q: float | None
    flagged: bool
    full_size: float | None = None
    sample_picture: str | None = None
    train_pictures: tuple[str, ...] = ()


class Channel(Spec):
    """One of the three questions: a whole copy, a blend of two, a local copy.

    global_p: of all its samples together (exact beta-binomial).  rank: a flag is a score strictly above the rank-th
    largest held-out score; rule: pac (at most alpha of innocent samples, with 95 % confidence in this audit),
    marginal (alpha on average over audits), none.  flags: count of accused samples.
    fires: whether the channel by itself says that something is copied.
    """

    name: ChannelName
    global_p: float | None
    rule: Rule
    rank: int | None
    threshold: float | None
    flags: int
    count: int
    fires: bool


class CopyShare(Spec):
    """The share of samples that are copies.

    raw: share of samples over the held-out score of that rank, which a share alpha of innocent samples exceeds, too.
    low: what is left if every copy were seen (TPR = 1), the bound that holds under any mix of copies.
    corrected: Rogan–Gladen with its Beta Monte-Carlo interval, for copies mixed as on the sensitivity card (`mix`).  cross_check: Storey's estimate, which needs no card.
    """

    raw: Share
    low: float
    corrected: Share | None
    cross_check: Share | None
    alpha: float
    rank: int
    mix: str


class Distinct(Spec):
    """Distinct training images among the copies: seen, after subtracting false matches, and Chao's lower bound.

    once, twice: how many were seen so often; without some that were seen twice the bound says nothing.
    """

    observed: int
    once: int = 0
    twice: int = 0
    corrected: float
    estimate: float
    raw_estimate: float

    @property
    def bounded(self) -> bool:
        """Whether enough images were seen twice for the bound to mean something."""
        return self.twice >= FEW


class Power(Spec):
    """A share of copies below `below` cannot be excluded with these sizes."""

    below: float | None
    smallest_p: float | None
    sentence: str


class Population(Spec):
    """Do held-out images look like copies?  share: of held-out images over the 5 % quantile of planted copies; limit: the
    share above which no single sample is accused; as_close: share of held-out images above the median exact copy.
    """

    share: Share
    limit: float
    as_close: float
    flags_on: bool


class Planted(Spec):
    """A row of the sensitivity card: copies of training images that were planted, and how many were seen.

    recall: at the rank of the flags, None without one.  matched: share whose training image was named right.  shortlisted:
    share whose training image was among the candidates.  main: whether it counts in the mix of the share.
    channel: which one is asked.
    """

    name: str
    channel: ChannelName
    main: bool
    recall: Share | None
    matched: float | None
    shortlisted: float | None


class Histogram(Spec):
    """Counts in bins of the calibrated score.  edges: one more than the counts."""

    name: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]


class Measure(Spec):
    """A classical measure of the samples beside the same measure of held-out images.

    family: copying, fidelity or novelty.  value, low, high: of the samples.  reference: of the held-out images or the
    null floor, whichever `against` says.  definition: in one sentence.
    """

    name: str
    family: Family
    value: float
    low: float | None = None
    high: float | None = None
    reference: float | None = None
    against: str = "held-out"
    count: int
    definition: str


class Signal(Spec):
    """What the model itself gives away at one noise level (in units of the data's RMS).

    gap: mean paired loss on held-out minus training images, over the training loss; log_ratio: log(held-out/train).
    auc: of telling members by their loss; tpr: at 1 % false positives.  dimension_train, dimension_heldout: local
    intrinsic dimension (FLIPD), means.
    """

    sigma: float
    loss_train: float
    loss_heldout: float
    gap: Share
    log_ratio: float
    auc: Share
    tpr: float | None
    dimension_train: float | None = None
    dimension_heldout: float | None = None


class AuditResult(Spec):
    """The whole finding.

    sentence: the verdict in one sentence.  reasons: what stands behind it, and what it cannot see, a sentence each.
    warnings: what to distrust about the inputs.  pairs: worst first; random_pairs: a fair draw.  settings: of the audit, by
    name, with the encoder of the fidelity measures.  denoised: the channels once more on samples denoised before the test; the
    verdict does not use them.
    """

    version: int = SCHEMA
    verdict: Verdict
    sentence: str
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    inputs: Inputs
    alpha: float
    seed: int
    channels: tuple[Channel, ...] = ()
    copy_share: CopyShare | None = None
    distinct: Distinct | None = None
    power: Power
    population: Population | None = None
    card: tuple[Planted, ...] = ()
    pairs: tuple[Pair, ...] = ()
    random_pairs: tuple[Pair, ...] = ()
    histograms: tuple[Histogram, ...] = ()
    measures: tuple[Measure, ...] = ()
    signals: tuple[Signal, ...] = ()
    denoised: tuple[Channel, ...] = ()
    duplicates: tuple[tuple[str, ...], ...] = ()
    cite: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0

    @staticmethod
    def read(file: Path | str) -> AuditResult:
        """The result that `save_json` wrote.  Raises InputError for a file that holds none."""
        from byheart._checks import InputError

        try:
            return AuditResult.model_validate_json(Path(file).read_bytes())
        except ValueError as error:
            raise InputError(
                got=f"{file}, which holds no result of an audit ({str(error).splitlines()[0]})",
                need="JSON as save_json wrote it, by this version of byheart",
                remedy="audit again",
            ) from error

    def save_json(self, file: Path | str) -> Path:
        """Write all of it as JSON, whole or not at all."""
        write_atomic(Path(file), self.model_dump_json(indent=1))
        return Path(file)

    def save_html(self, file: Path | str) -> Path:
        """Write the page: one file that loads nothing from anywhere."""
        from byheart.report.audit import audit_page

        write_atomic(Path(file), audit_page(self))
        return Path(file)

    def _repr_html_(self) -> str:
        from byheart.report.audit import audit_fragment

        return audit_fragment(self)
