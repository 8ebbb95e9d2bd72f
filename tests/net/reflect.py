# SPDX-License-Identifier: BSD-3-Clause
"""Reflect: sends numbered frames out of an interface and wants each back with its MACs swapped."""
import select
import socket
import struct
import sys

TYPE = 0x88B5  # IEEE 802: local experiments
COUNT = 200
SO_RCVBUFFORCE = 33  # by default there is room for about 150 frames
US, THEM = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")


def frame(to, who, number):
    body = struct.pack("!HI", TYPE, number) + bytes((number + i) & 255 for i in range(46 + number * 7))
    return to + who + body


# Without a protocol until it is bound: other interfaces may have such frames too.
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
link.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
link.bind((sys.argv[1], TYPE))
missing = set(range(COUNT))
for n in range(COUNT):
    link.send(frame(THEM, US, n))
    while select.select([link], [], [], 2 if n == COUNT - 1 and missing else 0)[0]:
        got = link.recv(65536)
        number = struct.unpack_from("!I", got, 14)[0]
        if got == frame(US, THEM, number):
            missing.discard(number)
        elif got != frame(THEM, US, number):
            sys.exit(f"frame {number} came back otherwise than swapped: {got.hex()}")
        if not missing:
            break
if missing:
    sys.exit(f"{len(missing)} of {COUNT} frames did not come back, {min(missing)} the first")
