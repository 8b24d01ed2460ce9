"""The audit from end to end: on digits, small, with copies planted or not."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

import byheart
from byheart._checks import InputError
from byheart.analysis.calibration.ranks import chosen_rank, p_values
from byheart.auditing.assess import channel
from byheart.auditing.audit import audit
from byheart.auditing.dedup import dedup
from byheart.auditing.findings import _spared
from byheart.auditing.measures import _at_floor
from byheart.auditing.page.page import audit_page
from byheart.auditing.result import AuditResult
from byheart.data.named import load
from byheart.data.spec import Data

N, M = 160, 110
SMALL = {"planted": 4, "queries": 50}


@pytest.fixture(scope="module")
def digits():
    """(n, 28, 28) in [0, 1], shuffled."""
    found = load(Data(name="digits"))
    small = found.to_pixels(found.images).float().clamp(0, 1)
    order = torch.randperm(len(small), generator=torch.Generator().manual_seed(8))
    large = interpolate(small[order], size=28, mode="bicubic", align_corners=False).clamp(0, 1)
    return ((large * 255).round() / 255)[:, 0].numpy()


@pytest.fixture(scope="module")
def sets(digits):
    return {"train": digits[:N], "heldout": digits[N : N + M]}


@pytest.fixture(scope="module")
def convicted(digits, sets):
    copies = np.clip(digits[:25] * 0.8, 0, 1)
    samples = np.concatenate([digits[N + M : N + M + 45], copies[:, :, ::-1]])
    return audit(samples=samples, **sets, **SMALL)


@pytest.fixture(scope="module")
def cleared(digits, sets):
    return audit(samples=digits[N + M : N + M + 40], **sets, **SMALL)


def test_copies_are_convicted_image_by_image(convicted):
    assert convicted.verdict == "copying"
    assert (
        convicted.copy_share.low > 0.1
        and convicted.copy_share.corrected.low <= 25 / 70 <= convicted.copy_share.corrected.high
    )
    whole = [pair for pair in convicted.pairs if pair.channel == "whole" and pair.flagged]
    assert len(whole) >= 22
    right = sum(pair.train == (pair.sample - 45,) for pair in whole)
    assert right >= 22
    assert sum(pair.pose.flip for pair in whole if pair.train == (pair.sample - 45,)) >= 0.9 * right
    assert all(pair.p == pytest.approx(1 / (M + 1)) for pair in whole)


def test_fresh_images_are_cleared(cleared):
    assert cleared.verdict == "no evidence"
    assert cleared.power.below is not None and 0 < cleared.power.below < 0.2
    assert f"{100 * cleared.power.below:.2g} %" in cleared.power.sentence
    assert len(cleared.pairs) >= 12 and not any(
        pair.flagged for pair in cleared.pairs if pair.channel == "whole"
    )


def test_the_result_makes_the_round_trip(convicted, tmp_path):
    file = convicted.save_json(tmp_path / "audit.json")
    assert AuditResult.read(file) == convicted
    assert json.loads(file.read_text())["verdict"] == "copying"


def test_a_damaged_result_is_refused(tmp_path):
    (tmp_path / "half.json").write_text('{"verdict": "copying"')
    with pytest.raises(InputError, match="no result of an audit"):
        AuditResult.read(tmp_path / "half.json")


def test_the_page_and_the_notebook_show_the_verdict(convicted, tmp_path):
    page = convicted.save_html(tmp_path / "audit.html").read_text()
    assert convicted.sentence.split(":")[0] in page
    assert "Copying" in convicted._repr_html_() or "copying" in convicted._repr_html_()


def test_the_classical_measures_stand_beside_it(convicted, cleared):
    names = {measure.name for measure in convicted.measures}
    assert {"f_mem", "Carlini", "DCR share", "AuthPct", "exact duplicates", "dHash duplicates"} <= names
    nearer = {m.name: m.value for m in cleared.measures}["DCR share, all"]
    assert abs(nearer - N / (N + M)) < 0.2
    assert {measure.family for measure in convicted.measures} == {"copying", "fidelity", "novelty"}


def test_the_card_shows_misses_too(convicted):
    rows = {row.name: row for row in convicted.card}
    assert rows["exact"].recall.value == 1 and rows["inversion"].recall.value == 0
    assert sum(row.main for row in convicted.card) == 13


def test_histograms_count_everybody(convicted):
    samples, heldout = convicted.histograms
    assert sum(samples.counts) == 70 and sum(heldout.counts) == M


def test_the_same_seed_says_the_same(digits, sets, cleared):
    again = audit(samples=digits[N + M : N + M + 40], **sets, **SMALL)
    assert again.model_copy(update={"seconds": 0.0}) == cleared.model_copy(update={"seconds": 0.0})


def test_without_held_out_images_there_is_no_rate(digits, sets):
    found = audit(samples=digits[:20] * 0.9, train=sets["train"], **SMALL)
    assert found.verdict == "cannot tell" and found.copy_share is None and found.power.below is None
    assert all(pair.p is None and not pair.flagged for pair in found.pairs)
    assert found.pairs[0].train == (found.pairs[0].sample,)
    assert len(found.card) == 21 and all(row.recall is None for row in found.card)
    assert "it is unknown how many of the test copies would be" in audit_page(found)


def test_too_few_held_out_images_accuse_nobody(digits, sets):
    found = audit(samples=digits[:20] * 0.9, train=sets["train"], heldout=sets["heldout"][:90], **SMALL)
    assert found.verdict == "cannot tell" and "90 held-out" in found.sentence
    assert all(row.recall is None for row in found.card)
    assert not any(pair.flagged for pair in found.pairs)


def test_training_images_that_occur_again_are_said(digits, sets):
    train = np.concatenate([sets["train"], sets["train"][:40], sets["train"][:30], sets["train"][:30]])
    found = audit(samples=digits[N + M : N + M + 40], train=train, heldout=sets["heldout"], **SMALL)
    assert any("have an equal or nearly equal duplicate" in warning for warning in found.warnings)
    assert any(len(cluster) >= 4 for cluster in found.duplicates)
    assert found.verdict == "no evidence"


def test_a_training_image_that_occurs_ten_times_is_still_convicted(digits, sets):
    train = np.concatenate(
        [sets["train"], *[np.clip(sets["train"][:30] + 0.004 * k, 0, 1) for k in range(1, 11)]]
    )
    found = audit(samples=np.clip(digits[:30] * 0.9, 0, 1), train=train, heldout=sets["heldout"], **SMALL)
    assert found.verdict == "copying"
    assert found.distinct.observed <= 32


def test_a_memorizing_denoiser_is_convicted_with_its_signals(sets):
    pixels = torch.from_numpy(sets["train"])[:, None]
    model = byheart.denoisers.empirical(pixels)
    found = audit(samples=model, count=40, **sets, **SMALL)
    assert found.verdict == "copying"
    assert sum("returns every training image exactly" in warning for warning in found.warnings) >= 3
    assert found.denoised[0].name == "whole"


def test_features_are_audited_by_their_distances():
    draws = torch.Generator().manual_seed(0)
    train, heldout, fresh = (torch.randn(count, 12, generator=draws).numpy() for count in (400, 400, 150))
    copies = train[:20] + 0.01 * torch.randn(20, 12, generator=draws).numpy()
    guilty = audit(samples=np.concatenate([fresh[:100], copies]), train=train, heldout=heldout)
    assert guilty.verdict == "copying" and guilty.copy_share.corrected is None
    assert {pair.train[0] for pair in guilty.pairs if pair.flagged and pair.sample >= 100} == set(range(20))
    assert audit(samples=fresh, train=train, heldout=heldout).verdict == "no evidence"


def test_features_in_which_held_out_rows_look_like_copies_name_nobody():
    draws = torch.Generator().manual_seed(0)
    centers = torch.randn(300, 12, generator=draws)

    def near(rows):  # some as near to a training row as noisy copies of it are
        return (centers[rows] + 0.15 * torch.randn(len(rows), 12, generator=draws)).numpy()

    train, heldout, samples = (near(range(*ends)) for ends in ((0, 300), (0, 300), (0, 150)))
    found = audit(samples=samples, train=train, heldout=heldout)
    assert found.population.share.value > 0.05 and not found.population.flags_on
    assert found.verdict == "cannot tell" and "300 held-out rows" not in found.sentence
    assert found.channels[0].rule == "none" and found.channels[0].flags == 0
    assert not any(pair.flagged for pair in found.pairs) and found.copy_share.low < 0.1
    copies = np.concatenate([train[:120], samples[120:]])
    excess = audit(samples=copies, train=train, heldout=heldout)
    assert excess.verdict == "copying" and "cannot say which samples" in excess.sentence
    assert excess.copy_share.rank > excess.channels[0].rank == 1  # the share's own, as nobody is accused
    assert excess.copy_share.low > 0.5 and not any(pair.flagged for pair in excess.pairs)


def test_features_apart_from_each_other_may_be_accused():
    draws = torch.Generator().manual_seed(1)
    train, heldout, fresh = (torch.randn(count, 12, generator=draws).numpy() for count in (400, 400, 150))
    found = audit(samples=fresh, train=train, heldout=heldout)
    assert found.population.flags_on and found.population.share.value <= found.population.limit == 0.005


def test_whom_only_the_blurred_held_out_images_spare_is_counted():
    scores = np.array([5.0, 2.0, 0.5])
    plain, blurred = np.linspace(0, 1, 400), np.linspace(0, 3, 400)
    rank, null = chosen_rank(0.01, 400), SimpleNamespace(whole=plain)
    whole = channel("whole", p_values(scores, plain, blurred), plain, rank, guard=(blurred,))
    assert whole.record.flags == 1
    assert _spared(scores, whole, null, rank) == 1


@pytest.mark.parametrize(
    "settings", [{"alpha": 0}, {"alpha": 0.6}, {"planted": 1}, {"queries": 10}, {"rule": "none"}]
)
def test_settings_out_of_range_are_refused(sets, settings):
    with pytest.raises(InputError, match="for the defaults"):
        audit(samples=sets["train"], **sets, **settings)


def test_samples_that_are_the_training_images_are_refused(sets):
    with pytest.raises(InputError, match="different sets"):
        audit(samples=sets["train"], **sets)


def test_held_out_images_from_the_training_set_are_refused_or_said(digits, sets):
    leaky = np.concatenate([sets["heldout"], digits[:3]])
    with pytest.raises(InputError, match="allow-overlap"):
        audit(samples=digits[-60:], train=sets["train"], heldout=leaky, **SMALL)
    samples = np.concatenate([digits[-60:], np.full((1, 28, 28), 0.5), 0.01 * digits[:1]])
    found = audit(samples=samples, train=sets["train"], heldout=leaky, allow_overlap=True, **SMALL)
    assert len(found.inputs.overlap) == 3 and any(
        "kept as requested" in warning for warning in found.warnings
    )
    assert any("2 of the 62 samples are blank or nearly so" in reason for reason in found.reasons)


def test_fewer_than_34_training_images_are_refused(digits, sets):
    with pytest.raises(InputError, match="at least 34"):
        audit(samples=digits[-60:], train=digits[:30], heldout=sets["heldout"], **SMALL)


def test_duplicates_of_a_folder_are_found_with_their_pose(digits):
    images = np.concatenate([digits[:120], digits[:4], digits[4:8, :, ::-1]])
    found = dedup(images, planted=8, queries=80)
    assert found.exact == 4 and found.distinct in (119, 120)
    pairs = {tuple(member.name for member in cluster.members) for cluster in found.clusters}
    assert {(f"row {i}", f"row {120 + i}") for i in range(8)} <= pairs
    flipped = next(cluster for cluster in found.clusters if cluster.representative == "row 4")
    assert any(member.pose.flip for member in flipped.members)


def test_duplicates_of_few_images_are_told_where_they_are_equal(digits):
    found = dedup(np.concatenate([digits[:10], digits[:2]]))
    assert found.exact == 2 and found.distinct == 10 and found.threshold is None and found.warnings


def test_features_have_no_duplicates_in_poses():
    with pytest.raises(InputError, match="poses"):
        dedup(np.random.default_rng(0).normal(size=(50, 8)))


def test_an_unknown_encoder_is_refused_before_the_work(digits, sets):
    stages = []
    with pytest.raises(InputError, match="encoder"):
        audit(
            samples=digits[-60:],
            **sets,
            features="pixel",
            tell=lambda stage, done, total: stages.append(stage),
        )
    assert stages == ["reading the images"]


def test_an_empty_path_is_refused(sets):
    with pytest.raises(InputError, match="empty path"):
        audit(samples="", **sets)


def test_a_distance_at_its_floor_is_said(cleared):
    fd = {measure.name: measure for measure in cleared.measures}["FD"]
    said = any("no larger than two sets of real images" in warning for warning in cleared.warnings)
    assert said == (fd.value <= 1.1 * fd.reference)
    at_floor = _at_floor((fd.model_copy(update={"value": 1.0, "reference": 0.95}),))
    assert len(at_floor) == 1 and "(1)" in at_floor[0] and "(0.95)" in at_floor[0]
    assert _at_floor((fd.model_copy(update={"value": 1.0, "reference": 0.9}),)) == []


def test_duplicates_are_written_from_python(digits, tmp_path):
    found = dedup(np.concatenate([digits[:10], digits[:2]]))
    assert json.loads(found.save_json(tmp_path / "dedup.json").read_text())["distinct"] == 10
    assert "row 10" in found.save_html(tmp_path / "dedup.html").read_text()


def test_the_settings_are_in_the_result(cleared):
    assert dict(cleared.settings) == {
        "rule": "pac",
        "planted": "4",
        "queries": "50",
        "pad": "edge",
        "encoder": dict(cleared.settings)["encoder"],
    }
    assert dict(cleared.settings)["encoder"].startswith("pixels")


def test_a_cache_may_lie_in_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    heard = []
    monkeypatch.setattr(
        "byheart.auditing.audit.measures", lambda *_, cache, **__: heard.append(cache) or 1 / 0
    )
    images = np.random.default_rng(0).integers(0, 256, (200, 32, 32), dtype=np.uint8)
    with pytest.raises(ZeroDivisionError):
        audit(
            samples=images[:20],
            train=images[20:100],
            heldout=images[100:],
            planted=4,
            queries=50,
            cache="~/kept",
        )
    assert heard == [tmp_path / "kept"]
