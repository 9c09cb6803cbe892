"""Names of Pillow's filters that Pillow 10 has dropped: gluoncv/data/kitti/mono_dataset.py:59 reads ANTIALIAS."""

from __future__ import annotations

TODAY = {"ANTIALIAS": "LANCZOS", "LINEAR": "BILINEAR", "CUBIC": "BICUBIC"}


def needed() -> bool:
    """Whether one of the names is missing."""
    from PIL import Image

    return any(not hasattr(Image, name) for name in TODAY)


def mend() -> None:
    """Put the missing names back."""
    from PIL import Image

    for old, new in TODAY.items():
        if not hasattr(Image, old):
            setattr(Image, old, getattr(Image, new))
