"""Words, poses, bars and figures of the audit's page, each against what it must come to."""

import re

import audit_example as example
import numpy as np
import pytest
import torch

from byheart.auditing.page import words as audit_words
from byheart.auditing.page.bars import card_groups, share_bars
from byheart.auditing.page.figures import density_figure, tail_figure
from byheart.auditing.page.pairs import frame, laid, picture, pictures
from byheart.auditing.page.tables import channel_rules, signal_note, signal_sheet
from byheart.auditing.page.words import pose_words, rule_words, share_words, shift
from byheart.auditing.record import Channel, CopyShare, Histogram, Pose, Share
from byheart.metrics.copying import planted
from byheart.metrics.copying.poses import posed
from byheart.report.characters import cleaned, visible
from byheart.report.words import listed, percent, plural

POSES = [
    Pose(),
    Pose(dx=2, dy=-1),
    Pose(flip=True, dx=2, dy=-1),
    Pose(angle=5),
    Pose(zoom=0.9, dx=1),
    Pose(flip=True, angle=-7, zoom=0.92, dx=-1.5, dy=2),
]


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def blob(x: float, y: float) -> torch.Tensor:
    """An image (1, 1, 32, 32) with a Gaussian spot at the place (x, y), from the upper left corner."""
    places = torch.arange(32) + 0.5
    return torch.exp(-((places[:, None] - y) ** 2 + (places - x) ** 2) / 8)[None, None]


def place(image: torch.Tensor) -> np.ndarray:
    """Where the spot lies: x and y."""
    places, image = torch.arange(32) + 0.5, image[0, 0] / image.sum()
    return np.array([(image.sum(0) * places).sum().item(), (image.sum(1) * places).sum().item()])


def moved(transform: str, x: float, y: float) -> np.ndarray:
    """A point under an SVG transform: the last step of the list acts first."""
    point = np.array([x, y])
    for name, numbers in reversed(re.findall(r"(\w+)\(([^)]*)\)", transform)):
        values = [float(value) for value in numbers.split()]
        match name:
            case "translate":
                point = point + values
            case "scale":
                point = point * values
            case "rotate":
                cos, sin = np.cos(np.radians(values[0])), np.sin(np.radians(values[0]))
                point = np.array([[cos, -sin], [sin, cos]]) @ point
    return point


def as_the_test_has_it(image: torch.Tensor, pose: Pose) -> torch.Tensor:
    return posed(image, torch.tensor([[-1.0 if pose.flip else 1.0, pose.angle, pose.zoom, pose.dx, pose.dy]]))


@pytest.mark.parametrize("pose", POSES, ids=lambda pose: plain(pose_words(pose)))
def test_poses_are_drawn_as_the_copy_test_means_them(pose):
    """A spot of the training image lies in the sample where the drawing puts it, and the frame is the way back."""
    for x, y in ((12, 18), (19, 13)):
        there = place(as_the_test_has_it(blob(x, y), pose))
        np.testing.assert_allclose(moved(laid(pose), x, y), there, atol=0.05)
    corners = [tuple(map(float, corner.split(","))) for corner in frame(pose).split()]
    back = [moved(laid(pose), *corner) for corner in corners]
    np.testing.assert_allclose(back, [(0, 0), (32, 0), (32, 32), (0, 32)], atol=0.05)


@pytest.mark.parametrize("pose", POSES, ids=lambda pose: plain(pose_words(pose)))
def test_the_shift_is_that_of_the_center(pose):
    there = place(as_the_test_has_it(blob(16, 16), pose))
    np.testing.assert_allclose(shift(pose), there - 16, atol=0.05)


@pytest.mark.parametrize(
    ("pose", "words"),
    [
        (Pose(), "in the same pose"),
        (Pose(dx=0.04, angle=0.04, zoom=0.999), "in the same pose"),
        (Pose(dx=1), "shifted 1 px right"),
        (Pose(dx=-1.25, dy=2), "shifted 1.2 px left and 2 px down"),
        (Pose(flip=True, dx=1, dy=-1), "flipped, shifted 1 px left and 1 px up"),
        (Pose(angle=-3), "rotated 3° counterclockwise"),
        (Pose(angle=3, zoom=0.9, blur=0.7), "rotated 3° clockwise, cropped to 90 %, blurred by 0.7 px"),
        (Pose(zoom=1.02), "reduced to 98 %"),
    ],
)
def test_poses_in_words(pose, words):
    assert plain(pose_words(pose)) == words


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.00004, "< 0.01 %"),
        (0.0061, "0.61 %"),
        (0.0523, "5.2 %"),
        (0.05, "5.0 %"),
        (0.12, "12 %"),
        (0.9967, "99.7 %"),
        (0.9996, "> 99.9 %"),
        (-0.034, "−3.4 %"),
        (-0.00001, "> −0.01 %"),
        (None, "–"),
    ],
)
def test_percentages(share, text):
    assert plain(percent(share)) == text


def test_shares_and_counts():
    assert plain(share_words(Share(value=0.043, low=0.0, high=0.9999, count=9))) == "4.3 % [0, > 99.9]"
    assert share_words(None) == "–"
    assert (plural(1, "copy", "copies"), plural(2000, "pair")) == ("1 copy", "2,000 pairs")
    assert [listed("abc"[:k]) for k in range(4)] == ["", "a", "a and b", "a, b and c"]


@pytest.mark.parametrize(
    ("rule", "rank", "words"),
    [
        ("pac", 1, "higher than that of every held-out image. In this audit each test flags at most 1 %"),
        ("pac", 2, "the 2nd highest"),
        ("pac", 11, "the 11th highest"),
        ("pac", 113, "the 113th highest"),
        (
            "marginal",
            23,
            "the 23rd highest held-out image. On average over many audits each test flags at most 1 %",
        ),
        ("none", None, "No single sample is flagged."),
    ],
)
def test_rules(rule, rank, words):
    channel = Channel(
        name="whole", global_p=0.5, rule=rule, rank=rank, threshold=None, flags=0, count=9, fires=False
    )
    assert words in plain(rule_words(channel, 0.01))
    other = channel.model_copy(update={"name": "blend"})
    assert len(channel_rules([channel, other], 0.01)) == 1
    if rule != "none":
        apart = channel_rules([channel, other.model_copy(update={"rule": "none"})], 0.01)
        assert apart[1] == "Mixture: No single sample is flagged."


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b.png", "a b.png"),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb\tc\x7f", r"a\x0ab\x09c\x7f"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\udce9t\udce9", r"\xe9t\xe9"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("naïve 日本 🦔 5\N{NO-BREAK SPACE}%", "naïve 日本 🦔 5\N{NO-BREAK SPACE}%"),
    ],
)
def test_what_acts_is_written_out(text, shown):
    assert visible(text) == shown
    assert cleaned({"a": [(text, 1, None)]}) == {"a": ((shown, 1, None),)}


def test_the_card_names_its_misses():
    groups = card_groups(example.card())
    assert [len(group.bars) for group in groups] == [13, 4, 1, 1]
    bars = {plain(bar.name): bar for group in groups for bar in group.bars}
    assert [
        bars[name].tag
        for name in ("exact copy", "cropped to 90 %", "rotated by 10°", "cropped to 80 %", "inverted")
    ] == [
        "",
        "1 in 9 missed",
        "1 in 3 missed",
        "mostly missed",
        "all missed",
    ]
    assert (bars["cropped to 90 %"].width, bars["exact copy"].width) == (pytest.approx(100 * 53 / 60), 100)
    lost = example.card()[0].model_copy(update={"shortlisted": 0.9, "name": "another"})
    bar = card_groups([lost])[0].bars[0]
    assert plain(bar.note).endswith("among the candidates 90 %") and bar.name == "another"


def test_every_planted_copy_has_a_name_for_people():
    assert set(audit_words.PLANTED) == set(planted.PLANTED)


def test_the_copy_share_has_one_scale():
    raw, high = example.share(18, 400), Share(value=0.05, low=0.01, high=0.41, count=400)
    group = share_bars(
        CopyShare(raw=raw, low=0.03, corrected=high, cross_check=None, alpha=0.01, rank=6, mix="exact copies")
    )
    assert "a full bar is 50 %" in plain(group.name) and len(group.bars) == 3
    assert [bar.width for bar in group.bars] == pytest.approx([2 * 4.5, 2 * 3, 2 * 5])
    assert group.bars[2].high == pytest.approx(82) and "exact copies" in group.bars[2].note


def test_densities_have_area_one_and_tails_are_shares():
    edges = (0.0, 1.0, 2.0, 4.0, 8.0)
    found = [
        Histogram(name="samples", edges=edges, counts=(10, 5, 0, 5)),
        Histogram(name="held-out images", edges=edges, counts=(60, 30, 9, 1)),
    ]
    axes = density_figure(found, 2.0).axes[0]
    outlines = [patch.get_data() for patch in axes.patches if not patch.fill]
    assert [np.sum(one.values * np.diff(one.edges)) for one in outlines] == pytest.approx([1, 1])
    axes = tail_figure(found, 2.0).axes[0]
    samples, heldout = (dict(zip(*line.get_data(), strict=True)) for line in axes.lines[:2])
    assert (samples[0.0], samples[2.0], samples[4.0]) == (1, 0.25, 0.25) and 8.0 not in samples
    assert heldout[2.0] == pytest.approx(0.1)
    assert list(axes.lines[2].get_xdata()) == [2.0, 2.0]


def test_pictures_shrink_until_they_are_light_together():
    rng = np.random.default_rng(0)
    large = [rng.integers(0, 256, (160, 160, 3), dtype=np.uint8) for _ in range(60)]
    few, many = pictures(large[:3]), pictures([*large, None])
    sides = [picture(uris[0].partition(",")[2]).shape[0] for uris in (few, many)]
    assert sides == [128, 96] and many[-1] == "" and sum(map(len, many)) < 2_500_000
    small = rng.integers(0, 256, (8, 8), dtype=np.uint8)
    np.testing.assert_array_equal(picture(pictures([small])[0].partition(",")[2]), small)


def test_the_share_found_at_one_per_cent_false_has_its_interval_and_says_what_it_takes():
    first = example.signals()[0]
    cells = signal_sheet([first, first.model_copy(update={"tpr_low": None})]).lines
    assert [plain(line.cells[5]) for line in cells] == ["2.6 % [0, 13]", "2.6 %"]
    assert "fewer than 437 held-out images" in signal_note() and "with 1,990 or more" in signal_note()


def test_an_unknown_recall_is_a_dash_and_not_all_missed():
    row = next(row for row in example.card() if row.main).model_copy(update={"recall": None, "matched": 0.97})
    (group,) = card_groups([row])
    bar = group.bars[0]
    assert (bar.value, bar.tag, bar.width, bar.low, bar.high) == ("–", "", 0.0, None, None)
    assert plain(bar.note) == "right match 97 %"
