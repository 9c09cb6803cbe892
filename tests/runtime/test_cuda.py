"""What is said of GPUs, against a driver library built here that answers what a test wants."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mx_notes.runtime import cuda
from mx_notes.runtime.cuda import GPU, Driver

ROOT = Path(__file__).parents[2]

CUDA_BUILD = "mxnet-cu117"


def compile_library(source: str, target: Path, *options: str) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler, cc")
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [compiler, "-shared", "-fPIC", f"-Wl,-soname,{target.name}", "-o", target, "-x", "c", "-"]
    subprocess.run([*command, *options], input=source, text=True, check=True)


@pytest.fixture(scope="session")
def stub_driver(tmp_path_factory) -> Path:
    """The folder of a libcuda.so.1 that answers as tests/helpers/stub_driver.c says."""
    folder = tmp_path_factory.mktemp("driver")
    compile_library(
        (ROOT / "tests" / "helpers" / "stub_driver.c").read_text(), folder / "libcuda.so.1", "-ldl"
    )
    return folder


@pytest.fixture
def with_driver(stub_driver):
    """Run Python with the stub as the driver, its answers given as STUB_… variables."""

    def run(*arguments: str, **answers: str) -> subprocess.CompletedProcess:
        environment = {k: v for k, v in os.environ.items() if k != "CUDA_VISIBLE_DEVICES"}
        path = os.pathsep.join(filter(None, [str(stub_driver), os.environ.get("LD_LIBRARY_PATH")]))
        environment |= {"LD_LIBRARY_PATH": path, **answers}
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)

    return run


def context(name: str) -> tuple[str, str]:
    code = f"""
from mx_notes import runtime
try:
    print(runtime.context({name!r}))
except runtime.UserError as error:
    print(error)
"""
    return "-c", code


@pytest.mark.parametrize(
    ("capability", "runs"),
    [
        ((3, 7), False),
        ((5, 0), True),
        ((5, 2), True),
        ((6, 1), True),
        ((7, 5), True),
        ((8, 0), True),
        ((8, 6), True),
        ((8, 7), True),
        ((8, 9), True),
        ((9, 0), False),
        ((10, 0), False),
        ((12, 0), False),
    ],
)
def test_which_capabilities_the_machine_code_runs_on(capability, runs):
    driver = Driver(cuda=(12, 4), gpus=(GPU("Card", capability),))
    why = cuda.obstacle(0, driver, CUDA_BUILD)
    assert (why == "") == runs
    if not runs:
        major, minor = capability
        assert why == (
            f"Card, compute capability {major}.{minor}: MXNet 1.9.1's machine code runs on 5.0 to 8.9 only"
            + (f" ({cuda.LATER})" if capability >= (9, 0) else "")
        )
    # No build helps where the machine code doesn't run: the build for CPUs is told nothing else.
    assert ("requirements-gpu.txt" in cuda.obstacle(0, driver, "")) == runs


def test_an_old_driver_is_told_from_an_old_gpu():
    driver = Driver(cuda=(11, 4), gpus=(GPU("Card", (8, 6)), GPU("Old", (3, 7))))
    assert cuda.obstacle(0, driver, CUDA_BUILD) == (
        "Card, compute capability 8.6: its driver supports CUDA 11.4, and MXNet needs 11.8 (driver 520 or later)"
    )
    assert "3.7" in cuda.obstacle(1, driver, CUDA_BUILD)
    assert "offers 2 GPUs" in cuda.obstacle(2, driver, CUDA_BUILD)


def test_the_driver_is_asked_in_its_own_order(with_driver):
    code = "from mx_notes.runtime import cuda; print(cuda.driver())"
    result = with_driver("-c", code, STUB_GPUS="8.6,9.0", STUB_CUDA="11080")
    expected = Driver(cuda=(11, 8), gpus=(GPU("Stub 0", (8, 6)), GPU("Stub 1", (9, 0))))
    assert result.stdout == f"{expected}\n"


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({"STUB_INIT": "100"}, "no CUDA-capable device is detected (cuInit: error 100)"),
        ({"STUB_INIT": "100", "CUDA_VISIBLE_DEVICES": ""}, "error 100) (CUDA_VISIBLE_DEVICES='')"),
        ({"STUB_INIT": "803"}, "no explanation (cuInit: error 803)"),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, "offers no GPU (CUDA_VISIBLE_DEVICES='-1')"),
    ],
)
def test_a_driver_without_gpus_says_why(with_driver, answers, problem):
    result = with_driver(*context("gpu"), **answers)
    assert result.stdout.startswith("device 'gpu': NVIDIA's driver ")
    assert result.stdout.endswith(f"{problem}; use cpu\n")


def test_a_gpu_that_cannot_work_is_refused_in_one_line(with_driver):
    result = with_driver("-m", "mx_notes", "train", "--device", "gpu:0", STUB_GPUS="9.0")
    assert result.returncode == 2
    assert result.stderr == (
        "mx-notes: device 'gpu:0': Stub 0, compute capability 9.0: MXNet 1.9.1's machine code runs on 5.0 to"
        f" 8.9 only ({cuda.LATER}); use cpu\n"
    )


@pytest.mark.skipif(bool(cuda.build()), reason="MXNet's CUDA build is installed")
def test_auto_without_the_cuda_build_takes_the_cpu_and_says_why(with_driver):
    result = with_driver(*context("auto"), STUB_GPUS="8.6")
    assert result.stdout == "cpu(0)\n"
    assert result.stderr == (
        "device auto: cpu; Stub 0, compute capability 8.6: this MXNet is built for CPUs; its CUDA build comes"
        " with `make venv DEVICE=gpu` (requirements-gpu.txt)\n"
    )


@pytest.fixture
def cuda_build(tmp_path) -> Path:
    """A folder for PYTHONPATH that has MXNet's CUDA build, by its name only."""
    (tmp_path / "mxnet").mkdir()
    (tmp_path / "mxnet" / "__init__.py").touch()
    (tmp_path / "mxnet_cu117-1.9.1.dist-info").mkdir()
    return tmp_path


def test_auto_takes_the_first_gpu_that_works_and_a_refusal_names_it(with_driver, cuda_build):
    answers = {"STUB_GPUS": "9.0,8.9,7.0", "PYTHONPATH": str(cuda_build)}
    automatic = with_driver("-c", "from mx_notes import runtime; print(runtime.automatic())", **answers)
    assert automatic.stdout == "Device(name='gpu:1', reason='Stub 1, compute capability 8.9')\n"
    refused = with_driver(*context("gpu:0"), **answers)
    assert refused.stdout.endswith("; use gpu:1 or gpu:2 or cpu\n")


def test_make_installs_nothing_for_a_gpu_that_mxnet_cannot_use(stub_driver, tmp_path):
    environment = os.environ | {"LD_LIBRARY_PATH": str(stub_driver), "STUB_GPUS": "9.0"}
    command = ["make", "train", "DEVICE=gpu:0", f"PYTHON={sys.executable}", f"VENV={tmp_path / 'venv'}"]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert result.returncode == 2
    assert result.stderr.splitlines()[0] == (
        "mx-notes: device 'gpu:0': Stub 0, compute capability 9.0: MXNet 1.9.1's machine code runs on 5.0 to"
        f" 8.9 only ({cuda.LATER}); use DEVICE=cpu"
    )
    assert not (tmp_path / "venv").exists()


def test_doctor_lists_the_gpus(with_driver):
    result = with_driver("-m", "mx_notes", "doctor", STUB_GPUS="9.0,3.7")
    lines = dict(
        line.split(maxsplit=1) for line in result.stdout.splitlines() if line.startswith(("gpu", "dri"))
    )
    assert lines["driver"] == "supports CUDA 12.4"
    assert lines["gpu:0"].startswith("cannot be used: Stub 0, compute capability 9.0")
    assert lines["gpu:1"].startswith("cannot be used: Stub 1, compute capability 3.7")
    assert "nothing is wrong" in result.stdout


@pytest.fixture
def wheels(cuda_build) -> Path:
    """The same with an empty library for each of CUDA's, where the wheels have it."""
    # As in the wheels, some need others, and find them only if they are loaded already.
    needs = {"libcublas.so.11": "libcublasLt.so.11", "libcusolver.so.11": "libcublas.so.11"}
    for part, name in sorted(cuda.LIBRARIES, key=lambda library: (library[1] in needs, library[1])):
        links = [cuda_build / "nvidia" / "cublas" / "lib" / needs[name]] if name in needs else []
        compile_library(
            "", cuda_build / "nvidia" / part / "lib" / name, "-x", "none", "-Wl,--no-as-needed", *links
        )
    return cuda_build


def test_the_libraries_come_out_of_the_wheels_in_an_order_that_works(with_driver, wheels):
    code = """
from mx_notes.runtime import cuda
print(cuda.build())
cuda.load()
print(*sorted({line.split("/")[-1].strip() for line in open("/proc/self/maps") if "/nvidia/" in line}))
"""
    result = with_driver("-c", code, PYTHONPATH=str(wheels))
    assert result.stdout.splitlines() == [CUDA_BUILD, " ".join(sorted(name for _, name in cuda.LIBRARIES))]


def test_a_library_that_does_not_load_is_named_with_what_installs_it(with_driver, wheels):
    (wheels / "nvidia" / "cudnn" / "lib" / "libcudnn.so.8").write_text("")
    result = with_driver(*context("cpu"), PYTHONPATH=str(wheels))
    assert result.stdout.startswith("mxnet-cu117 needs libcudnn.so.8 (")
    assert result.stdout.endswith("run `make venv DEVICE=gpu` (requirements-gpu.txt)\n")


def test_without_a_driver_the_cuda_build_names_the_other(with_driver, cuda_build):
    if not cuda.driver().problem.startswith("there is no"):
        pytest.skip("this machine has NVIDIA's driver")
    result = with_driver(*context("cpu"), PYTHONPATH=str(cuda_build), LD_LIBRARY_PATH="")
    assert result.stdout.endswith("use MXNet's build for CPUs, `make venv` (requirements.txt)\n")


def test_a_driver_that_does_not_start_is_told_before_mxnet_fails_on_the_cpu(with_driver, cuda_build):
    result = with_driver(*context("cpu"), STUB_INIT="803", PYTHONPATH=str(cuda_build))
    assert result.stdout.startswith("device 'cpu': mxnet-cu117 needs a driver that works even there, and")
    assert result.stdout.endswith("; use MXNet's build for CPUs, `make venv` (requirements.txt)\n")


needs_the_cuda_build = pytest.mark.skipif(
    not cuda.build(), reason="needs MXNet's CUDA build: make test DEVICE=gpu"
)


@pytest.mark.slow
@needs_the_cuda_build
def test_the_cuda_build_opens_with_its_libraries_from_wheels(with_driver):
    code = """
from mx_notes.runtime import gpus, mx
print(gpus(), mx.runtime.Features().is_enabled("CUDNN"), mx.nd.ones((2, 3)).sum().asscalar())
print(*sorted({line.split()[-1] for line in open("/proc/self/maps") if "/site-packages/nvidia/" in line}))
"""
    result = with_driver("-c", code, STUB_INIT="100")
    answers, libraries = result.stdout.splitlines()
    assert answers == "0 True 6.0"
    assert {name for _, name in cuda.LIBRARIES} <= {Path(library).name for library in libraries.split()}


@pytest.mark.slow
@needs_the_cuda_build
def test_the_cuda_build_trains_on_the_cpu_where_the_driver_has_no_gpu(with_driver, tmp_path):
    arguments = ["train", "--device", "auto", "--epochs", "1", "--out", str(tmp_path / "run")]
    result = with_driver("-m", "mx_notes", *arguments, STUB_INIT="100")
    assert result.returncode == 0, result.stderr
    assert result.stderr.startswith("device auto: cpu; NVIDIA's driver answers: no CUDA-capable device")
    assert "backward ran once per batch" in " ".join(result.stdout.split())  # at 80 columns


@pytest.mark.slow
@needs_the_cuda_build
def test_auto_takes_the_cpu_where_mxnet_counts_no_gpu_of_the_drivers(with_driver):
    # The stub has no GPU that CUDA's runtime could open.
    result = with_driver(*context("auto"), STUB_GPUS="8.6")
    assert result.stdout == "cpu(0)\n", result.stderr
    assert result.stderr == "device auto: cpu; MXNet sees 0 GPUs, though the driver offers 1\n"
