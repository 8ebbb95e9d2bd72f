#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""dpdk-testpmd in all its ways over one kind of ports, on the mempool ops: what comes in goes
out, and the mempool has all its objects again at the end. Arguments: the plugin, the kind."""
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

from testpmd import Failed, Testpmd

ME = 'ppm%d' % os.getpid()
FORWARD = ['io', 'mac', '5tswap']
FRAMES = 2000


def sh(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


def check(good, *what):
    if not good:
        raise Failed(' '.join(str(w) for w in what))


def frame(number):
    """An Ethernet frame with UDP over IPv4 in it, which 5tswap can turn round."""
    payload = struct.pack('!I', number) * 10
    udp = struct.pack('!HHHH', 1234, 5678, 8 + len(payload), 0)
    ip = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(udp) + len(payload), number & 0xffff, 0, 64, 17, 0,
                     socket.inet_aton('198.18.0.1'), socket.inet_aton('198.18.0.2'))
    return b'\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0' + ip + udp + payload


def inject(interface):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((interface, 0))
        for i in range(FRAMES):
            sock.send(frame(i))
            if i % 32 == 31:
                time.sleep(0.001)


class Null:
    """Takes everything and always has more."""
    missing_by_driver = False
    netns = None
    args = ()

    def __init__(self, top):
        self.vdevs = ['net_null0', 'net_null1']

    def run(self, pmd):
        for mode in FORWARD:
            rx, tx, dropped = pmd.forward(mode, 0.5)
            check(rx == tx > 100000 and not dropped, mode, rx, tx, dropped)
        check(pmd.forward('txonly', 0.5)[1] > 100000, 'txonly')
        check(pmd.forward('rxonly', 0.5)[0] > 100000, 'rxonly')

    def end(self):
        pass


class Ring(Null):
    """Gives back what it was given."""

    def __init__(self, top):
        self.vdevs = ['net_ring0', 'net_ring1']

    def run(self, pmd):
        for mode in FORWARD:
            rx, tx, dropped = pmd.forward(mode, 0.5, 'start tx_first')
            check(rx > 100000 and not dropped, mode, rx, tx, dropped)
            pmd.forward('rxonly', 0.2)
        pmd.forward('txonly', 0.2)
        pmd.forward('rxonly', 0.2)
        rx, tx = pmd.ports()
        check(rx == tx > 100000, 'received', rx, 'of', tx)


class Pcap(Null):
    """Reads a file, writes another."""
    # Else it is read before anything is forwarded.
    args = ['--no-flush-rx']

    def __init__(self, top):
        self.out = [top + '/out0', top + '/out1']
        frames = [frame(i) for i in range(FRAMES)]
        with open(top + '/in', 'wb') as file:
            file.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
            for f in frames:
                file.write(struct.pack('<IIII', 0, 0, len(f), len(f)) + f)
        self.vdevs = ['net_pcap%d,rx_pcap=%s/in,tx_pcap=%s' % (i, top, self.out[i]) for i in (0, 1)]

    @staticmethod
    def all_modes():
        return FORWARD + ['txonly', 'rxonly']

    def run_mode(self, pmd, mode):
        rx, tx, dropped = pmd.forward(mode, 0.5)
        check(not dropped, mode, 'dropped', dropped)
        check(rx == (0 if mode == 'txonly' else 2 * FRAMES), mode, 'received', rx)
        check(tx == rx if mode in FORWARD else (tx > 0) == (mode == 'txonly'), mode, 'sent', tx, 'of', rx)
        self.sent = tx

    def written(self, mode):
        total = 0
        for path in self.out:
            data = open(path, 'rb').read()
            at = 24
            while at < len(data):
                at += 16 + struct.unpack_from('<I', data, at + 8)[0]
                total += 1
        check(total == self.sent, mode, 'files have', total, 'of', self.sent)


class Kernel(Null):
    """Two interfaces in a namespace, whose far ends are sent to."""

    def __init__(self, top):
        self.netns = ME
        sh('ip', 'netns', 'add', ME)
        for key in ('all', 'default'):
            sh('ip', 'netns', 'exec', ME, 'sysctl', '-qw', 'net.ipv6.conf.%s.disable_ipv6=1' % key)
        self.prepare()

    def pair(self, i):
        sh('ip', '-n', ME, 'link', 'add', 'dev', 'near%d' % i, 'type', 'veth', 'peer', 'name', 'far%d' % i)
        for end in ('near%d' % i, 'far%d' % i):
            sh('ip', 'netns', 'exec', ME, 'ethtool', '-K', end, 'tx', 'off')
            sh('ip', '-n', ME, 'link', 'set', 'dev', end, 'promisc', 'on', 'up')

    def send(self):
        sh('ip', 'netns', 'exec', ME, sys.executable, __file__, '--inject', self.far)

    def arrived(self):
        said = sh('ip', '-n', ME, '-s', '-s', 'link', 'show', 'dev', self.far_out)
        return int(re.search(r'RX:.*\n\s*\d+\s+(\d+)', said).group(1))

    def run(self, pmd):
        for mode in FORWARD:
            before = self.arrived()
            rx, tx, dropped = pmd.forward(mode, 1, meanwhile=self.send)
            check(rx == tx >= FRAMES and not dropped, mode, rx, tx, dropped)
            got = self.arrived() - before
            check(got >= FRAMES, mode, got, 'of', FRAMES, 'arrived')
        rx = pmd.forward('rxonly', 1, meanwhile=self.send)[0]
        check(rx >= FRAMES, 'rxonly', rx)
        tx = pmd.forward('txonly', 0.3)[1]
        check(tx > FRAMES, 'txonly', tx)
        time.sleep(0.5)

    def end(self):
        sh('ip', 'netns', 'del', ME)


class Tap(Kernel):
    def prepare(self):
        self.vdevs = ['net_tap0,iface=far0', 'net_tap1,iface=far1']
        self.far, self.far_out = 'far0', 'far1'


class Packet(Kernel):
    def prepare(self):
        for i in (0, 1):
            self.pair(i)
        # More blocks than are sent at a time: what has no room is dropped in the kernel.
        self.vdevs = ['net_af_packet%d,iface=near%d,framecnt=4096,blocksz=8192,qdisc_bypass=0' % (i, i)
                      for i in (0, 1)]
        self.far, self.far_out = 'far0', 'far1'


class Xdp(Kernel):
    # What lies in its fill ring when it is closed.
    missing_by_driver = True

    def prepare(self):
        for i in (0, 1):
            self.pair(i)
        self.vdevs = ['net_af_xdp%d,iface=near%d,force_copy=1' % (i, i) for i in (0, 1)]
        self.far, self.far_out = 'far0', 'far1'


KINDS = {'null': Null, 'ring': Ring, 'pcap': Pcap, 'tap': Tap, 'af_packet': Packet, 'af_xdp': Xdp}


def once(plugin, ports, ops, work, cache=250):
    pmd = Testpmd(ME, plugin, ports.vdevs, ops, ports.netns, cache=cache, args=ports.args)
    try:
        check(pmd.ops() == ops, 'its mempool has ops', pmd.ops())
        work(pmd)
        return pmd.close()
    except Failed as failed:
        raise Failed('%s\n%s' % (failed, pmd.text()))
    finally:
        pmd.kill()


def memif(plugin, top):
    """Two processes, and each gets back from the other what it sends."""
    def one(role):
        return Testpmd(ME + role, plugin, ['net_memif0,role=%s,socket=%s/socket,socket-abstract=no' % (role, top)])
    server = one('server')
    client = None
    try:
        client = one('client')
        for pmd in (server, client):
            pmd.up(0)
        for mode in FORWARD:
            client.do('set fwd ' + mode)
            client.do('start')
            rx = server.forward(mode, 0.5, 'start tx_first')[0]
            check(rx > 100, mode, 'server received', rx)
            server.forward('rxonly', 0.3)
            client.do('stop')
        client.do('set fwd rxonly')
        client.do('start')
        server.forward('txonly', 0.3)
        time.sleep(0.3)
        client.do('stop')
        here, there = server.ports(), client.ports()
        check(here[0] == there[1] > 1000, 'server received', here[0], 'of', there[1])
        check(there[0] == here[1] > 1000, 'client received', there[0], 'of', here[1])
        for pmd in (client, server):
            missing = pmd.close()
            check(not missing, missing, 'mbufs are missing')
        print('memif: %d and %d packets each way, none lost' % tuple(here))
    except Failed as failed:
        raise Failed('%s\n%s\n%s' % (failed, server.text(), client.text() if client else ''))
    finally:
        for pmd in (server, client):
            if pmd:
                pmd.kill()


def run(plugin, kind, top):
    if kind == 'memif':
        memif(plugin, top)
        return
    ports = KINDS[kind](top)
    try:
        if kind == 'pcap':
            for mode in ports.all_modes():
                missing = once(plugin, ports, 'pktpool', lambda pmd: ports.run_mode(pmd, mode))
                check(not missing, mode, missing, 'mbufs are missing')
                ports.written(mode)
        else:
            kept = once(None, ports, 'ring_mp_mc', ports.run) if ports.missing_by_driver else 0
            for cache in (250, 0):
                missing = once(plugin, ports, 'pktpool', ports.run, cache)
                check(missing == kept, missing, 'mbufs are missing; with ring_mp_mc', kept)
    finally:
        ports.end()
    print(kind + ': nothing lost, every mbuf came home')


def main():
    if sys.argv[1] == '--inject':
        inject(sys.argv[2])
        return 0
    plugin, kind = sys.argv[1:]
    if os.geteuid() or not shutil.which('dpdk-testpmd'):
        print('skipped: wants root and dpdk-testpmd')
        return 77
    # Not where anybody may write: EAL refuses a plugin there.
    with tempfile.TemporaryDirectory(dir='/run', prefix=ME) as top:
        try:
            run(shutil.copy(plugin, top), kind, top)
        except Failed as failed:
            print(failed)
            return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
