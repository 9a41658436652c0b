"""Runs a command in the present network namespace after bringing its loopback device up.

`unshare -n` gives a namespace whose only device is a loopback that is down: tests that talk to a server of their own on
127.0.0.1 need it, and it leads nowhere else. Linux only; needs no program that a small machine may lack.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import sys

_SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x8913, 0x8914
_IFF_UP = 0x1
_REQUEST = "16sh14x"


def main() -> None:
    """`with_loopback.py PROGRAM ARGUMENTS...`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack(_REQUEST, b"lo", 0)
        _, flags = struct.unpack(_REQUEST, fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack(_REQUEST, b"lo", flags | _IFF_UP))
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - our own Makefile names the program


if __name__ == "__main__":
    main()
