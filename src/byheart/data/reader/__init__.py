"""The one reader of the user's files: what is trained on and what is audited are the same images, or refused alike.

    a folder of images, or of Parquet files  ─┐                         ┌─ whole: values to train on
    .npy .npz .safetensors .parquet           ├─ path, items ─> Source ─┤
    data sets with items, in memory          ─┘                         └─ the audit, in one pass of blocks

`values` says what numbers mean: their range, and which axis holds the channels.
"""
