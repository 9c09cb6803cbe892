"""Writes images of a data set as pictures, in a folder for each class: something to try `--data folder` on.

python scripts/write_pictures.py pictures                      # scanned digits, 28x28 PNG
python scripts/write_pictures.py photos --data fashion-mnist --images 300 --size 640x480 --suffix .jpg
mx-notes train --data folder --data-dir pictures
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from mx_notes import data

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("folder", type=Path)
parser.add_argument("--data", default="digits", help="default: digits")
parser.add_argument("--images", type=int, default=1200, metavar="N", help="how many (default: 1200)")
parser.add_argument("--size", default="28x28", metavar="WIDTHxHEIGHT", help="default: 28x28")
parser.add_argument("--suffix", default=".png", help=".png, .jpg, … (default: .png)")
options = parser.parse_args()

dataset = data.load(options.data)
width, height = map(int, options.size.split("x"))
part = dataset.train
for number in range(min(options.images, len(part.labels))):
    pixels = part.images[number].transpose(1, 2, 0)[:, :, ::-1] * (
        255 / dataset.white
    )  # OpenCV has blue first
    picture = cv2.resize(np.rint(pixels).astype(np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    name = dataset.classes[part.labels[number]].replace("/", " or ")
    folder = options.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / f"{number:05}{options.suffix}"), picture)
