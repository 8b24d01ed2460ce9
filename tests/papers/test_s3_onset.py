"""S3, figure 2, on the digits: what `make demo` must show.  Minutes."""

import pytest

from byheart.experiments.study.conduct import conduct
from byheart.experiments.study.recipe import load_study
from byheart.studies.onset.gather import onset_content


@pytest.mark.slow
def test_the_demo_shows_the_clocks(tmp_path):
    folder = conduct(load_study("onset"), "demo", root=tmp_path, workers=2)
    claims = {claim["id"]: claim for claim in folder.claims()}
    for name in ("S3-A", "S3-A-split"):
        assert 0.8 <= claims[name]["measured"] <= 1.4
        assert claims[name]["low"] < claims[name]["measured"] < claims[name]["high"]
    assert abs(claims["S3-B"]["measured"]) <= 0.35
    assert claims["B-S3-A-reached"]["measured"] == 1.0
    for run in onset_content(folder).runs:
        assert run.references["f_mem/empirical"] == 1.0
        assert run.references["f_mem/heldout"] < 0.01
