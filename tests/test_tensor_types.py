"""Every tensor that the package makes says its type: none takes torch's default type, which belongs to the user."""

import ast
from pathlib import Path

import pytest

import byheart

PACKAGE = Path(byheart.__file__).parent

FLOATS = {
    "zeros",
    "ones",
    "empty",
    "eye",
    "full",
    "tensor",
    "as_tensor",
    "asarray",
    "scalar_tensor",
    "complex",
}
FLOATS |= {"rand", "randn", "normal", "linspace", "logspace", "range", "arange", "fftfreq", "rfftfreq"}
FLOATS |= {"hann_window", "hamming_window", "blackman_window", "bartlett_window", "kaiser_window"}
"""Functions of torch that take the default type, or may, unless they are told one."""

LAYERS = {
    "Linear",
    "Bilinear",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose2d",
    "Embedding",
    "LayerNorm",
    "GroupNorm",
}
LAYERS |= {"BatchNorm1d", "BatchNorm2d", "RMSNorm", "MultiheadAttention"}
"""Layers of torch.nn with weights of their own."""

NEVER = {
    "Tensor",
    "FloatTensor",
    "DoubleTensor",
    "set_default_dtype",
    "get_default_dtype",
    "set_default_device",
}

KEPT = {  # tensors of the user's keep their type
    ("denoisers/by_condition.py", "torch.as_tensor(self.labels)"),
    ("denoisers/by_condition.py", "torch.as_tensor(self.conditions)"),
    ("metrics/copying/choices.py", "torch.as_tensor(rows, device='cpu')"),
}


def untyped(source):
    """Calls of a file's text that make a tensor without saying its type."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [ast.unparse(call) for call in calls if _is_untyped(call)]


def _is_untyped(call):
    match call.func:
        case ast.Attribute(value=ast.Name(id="torch"), attr=name) if name in NEVER:
            return True
        case ast.Attribute(value=ast.Name(id="torch"), attr="arange"):
            return not _says_type(call) and any(map(_may_be_a_float, call.args))
        case ast.Attribute(value=ast.Name(id="torch") | ast.Attribute(attr="fft"), attr=name) if (
            name in FLOATS
        ):
            return not _says_type(call)
        case ast.Attribute(value=ast.Name(id="nn"), attr=name) if name in LAYERS:
            return not _says_type(call)
    return False


def _says_type(call):
    return any(keyword.arg == "dtype" for keyword in call.keywords)


def _may_be_a_float(argument):
    return any(
        (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Pow))
        for node in ast.walk(argument)
    )


def borrowed(source):
    """Names that a file takes out of torch by themselves, so that no call of them says where they come from."""
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    return [
        name.name for node in imports if node.module == "torch" for name in node.names if name.name in FLOATS
    ]


def test_no_tensor_is_made_without_a_type():
    found = {
        (file.relative_to(PACKAGE).as_posix(), call)
        for file in PACKAGE.rglob("*.py")
        for call in [*untyped(file.read_text()), *borrowed(file.read_text())]
    }
    assert found - KEPT == set()
    assert KEPT - found == set(), "these are gone: take them off the list"


@pytest.mark.parametrize(
    ("call", "seen"),
    [
        ("torch.zeros(3)", True),
        ("torch.zeros(3, dtype=torch.float32)", False),
        ("torch.full((3,), -1)", True),
        ("torch.arange(n)", False),
        ("torch.arange(-3.0, 4)", True),
        ("torch.arange(n / 2)", True),
        ("torch.arange(-3.0, 4, dtype=torch.float32)", False),
        ("torch.fft.rfftfreq(32)", True),
        ("torch.randperm(n)", False),
        ("torch.zeros_like(x)", False),
        ("x.new_zeros(3)", False),
        ("nn.GroupNorm(2, 8)", True),
        ("nn.GroupNorm(2, 8, dtype=torch.float32)", False),
        ("nn.SiLU()", False),
        ("torch.set_default_dtype(torch.float64)", True),
        ("torch.Tensor([1])", True),
        ("numpy.zeros(3)", False),
    ],
)
def test_what_is_seen(call, seen):
    assert bool(untyped(call)) is seen


def test_a_borrowed_name_is_seen():
    assert borrowed("from torch import Tensor, zeros") == ["zeros"]
