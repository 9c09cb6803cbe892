"""Devices by name (`cpu`, `gpu:1`, `auto`) as `mx.Context`, or one line on why MXNet cannot use them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ..errors import UserError
from . import cuda, opening

if TYPE_CHECKING:
    import mxnet as mx


@dataclass(frozen=True)
class Device:
    """The device that `auto` takes, and why."""

    name: str
    reason: str


def context(name: str) -> mx.Context:
    """The context that `cpu`, `cpu:1`, `gpu`, `gpu:0` or `auto` names; for `auto`, stderr gets the reason.

    Raises UserError for another word, and for a GPU that MXNet can't use, with the reason.
    """
    if name == "auto":
        name = _announced().name
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "gpu") or not (index or "0").isdecimal():
        raise UserError(f"device {name!r}: expected cpu, cpu:N, gpu, gpu:N or auto")
    number = int(index or 0)
    if kind == "gpu":
        _expect_usable(name, number)
    elif cuda.build() and cuda.driver().broken:
        raise UserError(
            f"device {name!r}: {cuda.build()} needs a driver that works even there, and"
            f" {cuda.driver().problem}; use MXNet's build for CPUs, {cuda.CPU_BUILD}"
        )
    return opening.mxnet().Context(kind, number)


def contexts(names: str) -> list[mx.Context]:
    """A context for each of the names, which commas divide (`gpu:0,gpu:1`): see `context`.

    Raises UserError for a device named twice, too.
    """
    found = [context(name) for name in names.split(",")]
    for twice in found:
        if found.count(twice) > 1:
            raise UserError(f"device {names!r}: {twice.device_type}:{twice.device_id} is named twice")
    return found


@cache
def automatic() -> Device:
    """Find the device that `auto` means: the first GPU that MXNet can use, or else the CPU."""
    driver, build = cuda.driver(), cuda.build()
    number = next(cuda.usable(driver, build), None)
    if number is None:
        return Device("cpu", cuda.obstacle(0, driver, build))
    return Device(f"gpu:{number}", str(driver.gpus[number]))


@cache
def _announced() -> Device:
    device = automatic()
    unseen = device.name != "cpu" and _unseen(int(device.name.partition(":")[2]))
    if unseen:
        device = Device("cpu", unseen)
    print(f"device auto: {device.name}; {device.reason}", file=sys.stderr)
    return device


def _expect_usable(name: str, number: int) -> None:
    driver, build = cuda.driver(), cuda.build()
    obstacle = cuda.obstacle(number, driver, build) or _unseen(number)
    if obstacle:
        others = [f"gpu:{other}" for other in cuda.usable(driver, build) if other != number]
        raise UserError(f"device {name!r}: {obstacle}; use {' or '.join([*others, 'cpu'])}")


def _unseen(number: int) -> str:
    """Say why MXNet can't use a GPU although the driver offers it; empty if MXNet counts it too."""
    if number < gpus():
        return ""
    return f"MXNet sees {gpus()} GPUs, though the driver offers {len(cuda.driver().gpus)}"


def gpus() -> int:
    """Count MXNet's GPUs, usable or not: 0 where its CUDA build finds none."""
    mx = opening.mxnet()
    try:
        return mx.context.num_gpus()
    except mx.MXNetError:
        return 0
