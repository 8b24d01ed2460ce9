"""What the reader did or left out reaches everybody who shows a result."""

from dataclasses import replace

import numpy as np

from byheart import dedup
from byheart.auditing.inputs import check_together, gather
from byheart.cli.options import tell_notes
from byheart.data.dataset import prepared
from byheart.data.raw import Raw
from byheart.data.reader.whole import read_arrays
from byheart.data.spec import Data
from byheart.experiments.kinds.shared.split import store_data, the_split
from byheart.experiments.runs.cautions import cautions
from byheart.experiments.study import conduct as module
from byheart.store.folders import RunFolder

NOTE = "1 file is not read (notes.txt)."


def images(count=12, seed=0, notes=(NOTE,)):
    values = np.random.default_rng(seed).integers(0, 256, (count, 1, 16, 16), dtype=np.uint8)
    return prepared("mine", Raw(values, 255, notes=notes), standardize=False)


def test_raw_values_keep_their_notes_when_rows_are_chosen_and_the_fingerprint_does_not_see_them():
    raw = Raw(np.eye(4, dtype=np.float32), notes=(NOTE,))
    assert raw.first(2).notes == raw.distinct().notes == (NOTE,)
    with_notes, without = prepared("x", raw), prepared("x", replace(raw, notes=()))
    assert with_notes.notes == (NOTE,) and with_notes.fingerprint == without.fingerprint


def test_a_file_of_which_nothing_is_left_out_has_no_notes(tmp_path):
    np.save(tmp_path / "x.npy", np.eye(4, dtype=np.float32))
    assert read_arrays(tmp_path / "x.npy").notes == ()


def test_an_audit_warns_with_the_name_of_the_set():
    samples, train = (gather(images(seed=seed), what="train") for seed in (1, 2))
    assert check_together(samples, train) == (f"samples mine: {NOTE}", f"train mine: {NOTE}")


def test_rows_of_features_keep_their_notes():
    raw = Raw(np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32), notes=(NOTE,))
    assert gather(prepared("features", raw), what="train").notes == (NOTE,)


def test_dedup_warns_with_the_name_of_the_set():
    assert dedup(images(), planted=4, queries=50).warnings[0] == f"mine: {NOTE}"


def test_a_verb_that_shows_no_warnings_says_them_on_stderr(capsys):
    tell_notes(images())
    assert capsys.readouterr() == ("", f"note: {NOTE}\n")


def test_a_run_keeps_them_for_its_page_and_says_them_once(tmp_path, monkeypatch):
    folders = [RunFolder(tmp_path / name) for name in "ab"]
    monkeypatch.setattr("byheart.experiments.kinds.shared.split.read_data", lambda data: images())
    for folder in folders:
        store_data(folder, the_split(Data(name="digits"), 4, 0))
    assert cautions(folders) == [NOTE]


def test_a_study_says_a_notice_once():
    events = []
    tell = module._each_notice_once(events.append)
    for kind in ("notice", "row", "notice", "row"):
        tell({"kind": kind, "text": NOTE})
    assert [event["kind"] for event in events] == ["notice", "row", "row"]
