"""What an audit and a search for duplicates say: frozen records, JSON in and out, with everything in them that their pages show.

Every share stands with its interval and its count.  A number that could not be had is None, never 0.
The pages take these records; `result` adds what writes files.
"""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from byheart._checks import InputError
from byheart._records import Spec
from byheart.metrics.score import Family

__all__ = [
    "AuditRecord",
    "Channel",
    "Cluster",
    "CopyShare",
    "DedupRecord",
    "Distinct",
    "Histogram",
    "Inputs",
    "Measure",
    "Member",
    "Pair",
    "Planted",
    "PopulationCheck",
    "Pose",
    "Power",
    "ReadAs",
    "Share",
    "Signal",
    "InputSet",
    "Verdict",
]

SCHEMA = 1


FEW = 3  # images seen twice, below which Chao's bound is mostly noise


Verdict = Literal["copying", "suspicious", "no evidence", "cannot tell"]


ChannelName = Literal["whole", "blend", "local"]


Rule = Literal["pac", "marginal", "none"]


class Share(Spec):
    """A share, or another number, between its 95 % limits, and the count of what it rests on."""

    value: float
    low: float
    high: float
    count: int


class InputSet(Spec):
    """One of the sets that went in.

    shape: (c, h, w) of its images as they came, or the commonest of them; (d,) of features.
    resized: what was done to bring them to the working size, in words.  unreadable: file and reason.
    blank: how many of the count are blank or nearly so beside the training images, and left out of the copy test; blank_names:
    of the first 10,000 of them.  Of a training set in shards blank images are not counted in an audit.
    fingerprint: SHA-256 of the values at the working size.
    """

    name: str
    count: int
    shape: tuple[int, ...]
    resized: str
    fingerprint: str
    unreadable: tuple[tuple[str, str], ...] = ()
    blank: int = 0
    blank_names: tuple[str, ...] = ()

    @property
    def compared(self) -> int:
        """Count the images that the copy test compares: those that are not blank."""
        return self.count - self.blank


class ReadAs(Spec):
    """How pictures were read that can be read in two ways, see `data.reader.reading`, and in one sentence why so."""

    orientation: str
    fit: str
    transparency: str
    white: int | None = None
    why: str


class Inputs(Spec):
    """overlap: pairs of names (train, held-out) that are the same image, where they were allowed.

    reading: of training and held-out images; None of features.
    """

    samples: InputSet
    train: InputSet
    heldout: InputSet | None
    overlap: tuple[tuple[str, str], ...] = ()
    reading: ReadAs | None = None


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

    raw: share of samples that score above the rank-th highest held-out score; about alpha of original samples do so too.
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
        """Say whether enough images were seen twice for the bound to mean something."""
        return self.twice >= FEW


class Power(Spec):
    """A share of copies below `below` cannot be excluded with these sizes."""

    below: float | None
    smallest_p: float | None
    sentence: str


class PopulationCheck(Spec):
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
    auc: of telling members by their loss; tpr: at 1 % false positives, with its 95 % limits tpr_low and tpr_high, of which the
    lower one is 0 below 437 held-out images.  dimension_train, dimension_heldout: local intrinsic dimension (FLIPD), means.
    """

    sigma: float
    loss_train: float
    loss_heldout: float
    gap: Share
    log_ratio: float
    auc: Share
    tpr: float | None
    tpr_low: float | None = None
    tpr_high: float | None = None
    dimension_train: float | None = None
    dimension_heldout: float | None = None


class AuditRecord(Spec):
    """The whole finding.

    sentence: the verdict in one sentence.  reasons: what stands behind it, and what it cannot see, a sentence each.
    warnings: what to distrust about the inputs.  Counts and shares of channels, copy_share and power are of the samples that are not blank.  pairs: worst first; random_pairs: a fair draw.  settings: of the audit, by
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
    population: PopulationCheck | None = None
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


class Member(Spec):
    """An image of a cluster and what it matches there.

    score: calibrated, of the match; None for the image that others match.  source: name of the matched image.
    exact: whether all its values are those of the matched image.  picture: PNG in base64, of the images that the page shows.
    """

    name: str
    score: float | None = None
    source: str | None = None
    pose: Pose = Pose()
    exact: bool = False
    picture: str | None = None


class Cluster(Spec):
    """Images that are one.  representative: the name of the member to keep.  members: the representative first.

    Raises InputError unless there are two members or more, under different names, the representative first.
    """

    representative: str
    members: tuple[Member, ...]

    @model_validator(mode="after")
    def _check(self) -> Cluster:
        names = [member.name for member in self.members]
        if len(names) < 2 or len(set(names)) < len(names) or names[0] != self.representative:
            raise InputError(
                got=f"a cluster of {len(names)} images under {len(set(names))} names, kept {self.representative!r}",
                need="two or more under different names, the one to keep first",
                remedy="leave single images out, and put the representative first",
            )
        return self


class DedupRecord(Spec):
    """The duplicates of one set.

    source: the set; its count is n.  distinct: images left if one of each cluster is kept.  exact: images that equal
    another one value by value, beyond the first.  threshold: calibrated score from which two images are one; meaning:
    what it stands for, in a sentence.  clusters: the largest first.
    Raises InputError where distinct or exact do not follow from the clusters.
    """

    version: int = SCHEMA
    source: InputSet
    distinct: int
    exact: int
    threshold: float | None
    meaning: str
    seed: int
    clusters: tuple[Cluster, ...] = ()
    warnings: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0

    @model_validator(mode="after")
    def _check(self) -> DedupRecord:
        distinct = self.source.count - sum(len(cluster.members) - 1 for cluster in self.clusters)
        exact = sum(member.exact for cluster in self.clusters for member in cluster.members)
        if (self.distinct, self.exact) != (distinct, exact):
            raise InputError(
                got=f"{self.distinct} distinct images and {self.exact} exact duplicates",
                need=f"{distinct} and {exact}, as the {len(self.clusters)} clusters of {self.source.count} images have them",
                remedy="count from the clusters",
            )
        return self

    @property
    def duplicates(self) -> int:
        """List the images that may go: all but one of each cluster."""
        return self.source.count - self.distinct
