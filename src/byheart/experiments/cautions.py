"""What keeps numbers of finished runs from meaning what they say, in sentences for people."""

from __future__ import annotations

from collections.abc import Sequence

from byheart.store.folders import RunFolder

__all__ = ["cautions"]


def cautions(folders: Sequence[RunFolder]) -> list[str]:
    """A sentence for training images that repeat, for held-out images that are also trained on, for runs of several codes.

    Runs that did not come so far as to know are left out.
    """
    if not folders:
        return []
    codes = {str(folder.header().get("code")) for folder in folders if folder.exists}
    repeated = max(int(folder.read_record("references").get("train/duplicates") or 0) for folder in folders)
    shared = max(int(folder.read_record("data").get("overlap") or 0) for folder in folders)
    found = []
    if repeated:
        found.append(
            f"up to {repeated} of a run's training images repeat an earlier one, and copies of such images are not counted "
            "as copies. Train on each image once: --distinct."
        )
    if shared:
        found.append(
            f"up to {shared} held-out images are also trained on, so that the loss gap and the floor of f_mem come out "
            "wrong. Part them: --distinct."
        )
    if len(codes) > 1:
        found.append(
            "these runs were made by different versions of the code ("
            + ", ".join(sorted(codes))
            + "): numbers may differ for that reason alone. Delete the older run folders to make them anew."
        )
    return found
