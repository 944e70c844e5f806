"""Where processes connect, as the kernel sees it: strace around a program and all that it starts.

Unlike a hook of Python it also sees what is written in C: event loops, TensorFlow, name look-ups.
"""

from __future__ import annotations

import ipaddress
import re
import shutil
from pathlib import Path

import pytest

CALLS = "connect,sendto,sendmsg,sendmmsg"
NAMES = 53  # port of name servers, which ask others in our name
_ADDRESS = re.compile(
    r"(?:sin_port=htons\((?P<port>\d+)\), sin_addr=inet_addr\(\"(?P<v4>[^\"]+)\"\)"
    r"|sin6_port=htons\((?P<port6>\d+)\).*?inet_pton\(AF_INET6, \"(?P<v6>[^\"]+)\""
    r"|sun_path=@?\"(?P<path>[^\"]*)\")"
)
RESOLVERS = ("resolve", "dbus", "avahi")  # which look names up for others, by a socket


class Trace:
    """The programs that are started by `python`, and where each of them connected."""

    def __init__(self, folder: Path, python: str) -> None:
        strace = shutil.which("strace")
        if not strace:
            pytest.fail("strace was not found: install the package strace (or make test)")
        self.log = folder / "trace"
        self.python = folder / "python"
        options = f"-D -f -qq --seccomp-bpf -e trace={CALLS} -o {self.log}"
        # A process of its own traces: the one that is traced keeps the id it was started with.
        self.python.write_text(f'#!/bin/sh\nexec {strace} {options} {python} "$@"\n')
        self.python.chmod(0o755)

    def lines(self) -> list[str]:
        if not self.log.exists():
            return []
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()

    def inside(self) -> list[str]:
        """What went to this computer, by port."""
        return [line for line in self.lines() if _ADDRESS.search(line) and not is_outside(line)]

    def outside(self) -> list[str]:
        """What went, or would have gone, elsewhere; looking a name up counts, whoever is asked."""
        return [line for line in self.lines() if is_outside(line)]


def is_outside(line: str) -> bool:
    """Whether a line of strace names an address that is not of this computer."""
    return any(map(_is_elsewhere, _ADDRESS.finditer(line)))


def _is_elsewhere(found: re.Match[str]) -> bool:
    if found["path"] is not None:
        return any(name in found["path"] for name in RESOLVERS)
    address = ipaddress.ip_address(found["v4"] or found["v6"])
    mapped = getattr(address, "ipv4_mapped", None)
    return not (mapped or address).is_loopback or int(found["port"] or found["port6"]) == NAMES


def is_traced(pid: int) -> bool:
    """Whether a process, and so whatever it does, is seen."""
    status = Path("/proc", str(pid), "status").read_text()
    return "TracerPid:\t0\n" not in status
