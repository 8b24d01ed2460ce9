"""Networks by name."""

import subprocess
import sys

import pytest
from pydantic import TypeAdapter

from byheart._checks import InputError
from byheart.models import AnyModel, AnyParametrization, MLPSpec, OnProcess, UNetSpec
from byheart.noise import DDPM

MODELS, PARAMETRIZATIONS = TypeAdapter(AnyModel), TypeAdapter(AnyParametrization)


def test_a_recipe_names_its_network():
    assert MODELS.validate_python({"kind": "mlp", "width": 64}) == MLPSpec(width=64)
    found = MODELS.validate_python({"kind": "unet", "multipliers": [1, 2, 4], "attention": [1, 2]})
    assert found == UNetSpec(multipliers=(1, 2, 4), attention=(1, 2))
    assert MODELS.validate_json(found.model_dump_json()) == found


def test_a_recipe_names_its_parametrization():
    found = PARAMETRIZATIONS.validate_python(
        {"kind": "process", "process": {"kind": "ddpm"}, "predicts": "v"}
    )
    assert found == OnProcess(process=DDPM(), predicts="v")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"width": 12, "groups": 8}, "multiple of 8"),
        ({"width": 9, "groups": 3}, "even width"),
        ({"attention": (0, 2)}, "attention at levels"),
        ({"head_width": 48}, "leave head_width out"),
        ({"dropout": 1.0}, "dropout"),
        ({"multipliers": ()}, "multipliers"),
    ],
)
def test_widths_that_do_not_fit_are_refused(settings, says):
    with pytest.raises(InputError, match=says):
        UNetSpec(**settings)


@pytest.mark.parametrize(("width", "groups"), [(8, 1), (12, 1), (16, 1), (32, 2), (56, 1), (64, 4), (96, 6)])
def test_groups_hold_sixteen_channels_where_that_divides(width, groups):
    assert UNetSpec(width=width).norm_groups == groups
    assert UNetSpec(width=64, groups=8).norm_groups == 8


def test_specifications_need_no_torch():
    code = (
        "import sys; from byheart.models import AnyModel; from byheart.training import Loss; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
