"""Scanned digits in RecordIO files, in colour, written by MXNet itself."""

import cv2
import numpy as np
from sklearn.datasets import load_digits

from mx_notes.runtime import mx

DIGITS = load_digits()


def picture(number):
    """(32, 32, 3) uint8, red first."""
    grey = np.kron(DIGITS.images[number] * 15, np.ones((4, 4))).astype(np.uint8)
    return np.stack([grey, grey // 2, 255 - grey], axis=2)


def png(number, image=picture):
    # Not mx.recordio.pack_img: on NumPy 2 it fails for want of ndarray.tostring.
    return cv2.imencode(".png", np.ascontiguousarray(image(number)[:, :, ::-1]))[1].tobytes()


def write(folder, name, numbers, image=picture):
    """Records of these digits, as MXNet writes them."""
    write_raw(folder / f"{name}.rec", [png(n, image) for n in numbers], DIGITS.target[numbers])


def write_raw(path, contents, labels=range(10)):
    writer = mx.recordio.MXIndexedRecordIO(str(path.with_suffix(".idx")), str(path), "w")
    for number, (content, label) in enumerate(zip(contents, labels, strict=True)):
        header = mx.recordio.IRHeader(0, float(label), number, 0)
        writer.write_idx(number, mx.recordio.pack(header, content))
    writer.close()
