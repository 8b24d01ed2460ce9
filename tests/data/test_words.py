"""What a word means: a set by its name, or a path, and never one of the two in silence."""

import pytest

from byheart import dedup
from byheart._checks import InputError
from byheart.auditing.inputs import gather
from byheart.auditing.stored.train import Searching, trained_on
from byheart.cli.audit import _samples
from byheart.data.words import SetName, lies, set_name


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("digits", SetName("digits")),
        ("name:digits", SetName("digits")),
        ("digits:3-50", SetName("digits", None, 3, 50, True)),
        ("name:digits:-50", SetName("digits", None, None, 50, True)),
        ("cifar10=a/b", SetName("cifar10", "a/b")),
        ("cifar10=a/b:5-", SetName("cifar10", "a/b", 5, None, True)),
        ("./digits", None),
        ("digits/", None),
        ("digitz", None),
        ("folder", None),
        ("arrays=x.npy", None),
        ("name:module", None),
        ("", None),
    ],
)
def test_words(text, meant, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert set_name(text) == meant


@pytest.mark.parametrize("text", ["digits", "mnist", "digits:0-50", "cifar10=x"])
def test_what_lies_there_makes_a_name_ambiguous(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / text).mkdir()
    for read in (
        set_name,
        lambda word: gather(word, what="train"),
        dedup,
        lambda word: _samples(word, tmp_path),
    ):
        with pytest.raises(InputError, match="names a data set and also a folder"):
            read(text)
    assert set_name(f"name:{text}") is not None


def test_shards_that_are_called_like_a_set_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "glyphs").mkdir()
    (tmp_path / "glyphs" / "shards.json").write_text("{}")
    with pytest.raises(InputError, match="names a data set"):
        trained_on("glyphs", Searching(), channels=None, tell=print)


def test_the_set_is_read_by_its_full_name(tmp_path, monkeypatch):
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path)
    assert _samples("name:digits:0-50", tmp_path) == "name:digits:0-50"
    assert len(gather("name:digits:0-50", what="train")) == 50
    with pytest.raises(InputError, match="holds no images"):
        gather("./digits", what="train")


def test_a_text_that_no_file_can_be_called_lies_nowhere(tmp_path):
    assert not lies(tmp_path / ("x" * 5000)) and not lies(tmp_path / "a\0b")
    with pytest.raises(InputError, match="where nothing lies"):
        gather("x" * 5000, what="train")


def test_a_place_where_this_user_may_not_look_is_refused(tmp_path, monkeypatch):
    def stat(*_, **__):
        raise PermissionError

    monkeypatch.setattr("pathlib.Path.stat", stat)
    with pytest.raises(InputError, match="may not look"):
        lies(tmp_path / "x")
