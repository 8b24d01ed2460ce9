"""One user file, one meaning: what is trained on and what is audited are the same pixels, or refused alike."""

import numpy as np
import pyarrow
import pytest
import torch
from PIL import Image
from pyarrow import parquet
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_tensors

from byheart._checks import InputError
from byheart.auditing.inputs import Images, gather
from byheart.cli.options import the_data
from byheart.data import load

DRAWS = np.random.default_rng(0)
GREY = DRAWS.integers(0, 256, (6, 12, 12), dtype=np.uint8)
COLOR = DRAWS.integers(0, 256, (6, 12, 12, 3), dtype=np.uint8)
ALPHA = DRAWS.integers(0, 256, (6, 12, 12, 4), dtype=np.uint8)
DEEP = DRAWS.integers(0, 65536, (6, 12, 12), dtype=np.uint16)
UNIT = DRAWS.random((6, 12, 12, 3))
FIRST = (0, 3, 1, 2)


def npy(values, name="x.npy"):
    def write(folder):
        with (folder / name).open("wb") as stream:  # numpy.save adds an ending to a name in capitals
            np.save(stream, values)
        return folder / name

    return write


def npz(name="x.npz", **arrays):
    def write(folder):
        with (folder / name).open("wb") as stream:
            np.savez(stream, **arrays)
        return folder / name

    return write


def safetensors(name="x.safetensors", **arrays):
    def write(folder):
        save_file(arrays, folder / name)
        return folder / name

    return write


def bfloat(folder):
    save_tensors({"x": torch.from_numpy(UNIT).bfloat16()}, folder / "x.safetensors")
    return folder / "x.safetensors"


def pictures(arrays, names="{}.png", **options):
    def write(folder):
        for row, array in enumerate(arrays):
            Image.fromarray(array).save(folder / names.format(row), **options)
        return folder

    return write


def turned(folder):
    """Photographs of which the camera was turned: the first row is the right side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return pictures(COLOR, exif=exif)(folder)


def one_turned_jpeg(folder):
    pictures(COLOR, "{}.JPG", quality=95)(folder)
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(COLOR[0]).save(folder / "0.JPG", exif=exif, quality=95)
    return folder


def mixed_depths(folder):
    pictures([GREY[0], DEEP[1]])(folder)
    return folder


def table(name, **columns):
    def write(folder):
        parquet.write_table(pyarrow.table(columns), folder / name)
        return folder / name

    return write


def on_white(rgba):
    alpha = rgba[..., 3:] / 255
    return np.floor(rgba[..., :3] * alpha + 255 * (1 - alpha) + 0.5)


READ = {
    "npy bytes nhw": (npy(GREY), GREY[:, None] / 255),
    "npy bytes nhw1": (npy(GREY[..., None]), GREY[:, None] / 255),
    "npy bytes n1hw": (npy(GREY[:, None]), GREY[:, None] / 255),
    "npy bytes nhw3": (npy(COLOR), COLOR.transpose(FIRST) / 255),
    "npy bytes n3hw": (npy(COLOR.transpose(FIRST)), COLOR.transpose(FIRST) / 255),
    "npy bytes nhw4": (npy(ALPHA), ALPHA.transpose(FIRST) / 255),
    "npy bytes nhw2": (npy(ALPHA[..., :2]), ALPHA[..., :2].transpose(FIRST) / 255),
    "npy in the order of Fortran": (npy(np.asfortranarray(COLOR)), COLOR.transpose(FIRST) / 255),
    "npy 16 bits": (npy(DEEP), DEEP[:, None] / 65535),
    "npy 16 bits, the largest byte first": (npy(DEEP.astype(">u2")), DEEP[:, None] / 65535),
    "npy bool": (npy(GREY > 127), (GREY > 127)[:, None]),
    "npy float64": (npy(UNIT), UNIT.transpose(FIRST)),
    "npy float32 from −1": (npy((2 * UNIT - 1).astype(np.float32)), UNIT.transpose(FIRST)),
    "npy float16": (npy(UNIT.astype(np.float16)), UNIT.astype(np.float16).transpose(FIRST)),
    "npy past the ends by rounding": (npy(UNIT * (1 + 5e-7) - 2e-7), UNIT.transpose(FIRST)),
    "npy features": (npy(UNIT[..., 0, 0] * 900 - 70), UNIT[..., 0, 0] * 900 - 70),
    "npy integer features": (npy(GREY[:, 0].astype(np.int64)), GREY[:, 0]),
    "NPY in capitals": (npy(GREY, "X.NPY"), GREY[:, None] / 255),
    "npz images and labels": (npz(images=COLOR, labels=np.arange(6)), COLOR.transpose(FIRST) / 255),
    "npz one array beside numbers": (npz(a=COLOR, ids=np.arange(6)), COLOR.transpose(FIRST) / 255),
    "NPZ in capitals": (npz("X.NPZ", samples=GREY), GREY[:, None] / 255),
    "safetensors": (safetensors(images=COLOR, y=np.arange(6)), COLOR.transpose(FIRST) / 255),
    "safetensors in capitals": (safetensors("X.SafeTensors", x=GREY), GREY[:, None] / 255),
    "safetensors bfloat16": (bfloat, torch.from_numpy(UNIT).bfloat16().float().numpy().transpose(FIRST)),
    "png grey": (pictures(GREY), GREY[:, None] / 255),
    "png 16 bits": (pictures(DEEP), DEEP[:, None] / 65535),
    "png of two depths": (mixed_depths, np.stack([GREY[0] / 255, DEEP[1] / 65535])[:, None]),
    "png color": (pictures(COLOR), COLOR.transpose(FIRST) / 255),
    "png with alpha": (pictures(ALPHA), on_white(ALPHA).transpose(FIRST) / 255),
    "png of one bit": (pictures(GREY > 127), (GREY > 127)[:, None]),
    "PNG in capitals": (pictures(COLOR, "{}.PNG"), COLOR.transpose(FIRST) / 255),
    "png turned": (turned, np.rot90(COLOR, -1, (1, 2)).transpose(FIRST) / 255),
    "JPG, one of them turned": (one_turned_jpeg, None),
    "parquet features": (table("x.parquet", features=list(UNIT[:, 0, 0])), UNIT[:, 0, 0]),
    "PARQUET in capitals": (table("X.PARQUET", image=[image.tolist() for image in UNIT[..., 0]]), UNIT[:, None, ..., 0]),
}  # fmt: skip
"""Name -> what writes it, and the pixels or features that it means (None: those of the library that packed them)."""

REFUSED = {
    "npy masks as bytes": (npy(GREY // 128), "white is uncertain"),
    "npy bytes as int64": (npy(GREY.astype(np.int64)), "white is uncertain"),
    "npy bytes as floats": (npy(GREY.astype(np.float32)), "white is uncertain"),
    "npy bytes in 16 bits": (npy(GREY.astype(np.uint16)), "white is uncertain"),
    "npy bytes in 32 bits": (npy(GREY.astype(np.uint32)), "white is uncertain"),
    "npy standardized": (npy(UNIT * 4 - 2), "white is uncertain"),
    "npy n3h3": (npy(DRAWS.integers(0, 256, (6, 3, 32, 3), dtype=np.uint8)), "of shape"),
    "npy n333": (npy(COLOR[:, :3, :3]), "of shape"),
    "npy five channels": (npy(np.zeros((6, 12, 12, 5), np.uint8)), "of shape"),
    "npy one row": (npy(np.zeros(7)), "of shape"),
    "npy five dimensions": (npy(np.zeros((2, 2, 2, 2, 2))), "of shape"),
    "npy nothing": (npy(np.zeros((0, 12, 12))), "cannot be read|of shape"),
    "npy NaN": (npy(np.where(UNIT > 0.99, np.nan, UNIT)), "NaN or infinite"),
    "npy NaN features": (npy(np.full((6, 3), np.nan)), "NaN or infinite"),
    "npy features beyond float32": (npy(np.full((6, 3), 1e300)), "NaN or infinite"),
    "npy complex": (npy(np.ones((6, 12, 12), complex)), "of type complex"),
    "npy objects": (npy(np.array([{}, None], dtype=object)), "cannot be read"),
    "npz two arrays": (npz(a=GREY, b=GREY), "the arrays a, b"),
    "npz two names": (npz(images=GREY, features=GREY[:, 0]), "the arrays features, images"),
    "npz labels only": (npz(labels=np.arange(6)), "the arrays labels"),
    "png masks as bytes": (pictures(GREY // 128), "white is uncertain"),
    "png bytes in 16 bits": (pictures(GREY.astype(np.uint16)), "white is uncertain"),
    "a folder without images": (lambda folder: folder, "holds no images"),
    "a picture alone": (lambda folder: pictures(GREY)(folder) / "0.png", "one image file"),
    "a file of another kind": (lambda folder: npy(GREY)(folder).rename(folder / "x.pt"), "another kind"),
}


def trained(path):
    """The pixels or features that a study trains on."""
    data = the_data(str(path)).model_copy(update={"standardize": False})
    return load(data).images.numpy()


def audited(path):
    """Those that an audit compares, at their own size."""
    read = gather(path, what="train")
    return np.stack([read.full(row) for row in range(len(read))]) if isinstance(read, Images) else read.values


@pytest.mark.parametrize(("write", "meant"), READ.values(), ids=READ)
def test_a_file_trained_on_and_audited_is_the_same_images(tmp_path, write, meant):
    path = write(tmp_path)
    pixels = trained(path)
    np.testing.assert_array_equal(pixels, audited(path))
    if meant is not None:
        assert pixels.shape == meant.shape
        np.testing.assert_allclose(pixels, meant, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("write", "said"), REFUSED.values(), ids=REFUSED)
def test_a_file_is_refused_alike(tmp_path, write, said):
    path = write(tmp_path)
    with pytest.raises(InputError, match=said) as one:
        trained(path)
    with pytest.raises(InputError, match=said) as other:
        audited(path)
    assert (one.value.need, one.value.remedy) == (other.value.need, other.value.remedy)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("write", [npy(ALPHA), npy(ALPHA[..., :2]), pictures(ALPHA), npy(GREY), npy(UNIT)])
def test_channels_that_are_asked_mean_the_same(tmp_path, write, channels):
    path = write(tmp_path)
    read = gather(path, what="train", channels=channels)
    pixels = load(the_data(str(path), channels=channels).model_copy(update={"standardize": False})).images
    theirs = np.stack([read.full(row) for row in range(len(read))])
    assert pixels.shape == theirs.shape == (6, channels, 12, 12)
    np.testing.assert_allclose(pixels, theirs, atol=1.01 / 255)  # to train on, integers stay integers
