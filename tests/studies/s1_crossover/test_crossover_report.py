"""The page of S1's study from made-up runs: what is drawn is what is stored, what is said was reproduced."""

import re
from dataclasses import replace
from typing import get_args

import crossover_rows as made
import pytest
import torch

from byheart.experiments.kinds.mixtures.spec import MixturesRun
from byheart.experiments.quantities import quantity
from byheart.experiments.runs.curves import Curve, read_curves
from byheart.experiments.study.claims import unmeasured
from byheart.experiments.study.conduct import conduct
from byheart.experiments.study.recipe import Study, load_study
from byheart.experiments.study.sentences import say
from byheart.studies.pages import write_report
from byheart.studies.s1_crossover.gather import crossover_content
from byheart.studies.s1_crossover.lines import (
    FROM_POINTS,
    Population,
    TemplatePopulation,
    by_size,
    half,
    over_runs,
)
from byheart.studies.s1_crossover.panels.networks import network_panels
from byheart.studies.s1_crossover.panels.one_population import (
    colored_panel,
    factor_panel,
    loss_panel,
    ratio_panel,
    threshold_panel,
    transition_panel,
)
from byheart.studies.s1_crossover.panels.populations import fitted, phase_panel, seen, universality_panel
from byheart.studies.s1_crossover.panels.starts import STARTS, start_panels, starts, widths_panel
from byheart.theory.crossover import smallest_snr
from byheart.training.mixtures import mixture_cell
from byheart.training.template_step import template_cell

RECIPE = load_study("s1-crossover")
PUBLISHED = RECIPE.published
IDS = sorted({claim for sentence in RECIPE.says for claim in sentence.when})
NETWORKS = ("B-S1-N-mlp", "B-S1-N-unet")
TRANSITION = {name: dict(points) for name, points in PUBLISHED["transition"].items()}

HEADS = (
    "The transition", "The transition depends on what is called a copy", "Losses on training points and on new points",
    "The learned variance", "Where the components end up", "Is the transition at the same M / N everywhere?", "Phase diagram",
    "The transition depends on the starting values", "Training loss from the same starting values",
    "One variance for all, or one each", "Colored images",
    "Does a network store points one by one?", "Does a network store colored images one by one?",
    "Excess loss of the true denoiser", "Constant C of the loss of stored points",
)  # fmt: skip


def study() -> Study:
    """The study with those of its claims that its sentences rest on."""
    claims = [claim.model_dump() for claim in RECIPE.claims if claim.id in (*IDS, *NETWORKS)]
    arms = {arm: {"base": {}} for arm in made.arms()}
    scales = {"cpu": {"takes": "no time", "arms": [{"arm": "transition"}]}}
    return Study.model_validate(
        {
            "name": "s1-crossover",
            "title": "When?",
            "paper": "2508.17689",
            "page": "s1-crossover",
            "varies": [],
        }
        | {"main_arm": "transition", "arms": arms, "scales": scales, "claims": claims}
        | {"published": PUBLISHED, "says": [sentence.model_dump() for sentence in RECIPE.says]}
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = made.stored(tmp_path_factory.mktemp("runs"), study().model_dump(mode="json"), [], made.arms())
    rows = []
    for claim in study().claims:
        value = quantity(claim.quantity, read_curves(found.folders()[claim.arm]), figures=PUBLISHED)
        measured = {"measured": value.value, "low": value.low, "high": value.high, "count": value.count}
        rows.append(
            unmeasured(claim)
            | measured
            | {"verdict": "contradicted" if claim.id in NETWORKS else "reproduced"}
        )
    made.write_claims(found, rows)
    write_report(found.path)
    return found


@pytest.fixture(scope="module")
def curves(folder):
    return {arm: read_curves(found) for arm, found in folder.folders().items()}


@pytest.fixture(scope="module")
def content(folder):
    return crossover_content(folder)


def labeled(panel, label):
    return next(line for line in panel.lines if line.label == label)


def rings(panel):
    return [line for line in panel.lines if line.style == "published"]


def test_the_page_shows_every_arm(folder, content):
    page = folder.report.read_text()
    assert tuple(panel.head for panel in content.laboratory.panels) == HEADS
    assert (
        page.count("<svg") == len(HEADS)
        and "A Gaussian mixture with one common variance, started at its training points" in page
    )
    words = re.sub(r"<(svg|style|pre).*?</\1>", "", page, flags=re.DOTALL)
    assert not re.search(r"\b(nan|None|inf)\b", words)
    assert (folder.path / "crossover.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_can_be_written_again(folder):
    before = folder.report.read_text()
    folder.report.unlink()
    assert write_report(folder.path).read_text() == before


@pytest.mark.parametrize(
    ("arm", "heads"),
    {
        "transition": HEADS[:5],
        "points": HEADS[:5],
        "fresh": (*HEADS[:5], *HEADS[7:9]),
        "free": HEADS[9:10],
        "colored": (HEADS[0], HEADS[1], HEADS[10]),
        "mlp": HEADS[11:12],
        "unet": HEADS[12:13],
        "losses": HEADS[13:],
        "single": HEADS[13:14],
        "coloredlosses": HEADS[13:14],
    }.items(),
)
def test_an_arm_alone_has_its_own_figures(tmp_path, arm, heads):
    found = made.stored(tmp_path, study().model_dump(mode="json"), [], {arm: made.arms()[arm]})
    content = crossover_content(found)
    assert tuple(panel.head for panel in content.laboratory.panels) == heads
    assert content.weighting is None
    assert "these runs do not settle it" in content.laboratory.advice
    assert not content.laboratory.reasons


def test_a_mean_over_runs_has_student_s_interval():
    found = over_runs([{"a": 1.0}, {"a": 2.0}, {"a": 3.0}, {}], "a")
    assert (found.value, found.low, found.high) == pytest.approx((2, 2 - 2.4841, 2 + 2.4841), abs=1e-4)


def test_one_run_has_the_interval_of_its_samples():
    found = over_runs([{"a": 0.5, "a_low": 0.4, "a_high": 0.7}], "a")
    assert (found.value, found.low, found.high) == (0.5, 0.4, 0.7)


def test_the_transition_is_that_of_the_trained_models(curves):
    panel = transition_panel(curves["transition"], PUBLISHED)
    trained = labeled(panel, "trained")
    assert list(trained.x) == list(made.SHARES)
    at = trained.x.index(0.8)
    values = [made.copied(0.8, 0.8 + 0.004 * seed)["f_mem@0.333"] for seed in range(3)]
    assert (
        trained.y[at] == pytest.approx(sum(values) / 3) and trained.low[at] < trained.y[at] < trained.high[at]
    )
    assert min(trained.low) >= 0 and max(trained.high) <= 1
    assert (
        "The share passes one half at M = 0.80" in panel.caption
        and "3 training sets of N = 200" in panel.caption
    )
    assert rings(panel)[0].y == list(TRANSITION["f_mem"].values())


def test_the_published_curve_is_shown_of_its_own_population_only(curves):
    assert not rings(transition_panel(curves["universality"][:1], PUBLISHED))
    assert not rings(loss_panel(curves["universality"][:1], PUBLISHED))
    assert len(rings(loss_panel(curves["transition"], PUBLISHED))) == 2


def test_thresholds_are_ordered_from_the_widest(curves):
    lines = [line for line in threshold_panel(curves["transition"]).lines if line.label]
    assert [line.label for line in lines] == ["d₁ < 1/2 d₂", "d₁ < 1/3 d₂", "d₁ < 1/4 d₂", "d₁ < 1/5 d₂"]
    at = lines[0].x.index(0.8)
    assert [line.y[at] for line in lines] == sorted((line.y[at] for line in lines), reverse=True)


def test_the_approximations_are_those_of_the_theory(curves):
    panel = loss_panel(curves["transition"], PUBLISHED)
    assert labeled(panel, "d s/(1 + ψ s)").y == pytest.approx([50 / 7.704] * 2)
    stored = labeled(panel, "C (1 − M/N) d s")
    for share, factor in ((0.1, 2.24), (0.75, 1.47)):  # the second as published, the first of the formula
        x, y = min(zip(stored.x, stored.y, strict=True), key=lambda pair: abs(pair[0] - share))
        assert y == pytest.approx(factor * (1 - x) * 50, rel=0.02)
    assert labeled(panel, "true denoiser, new points").y == (made.TRUE_LOSS, made.TRUE_LOSS)
    assert 1.0 not in labeled(panel, "training points").x and 1.0 in labeled(panel, "new points").x


def test_a_model_that_stores_every_point_does_not_stretch_the_losses():
    spec, rows = made.mixtures_run()
    rows = [row | ({"loss/train": 1e-9} if row.get("share") == 1 else {}) for row in rows]
    panel = loss_panel([Curve("r", 200, 0, rows, {}, spec)], {})
    assert labeled(panel, "training points").y[-1] == 1e-9 and panel.limits[0] > 0.1


def test_every_population_has_its_transition(curves):
    cells = seen([curve for found in curves.values() for curve in found])
    assert len(cells) == 9 and sum(len(cell.transitions) for cell in cells) == 19
    assert all(cell.mean == pytest.approx(0.8, abs=0.03) for cell in cells)


def test_the_transition_of_other_starts_is_another(curves):
    (fresh,) = [replace(one, spec=one.spec | {"start": "population"}) for one in curves["transition"][:1]]
    assert seen([fresh]) == [] and len(seen(curves["transition"][:1])) == 1


def test_the_phase_diagram_counts_components_and_the_other_divides_by_points(curves):
    cells = seen(curves["universality"])
    for panel, factor in ((universality_panel(cells, None), 1), (phase_panel(cells), 100)):
        values = [
            y
            for line in panel.lines
            if line.style == "points"
            for x, y in zip(line.x, line.y, strict=True)
            if x > 75
        ]
        assert len(values) == 8 and min(values) > 0.75 * factor and max(values) < 0.85 * factor


def test_the_fit_is_tried_on_cells_that_it_did_not_see(curves, content):
    cells = seen([curve for found in curves.values() for curve in found])
    fit = fitted(cells)
    kept = [cell.mean for at, cell in enumerate(cells) if at % 3]
    assert fit.constant == pytest.approx(sum(kept) / 6)
    left = [cell.mean for cell in cells[::3]]
    assert fit.constant_heldout_error == pytest.approx(sum((one - fit.constant) ** 2 for one in left) / 3)
    assert content.weighting.cells == 6 and content.weighting.heldout == 3
    # S1's formulas give all cells one crossover: the 26 numbers are one.
    assert content.weighting.constraints == 1 and content.weighting.numbers == 26
    assert fitted(cells[:2]) is None


def test_a_perfect_prediction_errs_by_the_noise_of_the_cells_means(curves):
    cells = seen(curves["universality"])
    expected = sum((a - b) ** 2 / 4 for a, b in (cell.transitions for cell in cells)) / len(cells)
    assert fitted(cells).floor == pytest.approx(expected)


def test_starts_stand_in_order_beside_the_true_denoiser(curves):
    groups = starts([curve for found in curves.values() for curve in found])
    copied, loss = start_panels(groups)
    assert copied.names == ("nearest pairs", "training points", "new samples", "Gaussian")
    shares = labeled(copied, "trained").y
    assert shares[0] > shares[1] > 0.4 and max(shares[2:]) < 0.01
    assert set(labeled(loss, "true denoiser").y) == {19.9} and "4 runs each" in copied.caption


def test_starts_of_many_sizes_are_compared_at_four_fifths():
    runs = [
        made.mixtures_run(n=50, shares=(0.5, 0.8, 1.0), start=start) for start in ("training", "population")
    ]
    groups = starts([Curve(spec["start"], 50, 0, rows, {}, spec) for spec, rows in runs])
    assert "M = 0.8 N, N = 50" in start_panels(groups)[0].caption


def test_every_start_of_a_run_has_a_name():
    assert set(STARTS) == {*get_args(MixturesRun.model_fields["start"].annotation)}
    assert MixturesRun.model_fields["start"].default == FROM_POINTS


def test_no_start_is_compared_with_nothing(curves):
    assert starts(curves["transition"]) == {} and start_panels({}) == []


def test_the_floor_of_colored_images_is_the_true_denoiser_s(curves):
    floor = labeled(colored_panel(curves["colored"], PUBLISHED), "true denoiser")
    assert set(floor.y) == {made.copied(0.0, 0.25)["f_mem@0.333"]}


def every(curves, *arms):
    return [curve for arm in arms for curve in curves[arm]]


def test_networks_are_measured_in_points_that_their_parameters_could_hold(curves):
    (panel,) = network_panels({"mlp": curves["mlp"]}, curves["universality"])
    line = labeled(panel, "mlp")
    assert line.x == pytest.approx([2 * width / 50 for width in (4, 8, 16, 32, 64, 128)])
    assert line.y[3] == pytest.approx(1 / (1 + (50 / 64) ** 2))  # the last record, not the first
    assert "for mlp at 0.99" in panel.caption and "N = 50, d = 30, K = 3" in panel.caption


def test_every_network_stands_beside_mixtures_of_its_own_population(curves):
    mixtures = every(curves, "transition", "universality", "free", "fresh", "colored")
    points, images = network_panels({arm: curves[arm] for arm in ("mlp", "unet")}, mixtures)
    assert [line.label for line in points.lines] == ["mixtures", "mlp"]
    assert [line.label for line in images.lines] == ["mixtures", "unet"]
    isotropic = [
        curve
        for curve in curves["universality"]
        if (curve.n, curve.spec["data"]) == (50, made.mixture(30, 3))
    ]
    for panel, own in ((points, isotropic), (images, curves["colored"])):
        assert labeled(panel, "mixtures").y == [value.value for _, value in by_size(own, "f_mem@0.333")]
    assert labeled(points, "mixtures").x[-1] == pytest.approx((50 * 30 + 1) / (30 * 50))
    # Templates of 8 × 8 pixels and a color, of images of three channels.
    assert labeled(images, "mixtures").x[-1] == pytest.approx((50 * (64 + 3) + 1) / (192 * 50))
    assert f"mixtures at {half(curves['colored']).value * 67 / 192 + 1 / 9600:.3f}" in images.caption


def test_mixtures_of_another_population_are_not_compared(curves):
    other = [replace(curve, n=49) for curve in curves["colored"]]
    (panel,) = network_panels({"unet": curves["unet"]}, [*other, *curves["transition"]])
    assert [line.label for line in panel.lines] == ["unet"] and "mixture" not in panel.caption


def test_networks_without_a_count_of_parameters_are_left_out(curves):
    known, *_ = curves["mlp"]
    blind = replace(known, rows=[{"step": 1, "dimension": 30, "f_mem": 0.5}])
    photos = replace(known, spec=known.spec | {"data": {"name": "celeba"}})
    assert network_panels({"mlp": [blind, photos]}, []) == []
    assert "for mlp not between these sizes" in network_panels({"mlp": [known]}, [])[0].caption
    (panel,) = network_panels({"mlp": [*curves["mlp"], blind]}, [])
    assert len(labeled(panel, "mlp").x) == 6


def test_what_a_mixture_learns_is_what_is_counted():
    points = mixture_cell(torch.zeros(10, 30), 1.0), Population(50, 30, 3)
    images = (
        template_cell(torch.ones(10, 8, 8), torch.ones(10, 3), 1.0),
        TemplatePopulation(50, "digits", 8, 4),
    )
    for cell, of in (points, images):
        assert sum(value.numel() for value in cell.parameters.values()) == of.parameters(10)
    assert images[1].dimension == 3 * 8 * 8


def test_free_widths_stand_beside_one_width_of_the_same_population(curves):
    panel = widths_panel(every(curves, "transition", "universality", "points", "fresh", "free", "colored"))
    assert labeled(panel, "one each").y == [
        value.value for _, value in by_size(curves["free"], "f_mem@0.333")
    ]
    shared = labeled(panel, "one for all")
    assert shared.x == list(made.SHARES[3:]) and max(shared.y[:2]) < 0.2 < min(labeled(panel, "one each").y)
    free, one = (
        float(place) for place in re.findall(r"half of the samples are copies at M = ([\d.]+)", panel.caption)
    )
    assert free == pytest.approx(0.52, abs=0.02) and one == pytest.approx(0.8, abs=0.02)
    assert "N = 50, d = 30, K = 3" in panel.caption


def test_free_widths_from_other_starts_are_not_shown(curves):
    fresh = [replace(one, spec=one.spec | {"start": "population"}) for one in curves["free"]]
    assert widths_panel([*fresh, *curves["universality"]]) is None
    assert [line.label for line in widths_panel(curves["free"]).lines] == ["one each"]


def test_free_widths_enter_no_other_figure(tmp_path, content):
    arms = made.arms()
    free = arms.pop("free")
    found = made.stored(tmp_path, study().model_dump(mode="json"), [], arms)
    mixed = made.stored(
        tmp_path / "mixed",
        study().model_dump(mode="json"),
        [],
        arms | {"transition": [*free, *arms["transition"]]},
    )
    without, whole, same_arm = (crossover_content(found), content, crossover_content(mixed))
    for other in (whole, same_arm):
        panels = [panel for panel in other.laboratory.panels if panel.head != HEADS[9]]
        assert panels == list(without.laboratory.panels) and other.weighting == without.weighting


def test_runs_that_differ_in_sizes_alone_are_one_measurement(curves):
    cell = [
        curve
        for curve in curves["universality"]
        if (curve.n, curve.spec["data"]) == (50, made.mixture(30, 3))
    ]
    (found,) = [value for share, value in by_size([*cell, *curves["points"]], "f_mem@0.333") if share == 0.8]
    assert len(cell) == 2 and len(curves["points"]) == found.count == 4


def test_the_ratio_of_one_component_is_that_of_its_whole_loss(curves):
    panel = ratio_panel({arm: curves[arm] for arm in ("losses", "single", "coloredlosses")})
    assert labeled(panel, "one component").y == pytest.approx([1.0] * 26)
    several = labeled(panel, "d = 50, K = 12")
    assert several.y[-1] == pytest.approx(1.0) and several.y[0] < 0.05
    assert labeled(panel, "outside the theorem").x[1] == pytest.approx(smallest_snr(50))


def test_c_is_shown_at_the_level_of_the_paper(curves):
    panel = factor_panel(curves["losses"])
    assert "ψ = 6.7" in panel.caption
    assert labeled(panel, "measured").y == pytest.approx([1.85, 1.7, 1.55])
    assert labeled(panel, "finite C").y == pytest.approx([0.99 * y for y in (1.85, 1.7, 1.55)])
    assert labeled(panel, "too few for the theorem").x[1] == pytest.approx(146 / 200, abs=0.005)


def sentences(rows):
    """The headline, and what stands below it."""
    said = say(RECIPE.says, rows)
    return [said.advice, *said.reasons]


@pytest.mark.parametrize("missing", IDS)
def test_nothing_is_said_that_was_not_reproduced(folder, missing):
    rows = folder.claims()
    fewer = [row | ({"verdict": "unresolved"} if row["id"] == missing else {}) for row in rows]
    whole, left = sentences(rows), sentences(fewer)
    assert len(whole) == 10 and left != whole
    assert set(left[1:]) <= set(whole[1:])


def test_a_sentence_leaves_the_page_with_its_claim(tmp_path):
    arms = {"transition": made.arms()["transition"]}
    found = made.stored(tmp_path, study().model_dump(mode="json"), [], arms)
    row = {
        "id": "B-S1-H",
        "quantity": "q",
        "measured": 0.02,
        "low": 0.01,
        "high": 0.03,
        "count": 3,
        "accept": [0, 1],
    }
    for verdict, times in (("reproduced", 1), ("unresolved", 0), ("contradicted", 0)):
        made.write_claims(found, [row | {"verdict": verdict}])
        page = write_report(found.path).read_text()
        assert page.count("their variances differ by 2.0\N{NO-BREAK SPACE}% at most") == times
        assert page.count("These runs decided none of the claims") == 1 - times


def test_what_was_reproduced_of_mixtures_advises_nobody_about_networks(folder):
    said = [text for text in sentences(folder.claims()) if not text.startswith("Neural networks")]
    assert not any(re.search(r"\b(you|your|model|network)", words) for words in said)
    assert all(re.search(r"mixture|component|formula", words, re.IGNORECASE) for words in said)


@pytest.mark.parametrize("claim", NETWORKS)
def test_networks_that_do_not_follow_the_mixtures_come_first(folder, claim):
    rows = folder.claims()
    first = sentences(rows)[1]
    assert first.startswith("Neural networks behave differently") and "Do not size a network" in first
    milder = [row | ({"verdict": "unresolved"} if row["id"] == claim else {}) for row in rows]
    assert sentences(milder) == [text for text in sentences(rows) if text != first]


def test_sizes_are_those_of_trained_models_only(curves):
    assert [share for share, _ in by_size(curves["transition"], "loss/train")] == list(made.SHARES)


def test_runs_of_a_second_have_a_page(tmp_path):
    """The words of the made-up rows are those of the kinds: the same figures from runs that were carried out."""
    data = {"name": "mixture", "standardize": False, "mixture": {"dimension": 5, "components": 2}}
    mixtures = {"kind": "mixtures", "n": 12, "shares": [0.5, 0.75, 1.0], "samples": 20, "heldout": 20}
    arms = {
        "losses": {"kind": "losses", "n": 12, "shares": [0.5], "draws": 1, "grid": 6, "data": data},
        "transition": mixtures | {"training_steps": 20, "draws": 1, "data": data},
        "fresh": mixtures | {"training_steps": 20, "draws": 1, "start": "population", "data": data},
    }
    recipe = study().model_dump() | {
        "arms": {arm: {"base": base} for arm, base in arms.items()},
        "scales": {
            "ci": {"takes": "a second", "arms": [{"arm": arm, "grid": {"seed": [0, 1]}} for arm in arms]}
        },
        "claims": [],
        "says": [],
    }
    found = conduct(
        Study.model_validate(recipe), "ci", root=tmp_path, tell=lambda event: None, page=write_report
    )
    content = crossover_content(found)
    assert {panel.head for panel in content.laboratory.panels} >= {*HEADS[:5], *HEADS[7:9], *HEADS[13:]}
    labels = {line.label for panel in content.laboratory.panels for line in panel.lines}
    assert {"Lloyd", "finite C", "true denoiser", "training points", "to the nearest true mean"} <= labels
