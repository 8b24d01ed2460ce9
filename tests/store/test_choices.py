"""What the first process decides holds for all that share a folder."""

from byheart.store.choices import settled


def test_the_first_decision_is_kept(tmp_path):
    assert settled(tmp_path, "backend", lambda: "blas") == "blas"
    assert settled(tmp_path, "backend", lambda: "onednn") == "blas"
    assert settled(tmp_path, "another", lambda: "onednn") == "onednn"
    assert settled(tmp_path / "elsewhere", "backend", lambda: "onednn") == "onednn"


def test_whoever_comes_second_takes_the_decision_of_the_first(tmp_path):
    def beaten():
        settled(tmp_path, "backend", lambda: "blas")  # while this one was still timing
        return "onednn"

    assert settled(tmp_path, "backend", beaten) == "blas"
    assert len(list((tmp_path / ".choices").iterdir())) == 1
