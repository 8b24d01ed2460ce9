import base64
import re

import audit_example as example
import numpy as np
import pytest
from parsed_page import Parsed, check_closed, check_light, heavy_imports

from byheart.auditing.page.page import LISTED, PAIRS, audit_fragment, audit_page
from byheart.auditing.record import Channel, PopulationCheck, Pose
from byheart.report.citations import PAPERS

HOSTILE = '<img src=x onerror=alert(1)>"\x1b[2J\u202egnp.\x00\udce9'
SHOWN = r"\x1b[2J\u202egnp.\x00"


@pytest.fixture(scope="module")
def text() -> str:
    return audit_page(example.copying())


def test_it_is_one_light_file_that_loads_nothing(text):
    check_light(text, most=1_000_000)


def test_it_has_links(page):
    assert len(page.goals()) > 12


@pytest.mark.parametrize("verdict", example.VERDICTS)
@pytest.mark.usefixtures("undrawn")
def test_the_verdict_comes_first(verdict):
    result = example.VERDICTS[verdict]()
    page = Parsed(audit_page(result))
    assert " ".join(page.words.split()).startswith(f"{verdict} {result.sentence}")
    assert next(at for tag, at in page.tags if tag == "h1")["id"] == "verdict"


def test_the_word_and_its_color_belong_together():
    for verdict, made in example.VERDICTS.items():
        assert f'<span class="word {verdict.replace(" ", "-")}">{verdict}</span>' in audit_fragment(made())


def test_it_says_what_was_found(page):
    words = " ".join(page.words.split())
    for said in (
        "400 samples against 800 training images, calibrated on 600 held-out images",
        "20 of 400",
        "18 as a whole image, 2 as a mixture or in part; about",
        "4.3 % [2.5, 6.9]",
        "3.1 %",
        "about 31",
        "The 24 closest pairs of 30",
        "training image flipped, rotated 3.2° clockwise, cropped to 91 %",
        "Flagged as a mixture: these two training images, laid over each other",
        "generated/00060.png ← train/digit-0048.png",
        "score 10.9, p 0.00166, q 0.021",
        "A sample is flagged if its similarity score is higher than that of the 2nd highest held-out image.",
        "at most 1 % of the samples that copy nothing, with 95 % confidence",
        "cropped to 80 %mostly missed",
        "cropped to 90 %1 in 9 missed",
        "invertedall missed",
        "0.5 (held-out)",
        "9.7 (expected for real images)",
        "Unreadable samples, left out: 1",
        "Show 14 groups",
        "smallest possible value here is 0.00166",
        "bonnaire2025diffusion",
        "@software{byheart",
    ):
        assert said in words, said


def test_it_shows_every_part(page):
    assert set(page.sections()) == {
        *("why", "pairs", "random", "scores", "channels", "share", "limits", "card", "measures", "signals"),
        *("inputs", "warnings", "duplicates", "measured", "provenance", "cite"),
    }
    pictures = [at for tag, at in page.tags if tag == "img"]
    # 24 samples; the training images of 6 pairs in their own pose, 1 blend and 1 half; 24 pairs at random.
    posed = [at for tag, at in page.tags if tag == "use" and "href" in at]
    unposed = 24 - len(posed)
    assert len(pictures) == 24 + unposed + 1 + 2 * 24 and len(posed) == 18
    assert all(at["alt"] for at in pictures)
    assert all(at.get("aria-label") for tag, at in page.tags if tag == "svg")


@pytest.mark.parametrize(
    ("changes", "absent"),
    [
        ({"pairs": (), "random_pairs": ()}, {"pairs", "random"}),
        ({"histograms": ()}, {"scores"}),
        ({"channels": (), "denoised": ()}, {"channels"}),
        ({"copy_share": None, "distinct": None}, {"share"}),
        ({"card": ()}, {"card"}),
        ({"measures": ()}, {"measures"}),
        ({"signals": ()}, {"signals"}),
        ({"signals": example.signals()[:1], "reasons": ()}, {"why"}),
        ({"warnings": (), "duplicates": ()}, {"warnings", "duplicates"}),
    ],
    ids=lambda value: " ".join(sorted(value)) if isinstance(value, set) else "",
)
@pytest.mark.usefixtures("undrawn")
def test_it_works_with_parts_missing(page, changes, absent):
    text = audit_page(example.copying(**changes))
    check_closed(text)
    there = Parsed(text)
    assert set(page.sections()) - set(there.sections()) == absent


@pytest.mark.usefixtures("undrawn")
def test_without_heldout_images_no_sample_is_said_to_be_flagged_or_not():
    words = Parsed(audit_page(example.cannot_tell())).words
    assert "without held-out images" in words
    assert (
        "Not flagged" not in words
        and "Flagged" not in words
        and "Closest match: training image in the same pose" in words
    )


@pytest.mark.usefixtures("undrawn")
def test_scores_without_heldout_images_stand_alone():
    text = audit_page(example.cannot_tell(histograms=example.histograms(0)[:1]))
    assert (
        "it is unknown which scores are unusual" in text
        and 'id="tail"' not in text
        and "cannot be copies" not in text
    )


@pytest.mark.usefixtures("undrawn")
def test_flags_that_are_off_are_explained():
    off = Channel(
        name="whole", global_p=0.001, rule="none", rank=None, threshold=None, flags=0, count=400, fires=True
    )
    close = PopulationCheck(share=example.share(84, 600), limit=0.005, as_close=0.07, flags_on=False)
    words = Parsed(audit_page(example.copying(channels=(off,), population=close, reasons=()))).words
    assert "No single sample is flagged." in words and "18 of 400" not in words
    assert "14 % [11.5, 17] of the held-out images come as close" in words
    assert "above the limit, so no single sample is flagged" in words


@pytest.mark.usefixtures("undrawn")
def test_names_from_outside_are_shown_and_do_nothing():
    name = HOSTILE.replace("\udce9", "")  # pydantic takes no text that is not Unicode
    pair = example.pair(1, sample_name=name, train_names=(name,))
    inputs = example.inputs(
        train=example.source(name, 800, unreadable=((name, name),)), overlap=((name, name),)
    )
    text = audit_page(
        example.copying(
            pairs=(pair,), random_pairs=(pair,), inputs=inputs, warnings=(name,), duplicates=((name, name),),
            reasons=(name,), sentence=name, cite=(name,), versions=((name, name),),
        )
    )  # fmt: skip
    for made in (text, audit_fragment(example.copying(pairs=(pair,), sentence=name))):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", made)
        assert "<img src=x" not in made and "&lt;img src=x" in made and SHOWN in made
        assert all(
            at.get("src", "data:").startswith("data:") for tag, at in Parsed(made).tags if tag == "img"
        )


def noise(row: int, side: int = 160) -> str:
    return example.png(np.random.default_rng(row).integers(0, 256, (side, side, 3), dtype=np.uint8))


@pytest.mark.usefixtures("undrawn")
def test_whatever_goes_in_the_page_stays_light():
    long = "x" * 4000
    mine = [
        example.pair(
            k, channel="blend", train=(k, k + 1), train_names=(long, long), sample_name=long,
            sample_picture=noise(3 * k), train_pictures=(noise(3 * k + 1), noise(3 * k + 2)),
        )
        for k in range(48)
    ]  # fmt: skip
    many = tuple((f"{k}.png", "truncated file") for k in range(100_000))
    result = example.copying(
        pairs=tuple(mine[k % PAIRS] for k in range(100_000)),
        random_pairs=tuple(mine[PAIRS:]),
        inputs=example.inputs(samples=example.source("generated/", 400, unreadable=many), overlap=many),
        duplicates=(tuple(one[0] for one in many), *many),
    )
    text = audit_page(result)
    size = len(text.encode())
    assert size < 5_000_000
    words = Parsed(text).words
    assert "The 24 closest pairs of 100,000" in words
    assert words.count(f"The first {LISTED} of 100,000;") == 2 and "and 99,980 more" in words
    assert len(audit_fragment(result).encode()) < 1_500_000


def test_pictures_that_cannot_be_read_are_left_out():
    broken = example.png(example.digits()[0])[:80]
    pair = example.pair(1, sample_picture="no base64 \N{BULLET}", train_pictures=(broken,))
    text = audit_page(example.cannot_tell(pairs=(pair,)))
    assert "data:image" not in text.split("</head>")[1] and pair.sample_name in text


def test_grey_color_and_transparent_pictures_are_shown():
    from io import BytesIO

    from PIL import Image

    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        buffer = BytesIO()
        Image.new(mode, (8, 8)).save(buffer, "PNG")
        pair = example.pair(1, sample_picture=base64.b64encode(buffer.getvalue()).decode())
        assert 'alt="Sample ' in audit_page(example.cannot_tell(pairs=(pair,))), mode


def test_the_same_record_gives_the_same_bytes(text):
    assert audit_page(example.copying()) == text


def test_the_record_may_come_from_its_json(text):
    result = example.copying()
    assert audit_page(type(result).model_validate_json(result.model_dump_json())) == text


@pytest.mark.usefixtures("undrawn")
def test_entries_are_known_papers_or_written_out():
    key = next(iter(PAPERS))
    text = audit_page(example.cannot_tell(cite=("byheart", key, "@article{a,\n  title = {B & C}\n}")))
    assert (
        "@article{a,\n  title = {B &amp; C}\n}" in text
        and key in text
        and text.count("@software{byheart") == 1
    )


def test_the_fragment_stands_alone():
    text = audit_fragment(example.copying())
    page = Parsed(text)
    assert page.depth == [] and page.ids() == [] and len(text) < 200_000
    assert len([1 for tag, _ in page.tags if tag == "img"]) == 6 * 2 + 1
    assert "The 6 closest pairs of 30" in page.words and "20 of 400" in page.words
    assert not {"script", "link"} & {tag for tag, _ in page.tags}
    rules = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1].strip().splitlines()
    assert all(rule.startswith(".byheart-audit") for rule in rules)


def test_the_fragment_needs_no_pair():
    assert "closest" not in audit_fragment(example.cannot_tell(pairs=()))


def test_it_needs_no_torch():
    assert heavy_imports("byheart.auditing.page.page, byheart.auditing.page.dedup") == "[]"


def test_blur_alone_is_no_pose_to_draw():
    text = audit_page(example.cannot_tell(pairs=(example.pair(0, pose=Pose(blur=0.7)),)))
    assert "<use" not in text and "blurred by 0.7" in text
