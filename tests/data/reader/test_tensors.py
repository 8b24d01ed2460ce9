"""Tensors of kinds that numpy lacks are read as the numbers that they stand for, or refused."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from byheart._checks import InputError
from byheart.auditing.inputs import gather
from byheart.data.reader.tensors import as_numpy
from byheart.data.reader.whole import read_arrays

X = torch.rand(20, 24, generator=torch.Generator().manual_seed(0))

KINDS = {
    "float8": (lambda: X.to(torch.float8_e4m3fn), X.to(torch.float8_e4m3fn).float()),
    "float8 of another kind": (lambda: X.to(torch.float8_e5m2), X.to(torch.float8_e5m2).float()),
    "bfloat16": (lambda: X.bfloat16(), X.bfloat16().float()),
    "float16": (lambda: X.half(), X.half()),
    "float64": (lambda: X.double(), X.double()),
    "sparse": (lambda: X.relu().to_sparse(), X),
    "compressed rows": (lambda: X.to_sparse_csr(), X),
    "gradient": (lambda: X.clone().requires_grad_(), X),
    "computed from a gradient": (lambda: X.clone().requires_grad_() * 1, X),
    "negative bit": (lambda: torch.complex(X, -X).conj().imag, X),
    "16 bits without sign": (lambda: X.mul(9).to(torch.uint16), X.mul(9).to(torch.uint16)),
    "bool": (lambda: X > 0.5, X > 0.5),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_tensors(kind):
    made, expected = KINDS[kind]
    values = as_numpy(made())
    assert values.dtype == expected.numpy().dtype
    np.testing.assert_array_equal(values, expected.numpy())


@pytest.mark.filterwarnings("ignore")
def test_quantized_tensors_are_the_floats_they_stand_for():
    quantized = torch.quantize_per_tensor(X, 0.01, 0, torch.quint8)
    np.testing.assert_array_equal(as_numpy(quantized), quantized.dequantize().numpy())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "source", [lambda: X.to("meta"), lambda: torch.nested.nested_tensor([X[0], X[1, :3]])]
)
def test_tensors_without_numbers_or_in_pieces_are_refused(source):
    for wrapped in (source(), [source(), source()]):
        with pytest.raises(InputError, match="which numpy cannot hold"):
            gather(wrapped, what="train")


def test_complex_numbers_are_refused():
    for source in (X.cfloat(), list(X.cfloat())):
        with pytest.raises(InputError, match="real numbers"):
            gather(source, what="train")


@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.bfloat16])
def test_files_hold_them_too(tmp_path, kind):
    save_file({"features": X.to(kind)}, tmp_path / "x.safetensors")
    np.testing.assert_array_equal(read_arrays(tmp_path / "x.safetensors").values, X.to(kind).float().numpy())
