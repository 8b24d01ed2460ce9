"""The inputs of the audit: whatever holds images or features, as one kind of set.

    image folders, .npy .npz .safetensors, Parquet  ─┐
    named sets, arrays, tensors, data sets                 ├─ gather ─> Images (n, c, 32, 32) or Rows (n, d)
    pipelines, samplers, denoisers                        ─┘

Files and data sets are read by `byheart.data.reader`, which says what their numbers mean.  `check_together` and `overlap`
say whether the sets that were gathered can be compared.
"""

from byheart.auditing.inputs.gather import gather
from byheart.auditing.inputs.sets import Images, Rows
from byheart.auditing.inputs.size import working_size
from byheart.auditing.inputs.together import check_together, overlap

__all__ = ["Images", "Rows", "check_together", "gather", "overlap", "working_size"]
