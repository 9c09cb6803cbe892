"""Every reader, fed with files that were damaged at random: a value or a UserError, whatever is in them.

A reader is a process of its own, so that a crash in C++ (OpenCV's, MXNet's) is seen, and its memory too.
`python tests/test_fuzz.py READER EXAMPLES` runs one by hand; hypothesis makes a failure small and prints it.
"""

import gzip
import hashlib
import io
import json
import os
import resource
import struct
import subprocess
import sys
import tarfile
import time
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mx_notes import recipes
from mx_notes.data import description
from mx_notes.data.formats import cifar, idx, recordio
from mx_notes.errors import UserError

EXAMPLES = {
    "recipe": 1500,
    "idx": 1200,
    "idx.gz": 1000,
    "cifar": 800,
    "cifar.tar.gz": 1000,
    "recordio": 1200,
    "recordio.idx": 700,
    "image": 1200,
    "picture": 1000,
    "description": 600,
    "manifest": 600,
    "parameters": 800,
    "progress": 600,
    "through MXNet": 300,
}
SECONDS = 1.0  # of processor time: what a hang is
# Beyond 10 times the file: what a gzip file may decompress to, the pixels of an image, the allocator's own.
ALLOWANCE = (64 + 32) << 20
PIXELS = np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8)

# -- how a file is damaged -------------------------------------------------------------------------------

EXTREMES = [
    0,
    1,
    0x7F,
    0xFF,
    0x7FFF,
    0xFFFF,
    1 << 24,
    0x7FFFFFFF,
    1 << 31,
    0xFFFFFFFF,
    1 << 40,
    (1 << 63) - 1,
]
places = st.integers(0, (1 << 16) - 1)  # in 1/65536 of the file; the front, with the headers, more often
fronts = st.integers(0, 63)
mutations = st.lists(
    st.one_of(
        st.tuples(st.just("cut"), places, st.none()),
        st.tuples(st.just("flip"), places, st.integers(0, 7)),
        st.tuples(st.just("flip in front"), fronts, st.integers(0, 7)),
        st.tuples(st.just("write"), places, st.binary(min_size=1, max_size=8)),
        st.tuples(
            st.just("number in front"), fronts, st.tuples(st.sampled_from(EXTREMES), st.sampled_from("<>"))
        ),
        st.tuples(st.just("number"), places, st.tuples(st.sampled_from(EXTREMES), st.sampled_from("<>"))),
        st.tuples(st.just("copy"), places, places),
        st.tuples(
            st.just("insert"),
            places,
            st.sampled_from([b"\0", b"\xff" * 9, b"[" * 2000, b"9" * 5000, b"1e999", b"null", b"-1", b'"']),
        ),
    ),
    min_size=1,
    max_size=4,
)


def damaged(content: bytes, changes: list) -> bytes:
    data = bytearray(content)
    for kind, place, what in changes:
        at = min(place, len(data)) if "front" in kind else len(data) * place >> 16
        if kind == "cut":
            del data[at:]
        elif kind.startswith("flip") and at < len(data):
            data[at] ^= 1 << what
        elif kind == "write":
            data[at : at + len(what)] = what
        elif kind.startswith("number"):
            value, order = what
            number = struct.pack(order + ("Q" if value >> 32 else "I"), value)
            data[at : at + len(number)] = number
        elif kind == "copy":
            source = len(data) * what >> 16
            data[at : at + 40] = data[source : source + 40]
        elif kind == "insert":
            data[at:at] = what
    return bytes(data)


# -- the readers: a whole file, and what is done with a damaged one --------------------------------------


def plain(content, read):
    """A reader of one file."""

    def run(folder, changes):
        (folder / "file").write_bytes(damaged(content, changes))
        read(folder / "file")

    return run


def compressed(content, read):
    """Damaged before the compression (then gzip's checksum is right), or after it."""

    def run(folder, changes):
        inside = changes[0][1] % 2
        data = (
            gzip.compress(damaged(content, changes), 1, mtime=0)
            if inside
            else damaged(gzip.compress(content, 1, mtime=0), changes)
        )
        (folder / "file.gz").write_bytes(data)
        read(folder / "file.gz")

    return run


def idx_file():
    return struct.pack(">4I", 0x803, *PIXELS.shape) + PIXELS.tobytes()


def cifar_file(count=5):
    pixels = np.resize(PIXELS, (count, cifar.RECORD - 1))
    return np.insert(pixels, 0, np.arange(count), axis=1).astype(np.uint8).tobytes()


def tar_file():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in ("../outside", *(f"{cifar.FOLDER}/{name}" for name in cifar.FILES)):
            info = tarfile.TarInfo(name)
            info.size, info.pax_headers = cifar.RECORD, {"comment": "ä" * 20}
            tar.addfile(info, io.BytesIO(cifar_file(1)))
    return buffer.getvalue()


def extract(archive):
    cifar.RECORDS = 1  # in each file, here
    try:
        cifar.extract(archive, archive.parent / "out")
    finally:
        written = {str(path.relative_to(archive.parent)) for path in archive.parent.rglob("*")}
        assert written <= {archive.name, "out", *(f"out/{name}" for name in cifar.FILES)}


def image_file(number, suffix=".png"):
    import cv2

    pixels = np.kron(PIXELS[number], np.ones((3, 3), np.uint8))
    return cv2.imencode(suffix, np.stack([pixels, pixels // 2, 255 - pixels], axis=2))[1].tobytes()


def record_file(images):
    data, offsets = b"", []
    for number, image in enumerate(images):
        content = struct.pack("<IfQQ", 0, number % 10, number, 0) + image
        offsets.append(len(data))
        data += struct.pack("<II", recordio.MAGIC, len(content)) + content + bytes(-len(content) % 4)
    return data, "".join(f"{number}\t{offset}\n" for number, offset in enumerate(offsets)).encode()


def images():
    return [image_file(number, (".png", ".jpg")[number % 2]) for number in range(6)]


def read_records(path):
    recordio.check_images(recordio.scan(path))


def index_reader():
    data, index = record_file(images())

    def run(folder, changes):
        (folder / "train.rec").write_bytes(data)
        (folder / "train.idx").write_bytes(damaged(index, changes))
        recordio.check_index(recordio.scan(folder / "train.rec"), folder / "train.idx")

    return run


def damaged_image(image, changes):
    """Damaged behind its first bytes, which scan() looks at; of half the PNGs the checksums are right."""
    start = len(recordio.PNG)
    data = bytearray(image[:start] + damaged(image[start:], changes))
    position = start
    while changes[0][1] & 64 and data.startswith(recordio.PNG) and position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        body = data[position + 4 : position + 8 + length]
        position += 12 + length
        if position <= len(data):
            data[position - 4 : position] = struct.pack(">I", zlib.crc32(body))
    return bytes(data)


def image_reader():
    whole = images()

    def run(folder, changes):
        image = damaged_image(whole[changes[0][1] % len(whole)], changes)
        (folder / "train.rec").write_bytes(record_file([image])[0])
        read_records(folder / "train.rec")

    return run


def picture_reader():
    """A user's own picture, of each kind that is read."""
    from mx_notes.data import pictures
    from mx_notes.data.formats.picture import Unreadable

    whole = [image_file(number, (".png", ".jpg", ".webp", ".bmp")[number % 4]) for number in range(8)]

    def run(folder, changes):
        path = folder / "picture"
        path.write_bytes(damaged_image(whole[changes[0][1] % len(whole)], changes))
        try:
            assert pictures.decoded(path, 16).shape == (3, 16, 16)
        except Unreadable as error:
            raise UserError(str(error)) from None

    return run


def description_text():
    from mx_notes import data

    return data.Description.of(data.load("synthetic")).to_json().encode()


def checkpoint_reader(part):
    """A file of a checkpoint, damaged by somebody who corrects its SHA-256 in the manifest."""
    from mx_notes import checkpoint
    from mx_notes.checkpoint import network

    content = small_checkpoint()
    name = {
        "manifest": checkpoint.MANIFEST,
        "parameters": checkpoint.PARAMETERS,
        "progress": checkpoint.PROGRESS,
    }[part]

    def run(folder, changes):
        path = folder / "step-00000002"
        path.mkdir()
        for file in content:
            (path / file).write_bytes(content[file])
        (path / name).write_bytes(damaged(content[name], changes))
        if name != checkpoint.MANIFEST:
            manifest = json.loads(content[checkpoint.MANIFEST])
            data = (path / name).read_bytes()
            manifest["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            (path / checkpoint.MANIFEST).write_text(json.dumps(manifest))
        errors = []
        for read in (checkpoint.load, network._validation_accuracy, checkpoint.read):
            try:
                read(path)
            except UserError as error:
                check_message(error)
                errors.append(error)
        if errors:
            raise errors[0]

    return run


def small_checkpoint():
    """The content of each file of a checkpoint, with three small arrays."""
    from mx_notes import checkpoint
    from mx_notes.checkpoint import state

    rng = np.random.default_rng(0)
    arrays = {f"{name}_weight": rng.standard_normal((3, 2), np.float32) for name in ("a", "b", "c")}
    row = dict.fromkeys(state.ROW, 0.5) | {"epoch": 1}
    counters = dict.fromkeys(state.COUNTERS, 0) | {"epoch": 1, "step": 2}
    whole = state.State(
        recipe=recipes.Recipe(),
        symbol="{}",
        arguments=arrays,
        auxiliary={"a_running_mean": np.zeros(3, np.float32)},
        optimizer={f"momentum:{name}": array for name, array in arrays.items()},
        updates=dict.fromkeys(arrays, 2),
        meter_loss=0.0,
        seconds=1.5,
        history=[row],
        versions=state.versions(),
        **counters,
    )
    with TemporaryDirectory() as folder:
        path = checkpoint.save(Path(folder), whole)
        return {file.name: file.read_bytes() for file in path.iterdir()}


def mxnet_reader():
    """Whatever records.load accepts is handed to MXNet's own iterator."""
    from mx_notes.data import records

    train, index = record_file(images())

    def run(folder, changes):
        broken = images()
        for number in range(len(broken)):
            if (changes[0][1] >> number) % 2:
                broken[number] = damaged_image(broken[number], changes)
        (folder / "train.rec").write_bytes(train)
        (folder / "train.idx").write_bytes(index)
        (folder / "val.rec").write_bytes(record_file(broken)[0])
        data = records.load(folder, 16)
        seen = sum(len(batch.label[0]) for batch in data.evaluation("validation", 4).epoch(0))
        assert seen == len(data.validation.labels)

    return run


def reader(name):
    gray = idx_file()
    return {
        "recipe": lambda: plain(recipes.PRESETS["digits"].to_json().encode(), recipes.read),
        "idx": lambda: plain(gray, lambda path: idx.read(path, 3)),
        "idx.gz": lambda: compressed(gray, lambda path: (idx.raw_bytes(path), idx.read(path, 3))),
        "cifar": lambda: plain(cifar_file(), cifar.read),
        "cifar.tar.gz": lambda: compressed(tar_file(), extract),
        "recordio": lambda: plain(record_file(images())[0], read_records),
        "recordio.idx": index_reader,
        "image": image_reader,
        "picture": picture_reader,
        "description": lambda: plain(description_text(), description.read),
        "manifest": lambda: checkpoint_reader(name),
        "parameters": lambda: checkpoint_reader(name),
        "progress": lambda: checkpoint_reader(name),
        "through MXNet": mxnet_reader,
    }[name]()


# -- the judgement ---------------------------------------------------------------------------------------


def check_message(error):
    assert "\n" not in str(error) and len(str(error)) < 2000, f"not one clear line: {str(error)[:3000]!r}"


def peak_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def fuzz(name, count):
    """Run the reader on so many damaged files; raises what it should not, with the smallest example."""
    read, outcomes = reader(name), {"value": 0, "UserError": 0}
    for _ in range(50):  # what imports and MXNet's threads take once is not counted
        with TemporaryDirectory() as folder:
            read_once(read, Path(folder), [("flip in front", 0, 0)])
    baseline = peak_memory()

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(mutations)
    def run(changes):
        with TemporaryDirectory() as folder:
            before, began = peak_memory(), time.process_time()
            outcomes[read_once(read, Path(folder), changes)] += 1
            seconds, after = time.process_time() - began, peak_memory()
            size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        assert seconds < SECONDS, f"{seconds:.1f} s"
        assert after == before or after - baseline < 10 * size + ALLOWANCE, (
            f"{after - baseline} bytes for {size}"
        )

    run()
    return outcomes


def read_once(read, folder, changes):
    try:
        read(folder, changes)
    except UserError as error:
        check_message(error)
        return "UserError"
    return "value"


def in_own_process(name, count):
    root = Path(__file__).parent.parent
    return subprocess.run(
        [sys.executable, __file__, name, str(count)],
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
@pytest.mark.parametrize("share", [10, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_damaged_file_is_a_value_or_a_user_error(name, share):
    examples = EXAMPLES[name] // share
    result = in_own_process(name, examples)
    assert result.returncode == 0, result.stderr[-3000:]
    outcomes = json.loads(result.stdout.splitlines()[-1])
    assert sum(outcomes.values()) >= examples
    # Damage that nothing notices, and nothing but noticed damage, would both mean that little was tried.
    assert outcomes["UserError"] > examples // 10
    if name not in ("cifar.tar.gz", "recordio.idx", "manifest"):
        assert outcomes["value"] > 0


def test_together_they_are_ten_thousand():
    assert sum(EXAMPLES.values()) >= 10_000


if __name__ == "__main__":
    print(json.dumps(fuzz(sys.argv[1], int(sys.argv[2]))))
