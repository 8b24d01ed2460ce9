"""Shards give back what was written, in bounded pieces, and refuse what is not whole."""

import json
import subprocess
import sys

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch

from byheart._checks import InputError
from byheart.features import parquet, shards
from byheart.features.parquet import read_rows, write_shard
from byheart.features.shards import gather, numbered, open_shards, stream, take, write_shards


def rows(count, *shape, dtype=torch.float32, seed=0):
    values = torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed)) * 40 + 128
    return values.clamp(0, 255).to(dtype)


def everything(found, **options):
    parts = [part for file in found.manifest.files for part in stream(found.folder, file, **options)]
    ids, values = zip(*parts, strict=True)
    return torch.cat(ids), torch.cat(values)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(5,), (3, 4, 4)])
def test_what_was_written_comes_back(tmp_path, dtype, shape):
    values = rows(23, *shape, dtype=dtype)
    written = write_shards(tmp_path, numbered(values.split(7)), rows=10)
    assert [file.rows for file in written.manifest.files] == [10, 10, 3]
    assert written == open_shards(tmp_path) and written.rows == 23
    ids, found = everything(written)
    assert torch.equal(ids, torch.arange(23)) and torch.equal(found, values) and found.dtype == dtype


def test_ids_may_have_gaps(tmp_path):
    values = rows(4, 2)
    write_shard(tmp_path / "b.parquet", [(torch.tensor([40, 70]), values[2:])])
    write_shard(tmp_path / "a.parquet", [(torch.tensor([3]), values[:1]), (torch.tensor([9]), values[1:2])])
    ids, found = everything(gather(tmp_path))
    assert ids.tolist() == [3, 9, 40, 70] and torch.equal(found, values)


def test_blocks_are_whole_row_groups_within_the_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "GROUP_BYTES", 4 * 8 * 10)  # 10 rows of 8 floats
    write_shard(tmp_path / "a.parquet", numbered(rows(95, 8).split(50)))
    sizes = [len(ids) for ids, _ in read_rows(tmp_path / "a.parquet", block=4 * 8 * 25)]
    assert sizes == [20, 20, 20, 20, 15]
    assert [len(ids) for ids, _ in read_rows(tmp_path / "a.parquet", block=1)] == [10] * 9 + [5]


def test_chosen_rows_are_read_without_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "GROUP_BYTES", 4 * 6 * 10)
    values = rows(100, 2, 3)
    found = write_shards(tmp_path, numbered(values.split(30)), rows=50)
    wanted = torch.tensor([77, 3, 99, 3, 0, 49, 50, 51])
    read, numbers = [], parquet._numbers
    monkeypatch.setattr(parquet, "_numbers", lambda *given: read.append(1) or numbers(*given))
    assert torch.equal(take(found, wanted), values[wanted])
    assert len(read) == 5  # of ten row groups
    with pytest.raises(InputError, match="1 of 2 ids beyond"):
        take(found, torch.tensor([5, 100]))
    with pytest.raises(InputError, match="at least one id"):
        take(found, torch.tensor([], dtype=torch.int64))


def test_an_id_in_a_gap_is_refused(tmp_path):
    write_shard(tmp_path / "a.parquet", [(torch.tensor([3, 9]), rows(2, 2))])
    with pytest.raises(InputError, match="1 ids that are not in"):
        take(gather(tmp_path), torch.tensor([3, 5]))


def foreign(file, values, ids):
    flat = pyarrow.array(values.reshape(-1))
    column = pyarrow.FixedSizeListArray.from_arrays(flat, values.shape[1])
    pyarrow.parquet.write_table(pyarrow.table({"id": ids, "values": column}), file, row_group_size=3)


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64"])
def test_fixed_size_lists_of_other_programs_are_read(tmp_path, dtype):
    values = rows(8, 6).numpy().astype(dtype)
    foreign(tmp_path / "a.parquet", values, np.arange(8))
    found = gather(tmp_path)
    assert (found.manifest.kind, found.manifest.shape) == (dtype, (6,))
    assert torch.equal(everything(found, block=1)[1], torch.from_numpy(values))
    assert torch.equal(take(found, torch.tensor([7, 2])), torch.from_numpy(values)[[7, 2]])


def test_a_failure_leaves_no_file(tmp_path):
    def broken():
        yield torch.arange(3), rows(3, 2)
        raise RuntimeError("the encoder failed")

    with pytest.raises(RuntimeError, match="the encoder failed"):
        write_shard(tmp_path / "a.parquet", broken())
    assert list(tmp_path.iterdir()) == []


def test_a_set_without_its_manifest_is_refused(tmp_path):
    write_shard(tmp_path / "a.parquet", numbered([rows(3, 2)]))
    with pytest.raises(InputError, match="gather"):
        open_shards(tmp_path)


@pytest.fixture
def whole(tmp_path):
    return write_shards(tmp_path, numbered([rows(20, 6)]), rows=10)


def test_a_changed_byte_is_refused_when_read(whole):
    file = whole.folder / "part-00001.parquet"
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 1
    file.write_bytes(data)
    first, second = open_shards(whole.folder).manifest.files  # the size is right
    assert len(list(stream(whole.folder, first))) == 1
    with pytest.raises(InputError, match="SHA-256"):
        list(stream(whole.folder, second))


def test_a_half_written_file_is_refused(whole):
    file = whole.folder / "part-00001.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"part-00001\.parquet"):
        open_shards(whole.folder)
    with pytest.raises(InputError, match="bytes"):
        list(stream(whole.folder, whole.manifest.files[1]))
    with pytest.raises(InputError, match="cannot be read as a shard"):
        gather(whole.folder)
    file.unlink()
    with pytest.raises(InputError, match="missing"):
        open_shards(whole.folder)


def test_a_damaged_or_newer_manifest_is_refused(whole):
    file = whole.folder / shards.MANIFEST
    said = json.loads(file.read_text())
    file.write_text(json.dumps(said | {"version": 2}))
    with pytest.raises(InputError, match="version 2"):
        open_shards(whole.folder)
    file.write_text(file.read_text()[:-40])
    with pytest.raises(InputError, match="cannot be read"):
        open_shards(whole.folder)


def test_files_that_do_not_belong_together_are_refused(tmp_path):
    write_shard(tmp_path / "a.parquet", numbered([rows(5, 2)]))
    write_shard(tmp_path / "b.parquet", numbered([rows(5, 3)], first=5))
    with pytest.raises(InputError, match=r"a\.parquet of float32"):
        gather(tmp_path)
    write_shard(tmp_path / "b.parquet", numbered([rows(5, 2)], first=4))
    with pytest.raises(InputError, match=r"ids 0 to 4 in a\.parquet, 4 to 8 in b\.parquet"):
        gather(tmp_path)


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([], "no rows"),
        ([(torch.tensor([1, 1]), rows(2, 2))], "ascending"),
        ([(torch.tensor([-1, 1]), rows(2, 2))], "ascending"),
        ([(torch.tensor([5]), rows(1, 2)), (torch.tensor([4]), rows(1, 2))], "after id 5"),
        ([(torch.tensor([0, 1]), rows(1, 2))], "one a row"),
        ([(torch.tensor([0.0]), rows(1, 2))], "int64"),
        ([(torch.tensor([0]), rows(1, 2)), (torch.tensor([1]), rows(1, 3))], "rows of float32"),
        ([(torch.tensor([0]), rows(1, 2)), (torch.tensor([1]), rows(1, 2).double())], "rows of float32"),
        ([(torch.tensor([0]), torch.zeros(1, 2, dtype=torch.int32))], "convert them"),
        ([(torch.tensor([0]), torch.zeros(1))], "convert them"),
        ([(torch.tensor([0]), torch.zeros(1, 0))], "convert them"),
    ],
)
def test_bad_batches_are_refused(tmp_path, batches, message):
    with pytest.raises(InputError, match=message):
        write_shard(tmp_path / "a.parquet", batches)
    assert list(tmp_path.iterdir()) == []


def test_bad_folders_are_refused(tmp_path, whole):
    with pytest.raises(InputError, match="without Parquet files"):
        write_shards(whole.folder, numbered([rows(2, 2)]))
    with pytest.raises(InputError, match="at least one row a file"):
        write_shards(tmp_path / "new", numbered([rows(2, 2)]), rows=0)
    with pytest.raises(InputError, match="see `write_shards`"):
        gather(tmp_path / "new")


def test_bad_files_of_other_programs_are_refused(tmp_path):
    file, values = tmp_path / "a.parquet", rows(4, 2).numpy()
    foreign(file, values, np.array([0, 2, 1, 3]))
    with pytest.raises(InputError, match="ascending"):
        gather(tmp_path)
    foreign(file, values, np.arange(4.0))
    with pytest.raises(InputError, match="int64"):
        gather(tmp_path)
    foreign(file, values.astype("int32"), np.arange(4))
    with pytest.raises(InputError, match="`values` of type"):
        gather(tmp_path)
    pyarrow.parquet.write_table(pyarrow.table({"id": np.arange(4)}), file)
    with pytest.raises(InputError, match="a column `values`"):
        gather(tmp_path)
    column = pyarrow.array([[1.0, 2.0], None], pyarrow.list_(pyarrow.float32(), 2))
    pyarrow.parquet.write_table(pyarrow.table({"id": np.arange(2), "values": column}), file)
    with pytest.raises(InputError, match="1 rows without values"):
        everything(gather(tmp_path))


def test_without_pyarrow_the_pip_line_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pip install 'byheart\[parquet\]'"):
        write_shard(tmp_path / "a.parquet", [])


def test_the_module_loads_without_pyarrow():
    code = "import sys; import byheart.features.shards; print('pyarrow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
