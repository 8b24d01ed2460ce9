"""The settings of a run of seconds."""


def tiny_settings(**changes):
    return {
        "kind": "training",
        "n": 16,
        "model": {"kind": "mlp", "width": 16, "blocks": 1},
        "training": {"steps": 40, "batch": 8, "lr": 1e-3},
        "plan": {"samples": 16, "grid": {"steps": 4}},
        "schedule": {"first": 10, "count": 3},
    } | changes
