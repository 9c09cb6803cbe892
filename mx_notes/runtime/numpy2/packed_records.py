"""Records with several labels, and images, packed into RecordIO.

mxnet/recordio.py:392 (`pack`) and 508 (`pack_img`) call `ndarray.tostring`, which NumPy 2.3 has dropped.
"""

from __future__ import annotations

import functools
import numbers
import struct

import numpy as np


def needed() -> bool:
    """Whether arrays have lost the method."""
    return not hasattr(np.ndarray, "tostring")


def mend() -> None:
    """Have both functions turn arrays into bytes by `tobytes`."""
    from mxnet import recordio

    one_label, encode = recordio.pack, recordio.pack_img

    @functools.wraps(one_label)
    def pack(header, s):
        header = recordio.IRHeader(*header)
        if isinstance(header.label, numbers.Number):
            return one_label(header, s)
        label = np.asarray(header.label, dtype=np.float32)
        header = header._replace(flag=label.size, label=0)
        return struct.pack(recordio._IR_FORMAT, *header) + label.tobytes() + s

    @functools.wraps(encode)
    def pack_img(header, img, quality=95, img_fmt=".jpg"):
        cv2, kind = recordio.cv2, img_fmt.lower()
        assert cv2 is not None, "pack_img needs OpenCV"
        options = None
        if kind in (".jpg", ".jpeg"):
            options = [cv2.IMWRITE_JPEG_QUALITY, quality]
        elif kind == ".png":
            options = [
                cv2.IMWRITE_PNG_COMPRESSION,
                min(quality, 9),
            ]  # OpenCV itself takes 9 for the 95, and warns
        done, encoded = cv2.imencode(img_fmt, img, options)
        assert done, "failed to encode image"
        return pack(header, encoded.tobytes())

    recordio.pack, recordio.pack_img = pack, pack_img
