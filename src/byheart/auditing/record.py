"""The results of an audit and of a search for duplicates: frozen records, JSON in and out, with everything that their pages show.

Every share stands with its interval and its count.  A number that could not be computed is None, never 0.
The pages are made of these records; `result` adds functions that write files.
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

FEW = 3  # training images matched twice, below which Chao's bound is mostly noise


Verdict = Literal["copying", "suspicious", "no evidence", "cannot tell"]

ChannelName = Literal["whole", "blend", "local"]

Rule = Literal["pac", "marginal", "none"]


class Share(Spec):
    """A share, or another number, between its 95 % limits, and the number of images it rests on."""

    value: float
    low: float
    high: float
    count: int


class InputSet(Spec):
    """One of the sets that the audit read.

    shape: (c, h, w) of the images at their own size, or the most common such shape; (d,) of features.
    resized: what was done to bring the images to the working size, in words.  unreadable: file and reason.
    blank: how many of the count are blank or nearly so compared with the training images, and left out of the copy test;
    blank_names: names of the first 10,000 of these.  In a training set in shards an audit does not count blank images.
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
    """How pictures were read that can be read in two ways, see `data.reader.reading`.  why: the reason, in one sentence."""

    orientation: str
    fit: str
    transparency: str
    white: int | None = None
    why: str


class Inputs(Spec):
    """The sets of an audit.  overlap: pairs of names (train, held-out) that are the same image, if the user allowed such pairs.

    reading: of training and held-out images; None for features.
    """

    samples: InputSet
    train: InputSet
    heldout: InputSet | None
    overlap: tuple[tuple[str, str], ...] = ()
    reading: ReadAs | None = None


class Pose(Spec):
    """How the training image lies in the sample.  angle: degrees.  zoom: ≤ 1 is a crop.  dx, dy, blur: working-size pixels."""

    flip: bool = False
    angle: float = 0.0
    zoom: float = 1.0
    dx: float = 0.0
    dy: float = 0.0
    blur: float = 0.0


class Pair(Spec):
    """A sample and the training image (for a blend: two training images) that the sample matches.

    channel: the test that is meant.  score: similarity score of this test.  residual: 1 − correlation under the pose.
    p, q: of this test; q is Benjamini–Hochberg adjusted.  flagged: whether this test flags the sample.
    full_size: correlation at full size under the pose, if the images are larger than the working size.
    sample_picture, train_pictures: PNG in base64, for the pairs that the page shows.
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
    """The result of one of the three tests: a copy of a whole image, a blend (mixture) of two, a local copy (part of an image).

    global_p: p-value of all samples together (exact, beta-binomial).  rank: a sample is flagged if its score is strictly above
    the rank-th largest held-out score; rule: pac (at most alpha of the samples that copy nothing, with 95 % confidence in this
    audit), marginal (alpha on average over audits), none.  threshold: that score.  flags: number of flagged samples.
    fires: whether this test by itself is evidence of copying.
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
    low: lower bound (97.5 % confidence) that holds for any mix of copies, because it assumes that every copy is detected.
    corrected: Rogan–Gladen estimate with its Beta Monte-Carlo interval, under the assumption in `mix`.
    cross_check: Storey's estimate, which needs no test copies.
    """

    raw: Share
    low: float
    corrected: Share | None
    cross_check: Share | None
    alpha: float
    rank: int
    mix: str


class Distinct(Spec):
    """Distinct training images that the flagged samples match.

    observed: their number.  corrected: without the matches that are expected by chance.  estimate: Chao's lower bound for a larger
    set of samples, with the correction; raw_estimate: without.  once, twice: how many training images were matched so often;
    the bound means something only if some were matched twice.
    """

    observed: int
    once: int = 0
    twice: int = 0
    corrected: float
    estimate: float
    raw_estimate: float

    @property
    def bounded(self) -> bool:
        """Say whether enough training images were matched twice for the bound to mean something."""
        return self.twice >= FEW


class Power(Spec):
    """With these numbers of images, copies that make up a share less than `below` could have gone unseen."""

    below: float | None
    smallest_p: float | None
    sentence: str


class PopulationCheck(Spec):
    """Whether held-out images look like copies.

    share: of held-out images above the 5 % quantile of close test copies; limit: the share above which no single sample is
    flagged; as_close: share of held-out images above the median exact copy.
    """

    share: Share
    limit: float
    as_close: float
    flags_on: bool


class Planted(Spec):
    """A row of the detection table: one kind of test copies, which the audit made of training images, and how many it flags.

    recall: share that is flagged, None without a rank.  matched: share of the copies whose training image was named right.
    shortlisted: share whose training image was among the candidates.  main: whether the estimate of the share of copies counts
    this kind.  channel: the test that should find this kind.
    """

    name: str
    channel: ChannelName
    main: bool
    recall: Share | None
    matched: float | None
    shortlisted: float | None


class Histogram(Spec):
    """Counts in bins of the similarity score.  edges: one more than the counts."""

    name: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]


class Measure(Spec):
    """A classical measure of the samples beside a reference value.

    family: copying, fidelity or novelty.  value, low, high: of the samples.  reference: the value of held-out images, or the
    value expected for real images; `against` says which.  definition: in one sentence.
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
    """What the losses of the model show at one noise level (in units of the data's RMS).

    gap: mean paired loss on held-out minus training images, over the training loss; log_ratio: log(held-out/train).
    auc: of recognizing training images by their loss; tpr: true-positive rate at 1 % false positives, with its 95 % limits tpr_low
    and tpr_high; tpr_low is 0 with fewer than 437 held-out images.  dimension_train, dimension_heldout: mean local intrinsic
    dimension (FLIPD).
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
    """The whole result of an audit.

    sentence: the verdict in one or two sentences.  reasons: for the verdict, and what the audit cannot see, a sentence each.
    warnings: what not to trust about the inputs.  channels: the three tests.  Counts and shares of channels, copy_share and power
    refer to the samples that are not blank.  card: the detection table.  pairs: the closest first; random_pairs: drawn at random.
    settings: of the audit, by name, with the encoder of the fidelity measures.  denoised: the tests once more with samples that
    were denoised first; the verdict does not use them.
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
    """An image of a cluster and the image that it matches.

    score: similarity score of the match; None for the image that others match.  source: name of the matched image.
    exact: whether all values equal those of the matched image.  picture: PNG in base64, for the images that the page shows.
    """

    name: str
    score: float | None = None
    source: str | None = None
    pose: Pose = Pose()
    exact: bool = False
    picture: str | None = None


class Cluster(Spec):
    """A group of duplicates.  representative: the name of the member to keep.  members: the representative first.

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

    source: the set; its count is n.  distinct: number of images left if one image of each cluster is kept.  exact: number of
    images that equal another image in every value, not counting the first.  threshold: similarity score from which two images
    are duplicates; meaning: what this score stands for, as part of a sentence.  clusters: the largest first.
    Raises InputError if distinct or exact do not follow from the clusters.
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
        """Count the images that can be removed: all but one of each cluster."""
        return self.source.count - self.distinct
