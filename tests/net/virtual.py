# SPDX-License-Identifier: BSD-3-Clause
"""Virtual: writes a pcap file of frames of all sizes, or of some with runts among them; compares two
without their times, or one with its frames turned round."""
import random
import struct
import sys

HEAD = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)


def frames(path):
    with open(path, "rb") as file:
        data = file.read()
    at, out = len(HEAD), []
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        out.append(data[at + 16 : at + 16 + size])
        at += 16 + size
    return out


if sys.argv[1] == "write":
    rnd = random.Random(int(sys.argv[4]))
    noise = rnd.randbytes(4096)
    with open(sys.argv[2], "wb") as file:
        file.write(HEAD)
        for n in range(int(sys.argv[3])):
            size = rnd.choice((60, 61, 64, 128, 570, 1514, rnd.randint(60, 1514)))
            start = n % 2048
            body = struct.pack("!I", n) + noise[start : start + size - 4]
            file.write(struct.pack("<IIII", n >> 16, n & 65535, size, size) + body)
elif sys.argv[1] == "mixed":
    with open(sys.argv[2], "wb") as file:
        file.write(HEAD)
        for n in range(int(sys.argv[3])):
            body = (bytes(range(1, 13)) + b"\x88\xb5" + bytes([n]) * 46)[: 10 if n % 3 == 1 else 14 + n % 5]
            file.write(struct.pack("<IIII", 0, n, len(body), len(body)) + body)
elif sys.argv[1] == "turned":
    if [f[6:12] + f[:6] + f[12:] for f in frames(sys.argv[2]) if len(f) >= 14] != frames(sys.argv[3]):
        sys.exit(f"{sys.argv[3]} is not {sys.argv[2]} turned round")
elif frames(sys.argv[2]) != frames(sys.argv[3]):
    sys.exit(f"{sys.argv[2]} and {sys.argv[3]} differ")
