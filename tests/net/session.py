# SPDX-License-Identifier: BSD-3-Clause
"""Session: one over TCP whose every byte comes back, until a file is there; says whether it did.

session.py echo ADDRESS PORT              sends back what one peer sends
session.py talk ADDRESS PORT FILE WAIT    ends when FILE is there and WAIT seconds have passed in vain
"""
import hashlib
import json
import os
import random
import select
import socket
import sys
import time

PIECE, PERIOD = 8192, 0.05


def echo(address, port):
    with socket.create_server((address, port)) as server:
        peer, _ = server.accept()
        while piece := peer.recv(65536):
            peer.sendall(piece)


def connect(address, port):
    end = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection((address, port), timeout=60)
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def talk(address, port, enough, patience):
    peer = connect(address, port)
    peer.setblocking(False)
    rnd = random.Random(os.getpid())
    said, heard = hashlib.sha256(), hashlib.sha256()
    sent = back = 0
    waiting, due, last = b"", time.monotonic(), None
    while True:
        now = time.monotonic()
        if last is None and os.path.exists(enough):
            last = now
        if not waiting and last is None and now >= due:
            waiting, due = rnd.randbytes(PIECE), now + PERIOD
        if last is not None and (now > last + patience or (not waiting and back == sent)):
            break
        readable, writable, _ = select.select([peer], [peer] if waiting else [], [], PERIOD)
        try:
            if writable:
                n = peer.send(waiting)
                said.update(waiting[:n])
                sent, waiting = sent + n, waiting[n:]
            if readable:
                piece = peer.recv(65536)
                if not piece:
                    break
                heard.update(piece)
                back += len(piece)
        except OSError:
            break
        with open(enough + ".back", "w", encoding="ascii") as file:
            file.write(str(back))
    same = sent == back and not waiting and said.digest() == heard.digest()
    print(json.dumps({"sent": sent, "back": back, "sha": heard.hexdigest(), "same": same}))


if sys.argv[1] == "echo":
    echo(sys.argv[2], int(sys.argv[3]))
else:
    talk(sys.argv[2], int(sys.argv[3]), sys.argv[4], float(sys.argv[5]))
