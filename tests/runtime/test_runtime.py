"""MXNet opens on today's Python and NumPy, with the threads that this process may use."""

import os
import subprocess
import sys

import pytest

from mx_notes import runtime
from mx_notes.errors import UserError
from mx_notes.runtime import openmp


def python(code: str, **environment: str) -> str:
    """What the code prints in a process of its own, where every warning is an error."""
    variables = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"} | environment
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, env=variables, check=True, capture_output=True, text=True).stdout.strip()


def test_mxnet_opens_without_a_warning_and_computes():
    assert python("from mx_notes.runtime import mx; print(mx.nd.ones((2, 3)).sum().asscalar())") == "6.0"


def test_an_old_script_finds_numpy_as_it_was():
    code = """
import warnings
import numpy as np
from mx_notes import runtime
before = dict(vars(np))
import_without_a_warning = runtime.mx
warnings.simplefilter("ignore")  # NumPy 1.26 itself warns of some of these names
changed = [name for name in before if name not in ("__getattr__", "fromstring") and vars(np)[name] is not before[name]]
print(changed, np.bool is bool or np.bool is np.bool_, np.float_ is np.float64, np.product([2, 3]))
print(np.in1d([[1, 2], [3, 4]], [2]).tolist(), np.msort([[2], [1]]).tolist(), np.asfarray([1]).dtype)
"""
    assert python(code).splitlines() == [
        "[] True True 6",
        "[False, True, False, False] [[1], [2]] float64",
    ]


@pytest.mark.parametrize("module", ["mx_notes.runtime", "mx_notes.cli", "mx_notes.commands.train"])
def test_importing_it_loads_neither_mxnet_nor_numpy(module):
    assert python(f"import {module}, sys; print({{'mxnet', 'numpy'}} & sys.modules.keys())") == "set()"


def test_importing_the_data_does_not_open_mxnet():
    assert python("import mx_notes.data, sys; print('mxnet' in sys.modules)") == "False"


def test_the_names_that_scripts_use_are_there():
    names = (
        "Device Threads UserError automatic context contexts cuda gpus prepare restore_numpy_names threads"
    )
    assert set(names.split()) <= vars(runtime).keys()


def test_importing_the_package_does_not_load_mxnet():
    assert python("import mx_notes, mx_notes.cli, sys; print('mxnet' in sys.modules)") == "False"


def test_threads_follow_the_affinity_mask():
    first = min(os.sched_getaffinity(0))
    code = f"""
import os
os.sched_setaffinity(0, {{{first}}})
from mx_notes.runtime import mx, threads
print(threads().count, os.environ["OMP_NUM_THREADS"])
"""
    assert python(code) == "1 1"


def test_the_users_thread_count_wins():
    code = "from mx_notes.runtime import mx, threads; print(threads())"
    assert (
        python(code, OMP_NUM_THREADS="3") == "Threads(count=3, reason='OMP_NUM_THREADS is set', asked=True)"
    )


def test_cores_that_others_use_are_left_to_them():
    code = """
import subprocess, sys
from pathlib import Path
from mx_notes.runtime import openmp
openmp.os.cpu_count = lambda: 2
openmp.os.sched_getaffinity = lambda _: {0, 1}
openmp._siblings, openmp._cgroup_quota = str, lambda: None
for loads in ("0.1 0.1 0.1 1/99 1", "0.1 0.1 0.1 2/99 1", "9.0 9.0 9.0 9/99 1", "nonsense"):
    Path("loads").write_text(loads)
    openmp.running_others.__defaults__ = (Path("loads"),)
    openmp.at_opening.cache_clear()
    print(openmp.threads().count, end=" ")
"""
    assert python(code) == "2 1 1 2"


TRAINED_BITS = """
import hashlib, os
from mx_notes import runtime, training
from mx_notes.recipes import preset
run = training.start(preset("digits").override(["batch_size=64"]))
for threads in os.environ.get("ASKED", "").split():
    runtime.use_threads(runtime.Threads(int(threads), "asked here"))
batch = next(iter(run.feed.epoch(0)))
for _ in range(3):
    run.module.forward_backward(batch)
    run.module.update()
runtime.mx.nd.waitall()
arrays, _ = run.module.parameters()
print(hashlib.sha256(b"".join(arrays[name].asnumpy().tobytes() for name in sorted(arrays))).hexdigest())
"""


def test_threads_can_be_changed_while_mxnet_is_open_with_the_same_bits():
    bits = {count: python(TRAINED_BITS, OMP_NUM_THREADS=count) for count in ("1", "2")}
    assert bits["1"] != bits["2"]
    assert python(TRAINED_BITS, ASKED="1") == bits["1"]
    assert python(TRAINED_BITS, ASKED="1 2") == bits["2"]


def test_a_copy_into_mxnet_starts_no_threads():
    """A second team of OpenMP's, beside the engine's, would slow down every operator after it."""
    code = """
import os
import numpy as np
from mx_notes.runtime import mx
values, array = np.ones(1_000_000, np.float32), mx.nd.empty(1_000_000)
mx.nd.dot(mx.nd.ones((500, 500)), mx.nd.ones((500, 500))).wait_to_read()
before = len(os.listdir("/proc/self/task"))
array[:] = values
print(len(os.listdir("/proc/self/task")) - before)
"""
    assert python(code, OMP_NUM_THREADS="2") == "0"
    assert python(code, OMP_NUM_THREADS="2", MXNET_CPU_PARALLEL_SIZE="200000") == "1"  # the user's wins


@pytest.mark.parametrize(("content", "quota"), [("150000 100000", 1.5), ("max 100000", None)])
def test_cgroup_version_2_quota(tmp_path, content, quota):
    (tmp_path / "own").write_text("0::/job/task\n")
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "cpu.max").write_text(content)
    assert openmp._cgroup_quota(tmp_path, tmp_path / "own") == quota


def test_cgroup_version_1_quota(tmp_path):
    (tmp_path / "own").write_text("4:memory:/x\n2:cpu,cpuacct:/x\n")
    (tmp_path / "cpu" / "x").mkdir(parents=True)
    (tmp_path / "cpu" / "x" / "cpu.cfs_quota_us").write_text("200000")
    (tmp_path / "cpu" / "x" / "cpu.cfs_period_us").write_text("100000")
    assert openmp._cgroup_quota(tmp_path, tmp_path / "own") == 2


@pytest.mark.parametrize("name", ["gpu", "gpu:7", "cuda", "cpu:x"])
def test_a_device_that_is_not_there_is_named(name):
    if runtime.gpus():
        pytest.skip("this machine has a GPU")
    with pytest.raises(UserError, match=name):
        runtime.context(name)


def test_gluoncv_opens_beside_a_pytorch_that_it_refuses(tmp_path):
    (tmp_path / "torch.py").write_text("__version__ = '2.13.0'\n")
    code = "from mx_notes.runtime import gluoncv; gluoncv.model_zoo; import torch; print(torch.__version__)"
    assert python(code, PYTHONPATH=str(tmp_path)) == "2.13.0"


def test_scikit_learn_waits_until_the_program_imports_it():
    use = """
import warnings
warnings.simplefilter("ignore")  # FeedForward is old
model = mx.model.FeedForward(mx.sym.SoftmaxOutput(mx.sym.var("data"), name="softmax"), num_epoch=3)
print(isinstance(model, BaseEstimator), model.get_params()["num_epoch"], mx.model.BASE_ESTIMATOR is BaseEstimator)
print(type(clone(model)).__mro__, sorted(set(dir(model))))
"""
    late = f"""
import sys, mx_notes
import mxnet as mx
assert not any(name.split(".")[0] == "sklearn" for name in sys.modules)
from sklearn.base import BaseEstimator, clone
{use}"""
    early = f"""
from sklearn.base import BaseEstimator, clone
import mx_notes
import mxnet as mx
{use}"""
    assert python("import sys, mx_notes, sklearn.base; print('mx_notes.runtime' in sys.modules)") == "False"
    found = python(late)
    assert found.startswith("True 3 True\n") and found == python(early)


def test_statistics_wait_until_somebody_asks_for_one():
    code = """
import sys, mx_notes
import mxnet as mx
from mxnet import test_utils
from mxnet.contrib import quantization
assert "scipy.stats" not in sys.modules
print(round(float(quantization.stats.entropy([0.5, 0.5], [0.25, 0.75])), 4), "scipy.stats" in sys.modules)
import scipy.stats
print(scipy.stats.norm.cdf(0), len(test_utils.gen_buckets_probs_with_ppf(scipy.stats.norm.ppf, 5)[0]))
print(test_utils.ss.chisquare([5, 5]).pvalue)
"""
    assert python(code).split() == ["0.1438", "True", "0.5", "5", "1.0"]
