"""A folder of pictures as a user has it: scanned digits in class folders, small PNG and large JPEG."""

from pathlib import Path

import cv2
import numpy as np
from sklearn.datasets import load_digits

DIGITS = load_digits()
SMALL, LARGE = (28, 28), (640, 480)  # width, height


def pixels(number: int, size=SMALL) -> np.ndarray:
    """(H, W) uint8, the scan of that number."""
    return cv2.resize((DIGITS.images[number] * 15).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)


def encoded(image: np.ndarray, suffix: str = ".png", *options: int) -> bytes:
    return cv2.imencode(suffix, image, options)[1].tobytes()


def write(folder: Path, numbers, size=SMALL, suffix=".png") -> Path:
    """Write the digits of these numbers as folder/digit N/NUMBER.png; returns the folder."""
    for number in numbers:
        path = folder / f"digit {DIGITS.target[number]}" / f"{number:04}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(pixels(number, size), suffix))
    return folder
