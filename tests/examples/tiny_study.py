"""The recipe of a study of seconds."""

STUDY = """
name = "tiny"
title = "A study of seconds."
paper = "2505.17638"
page = "onset"
main_arm = "mlp"
[arms.mlp]
steps_per_image = 2
[arms.mlp.base]
model = { kind = "mlp", width = 16, blocks = 1, frequencies = 4 }
schedule = { first = 4, count = 3 }
plan = { samples = 16, grid = { steps = 4 }, measures = [{ kind = "copies" }, { kind = "loss_gap", images = 16 }, { kind = "fd" }] }
[scales.ci]
takes = "seconds"
[[scales.ci.arms]]
arm = "mlp"
grid = { n = [16, 24], seed = [0, 1] }
[[claims]]
id = "T-1"
paper = "S3"
statement = "f_mem stays low in this little time"
quantity = "last/f_mem"
accept = [0.0, 0.5]
arm = "mlp"
scale = "ci"
"""
