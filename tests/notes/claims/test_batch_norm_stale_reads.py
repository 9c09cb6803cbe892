import numpy as np

from mx_notes.notes.claims._batch_norm_stale_reads import stale_reads


def test_stale_reads_are_counted():
    value = {"a": 0, "b": 0}

    def step():
        value.update(a=value["a"] + 1, b=value["b"] + 1)

    def late_for_b():
        return {"a": np.array(value["a"]), "b": np.array(value["b"] - 1)}

    def settled():
        return {name: np.array(v) for name, v in value.items()}

    assert stale_reads(step, late_for_b, settled, steps=3, wait=False) == (3, 6)
    assert stale_reads(step, settled, settled, steps=3, wait=True) == (0, 6)
