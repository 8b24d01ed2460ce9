"""Sentences that warn where numbers of finished runs are misleading."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from byheart.store.folders import RunFolder

__all__ = ["cautions", "of_images"]


def cautions(folders: Sequence[RunFolder]) -> list[str]:
    """Write a sentence each for what the reader left out, training images that repeat, held-out images that are also trained on,
    and mixed code.

    Runs that stopped before their data were counted are left out.
    """
    if not folders:
        return []
    codes = _mixed_codes(folders)
    repeated = max(int(folder.read_record("references").get("train/duplicates") or 0) for folder in folders)
    shared = max(int(folder.read_record("data").get("overlap") or 0) for folder in folders)
    notes = (note for folder in folders for note in folder.read_record("data").get("notes", ()))
    sentences = [*dict.fromkeys(notes), *of_images(repeated, shared)]
    if codes:
        sentences.append(
            "these runs were made by different versions of the code ("
            + ", ".join(codes)
            + "): numbers may differ for that reason alone. Delete the older run folders to make them anew."
        )
    return sentences


def of_images(repeated: int, shared: int) -> list[str]:
    """Write the sentences about images.

    repeated: how many training images repeat.  shared: how many held-out images are also trained on.
    """
    sentences = []
    if repeated:
        sentences.append(
            f"up to {repeated} of a run's training images repeat an earlier one, and copies of such images are not counted "
            "as copies. Train on each image once: --distinct."
        )
    if shared:
        sentences.append(
            f"up to {shared} held-out images are also trained on, so that the loss gap and the floor of f_mem come out "
            "wrong. Part them: --distinct."
        )
    return sentences


def _mixed_codes(folders: Sequence[RunFolder]) -> list[str]:
    """List the versions of the code, where runs of one kind have several."""
    by_kind: dict[str, set[str]] = defaultdict(set)
    for header in (folder.header() for folder in folders if folder.exists):
        by_kind[str(header["spec"].get("kind"))].add(str(header.get("code")))
    return sorted({code for codes in by_kind.values() if len(codes) > 1 for code in codes})
