"""Machines that share nothing but a network, on this one: Linux's network namespaces, linked by a switch.

with Machines(2, megabits=100) as machines:
    subprocess.run([*machines.on(1), sys.executable, "train.py"])  # its address is machines.address(1)

Needs root and Debian's iproute2. Processors, memory and disk are this machine's.
"""

import os
import shutil
import subprocess

from mx_notes.errors import UserError

MOST = 250
BURST = 1 << 13  # bytes that a link passes on at once after a pause
QUEUE = 1 << 26  # bytes that wait for a link rather than get lost


class Machines:
    """So many, with addresses from 10.77.0.1 on; each link has so many Mb/s in each direction, or no limit."""

    def __init__(self, number: int, megabits: float | None = None) -> None:
        if not 1 <= number <= MOST:
            raise UserError(f"{number} machines: expected 1 to {MOST}")
        if not shutil.which("ip"):
            raise UserError("machines of their own need root and Debian's iproute2")
        own = f"mx-notes-{os.getpid()}"
        self._switch = f"{own}-switch"
        self._names = [f"{own}-{machine}" for machine in range(number)]
        self._megabits = megabits

    def __enter__(self) -> "Machines":
        try:
            self._add(self._switch)
            _run("ip", "-netns", self._switch, "link", "add", "switch", "type", "bridge")
            _run("ip", "-netns", self._switch, "link", "set", "switch", "up")
            for machine, name in enumerate(self._names):
                self._plug_in(machine, name)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in (*self._names, self._switch):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)

    def on(self, machine: int) -> list[str]:
        """What a command begins with that is to run on this machine (from 0)."""
        return ["nsenter", f"--net=/run/netns/{self._names[machine]}"]  # "ip netns exec" would hide cgroups

    def address(self, machine: int) -> str:
        """Its address, which the others reach it at."""
        return f"10.77.0.{machine + 1}"

    def unplug(self, machine: int) -> None:
        """Nothing reaches it any more, and nobody is told."""
        _run("ip", "-netns", self._switch, "link", "set", f"port{machine}", "nomaster")

    def _add(self, name: str) -> None:
        _run("ip", "netns", "add", name)
        _run("ip", "-netns", name, "link", "set", "lo", "up")

    def _plug_in(self, machine: int, name: str) -> None:
        port = f"port{machine}"
        self._add(name)
        _run("ip", "-netns", name, *f"link add eth0 type veth peer name {port} netns {self._switch}".split())
        _run("ip", "-netns", self._switch, "link", "set", port, "master", "switch", "up")
        _run("ip", "-netns", name, "address", "add", f"{self.address(machine)}/24", "dev", "eth0")
        _run("ip", "-netns", name, "link", "set", "eth0", "up")
        if self._megabits:
            limit = f"root tbf rate {self._megabits}mbit burst {BURST} limit {QUEUE}".split()
            for place, device in ((name, "eth0"), (self._switch, port)):  # what it sends, what it gets
                # Packets of a real link's size: the kernel would hand on up to 64 kB in one piece.
                _run(
                    "ip", "-netns", place, "link", "set", device, "gso_max_segs", "1", "gso_max_size", "1500"
                )
                _run("tc", "-netns", place, "qdisc", "add", "dev", device, *limit)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"{' '.join(command)}: {done.stderr.strip()}")
