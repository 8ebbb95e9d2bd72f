# SPDX-License-Identifier: BSD-3-Clause
"""Places: the devices that packets are forwarded between, and who runs on them.

A place makes the contestants of one frame size and program. It tells whether two CPUs take part:
then a generator drives each contestant, and what comes back to it is what counts.
"""
import os
import shutil
import socket
import struct
import subprocess

from forward_clock import cpus
from forward_sides import Fwd, Generator, Kernel, KernelGenerator, Testpmd

POOLS = ['pktpool', 'ring_mp_mc', 'stack']
# Frames in bytes with FCS; the mix is 64, 594 and 1518 at 7:4:1.
MIX = 'IMIX'
PP_XSK = '/lib/pmd/librte_net_pp_xsk.so'
OPS = '/lib/mempool/librte_mempool_pktpool.so'
MIX_FRAMES = [64] * 7 + [594] * 4 + [1518]


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def plugin_take(build, tmp, path):
    """A copy of a plugin where EAL takes it from; None if the build has none."""
    if not os.path.exists(build + path):
        return None
    # Its libraries stay where they are.
    os.environ['LD_LIBRARY_PATH'] = '%s/lib/core:%s/lib/dma' % (build, build)
    copy = tmp + '/' + os.path.basename(path)
    return copy if os.path.exists(copy) else shutil.copy(build + path, copy)


def udp_frame(size, number):
    """A frame of so many bytes with FCS, which is not in it: UDP over IPv4."""
    room = size - 4 - 42
    header = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 28 + room, number & 0xffff, 0, 64, 17, 0,
                         socket.inet_aton('198.18.0.1'), socket.inet_aton('198.18.0.2'))
    return (b'\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0' + header +
            struct.pack('!HHHH', 1024 + number, 5678, 8 + room, 0) + bytes(room))


def pcap_write(path, sizes):
    with open(path, 'wb') as file:
        file.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for number, size in enumerate(sizes):
            frame = udp_frame(size, number)
            file.write(struct.pack('<IIII', 0, 0, len(frame), len(frame)) + frame)


class Contestant:
    """A side, and what drives it; fields that its row has more than others, and a device that is
    not the place's."""

    def __init__(self, side, generator=None, device=None, more=()):
        self.side, self.generator, self.device, self.more = side, generator, device, dict(more)
        self.who = side.who
        self.flow = side


    def all(self):
        return [s for s in (self.side, self.generator) if s]


class Place:
    """One process measures itself: packets received in so much of its CPU's time."""
    name = None
    two_cpus = False
    # Whether its work is the same for testpmd on any mempool ops.
    any_ops = True
    frames = [64]
    programs = ['io', 'macswap']
    first = 0

    def __init__(self, build, tmp, frame, pools=POOLS):
        self.build, self.tmp, self.frame, self.pools = build, tmp, frame, pools

    def vdevs(self):
        raise NotImplementedError

    def makers(self, program):
        """A function for each contestant, to be called one after another."""
        def fwd(pool):
            return lambda: Contestant(Fwd(self.build, pool, program, self.vdevs(), self.tmp, first=self.first))
        return [fwd(pool) for pool in self.pools] + [
            lambda: Contestant(Testpmd(program, self.vdevs(), self.tmp, first=self.first > 0))]

    def end(self):
        pass


class Null(Place):
    """Always has packets, which nobody wrote, and takes all."""
    name = 'net_null'

    def vdevs(self):
        return ['net_null%d,size=%d' % (i, self.frame - 4) for i in (0, 1)]


class Touch(Place):
    """The same with each packet's bytes copied in and copied out."""
    name = 'net_null copy'
    frames = [64, 1518]

    def vdevs(self):
        return ['net_null%d,size=%d,copy=1' % (i, self.frame - 4) for i in (0, 1)]


class Batch(Touch):
    """The same out of 131,072 buffers, sent 1,024 at a time: whether the pool brings those again that
    were just freed or goes through all it has. testpmd has nothing of the kind."""
    name = 'net_null batch'
    any_ops = False
    frames = [64]
    programs = ['macswap']

    def makers(self, program):
        def fwd(pool):
            return lambda: Contestant(Fwd(self.build, pool, program, self.vdevs(), self.tmp,
                                          own=['--batch', '1024', '--buffers', '131072']))
        return [fwd(pool) for pool in self.pools]


class Ring(Place):
    """32 packets a port go round: no pool takes part, it is what the rest costs."""
    name = 'net_ring'
    first = 32

    def vdevs(self):
        return ['net_ring0', 'net_ring1']


class Pcap(Place):
    """The packets of a file again and again, copied into mbufs; dropped where they are sent."""
    name = 'net_pcap'
    frames = [64, MIX]
    programs = ['io', 'macswap', '5tswap']

    def vdevs(self):
        path = '%s/%s.pcap' % (self.tmp, self.frame)
        if not os.path.exists(path):
            pcap_write(path, MIX_FRAMES * 8 if self.frame == MIX else [self.frame] * 96)
        return ['net_pcap%d,rx_pcap=%s,infinite_rx=1' % (i, path) for i in (0, 1)]


class Pipeline(Place):
    """One CPU receives, net_ring's rte_ring, the other sends: what is allocated here is freed there.
    The first is never out of packets, so that the ring is full and the rest lost."""
    name = 'pipeline'
    two_cpus = True
    any_ops = False
    programs = ['io']
    buffers = 16384

    def vdevs(self):
        return ['net_null0,size=%d' % (self.frame - 4), 'net_ring0']

    def makers(self, program):
        here, there = cpus()

        def contestant(side):
            # What net_null0 gave, and what came back to it.
            side.ports = [0]
            return Contestant(side)

        def fwd(pool):
            return lambda: contestant(Fwd(self.build, pool, program, self.vdevs(), self.tmp,
                                          own=['--buffers', str(self.buffers)],
                                          lcores='0@%d,1@%d' % (here, there)))
        return [fwd(pool) for pool in self.pools] + [
            lambda: contestant(Testpmd(program, self.vdevs(), self.tmp,
                                       own=['--nb-cores=2', '--total-num-mbufs=%d' % self.buffers],
                                       lcores='0@%d,1@%d,2@%d' % (here, here, there)))]


class PipelineLarge(Pipeline):
    """Of as many mbufs as no cache holds: whether the pool goes through all of them."""
    name = 'pipeline 128K'
    buffers = 131072


class Memif(Place):
    """Two memif ports in each of two processes: the generator's, and the forwarder's."""
    name = 'net_memif'
    two_cpus = True
    frames = [64, 1518]
    programs = ['io', 'macswap', '5tswap']
    made = 0

    def pair(self):
        Memif.made += 1
        path = '%s/memif%d' % (self.tmp, Memif.made)
        return [['net_memif%d,role=%s,id=%d,socket=%s-%d,socket-abstract=no' % (i, role, i, path, i)
                 for i in (0, 1)] for role in ('server', 'client')]

    def contestant(self, make, **other):
        """What make(vdevs) starts at one end, and the generator at the other."""
        server, client = self.pair()
        side = make(server)
        side.ready()
        return Contestant(side, Generator(self.build, self.frame, client, self.tmp), **other)

    def makers(self, program):
        def fwd(pool):
            return lambda: self.contestant(lambda vdevs: Fwd(self.build, pool, program, vdevs, self.tmp))
        return [fwd(pool) for pool in self.pools] + [
            lambda: self.contestant(lambda vdevs: Testpmd(program, vdevs, self.tmp))]


class AfXdp(Place):
    """Two veths: the forwarder at their near ends, the generator at their far ones."""
    name = 'net_af_xdp'
    two_cpus = True
    frames = [64, 1518]
    programs = ['io', 'macswap', '5tswap', 'reflect', 'drop']

    def __init__(self, *args):
        super().__init__(*args)
        self.spaces = []

    def space(self):
        """A namespace with two veths of their own, for one contestant."""
        name = 'ppf%d-%d' % (os.getpid(), len(self.spaces))
        run('ip', 'netns', 'add', name)
        self.spaces.append(name)
        for key in ('all', 'default'):
            run('ip', 'netns', 'exec', name, 'sysctl', '-qw', 'net.ipv6.conf.%s.disable_ipv6=1' % key)
        for i in (0, 1):
            run('ip', '-n', name, 'link', 'add', 'dev', 'near%d' % i, 'type', 'veth', 'peer', 'name', 'far%d' % i)
            for end in ('near%d' % i, 'far%d' % i):
                run('ip', '-n', name, 'link', 'set', 'dev', end, 'promisc', 'on', 'up')
        return name

    @staticmethod
    def ports(driver, end):
        return ['%s%d,iface=%s%d' % (driver, i, end, i) for i in (0, 1)]

    def generator(self, space):
        """The kernel's where the build has it: net_af_xdp sends a tenth of what is forwarded there."""
        if self.kernel():
            return KernelGenerator(self.build, ['far0', 'far1'], self.tmp, space, udp_frame(self.frame, 0))
        return Generator(self.build, self.frame, self.ports('net_af_xdp', 'far'), self.tmp, space)

    def kernel(self):
        """Left out of a build that lacks libbpf or clang."""
        return os.path.exists(self.build + '/tests/perf/forward-xdp')

    def contestant(self, make, **other):
        """A namespace of its own, what make(namespace) starts there, and what drives that."""
        space = self.space()
        side = make(space)
        side.ready()
        return Contestant(side, self.generator(space), **other)

    def fwd(self, pool, program, driver='net_af_xdp', eal=(), who=None, device=None):
        return lambda: self.contestant(lambda space: Fwd(
            self.build, pool, program, self.ports(driver, 'near'), self.tmp, space, eal=eal,
            own=['--promiscuous'], who=who), device=device)

    def makers(self, program):
        makers = [self.fwd(pool, program) for pool in self.pools] + [
            lambda: self.contestant(lambda space: Testpmd(
                program, self.ports('net_af_xdp', 'near'), self.tmp, space))]
        if self.kernel():
            makers.append(lambda: self.contestant(lambda space: Kernel(
                self.build, program, ['near0', 'near1'], self.tmp, space)))
        driver = plugin_take(self.build, self.tmp, PP_XSK)
        if driver:
            makers.append(self.fwd('pktpool', program, 'net_pp_xsk', ['-d', driver], who='pktpool-fwd net_pp_xsk'))
        return makers

    def end(self):
        for name in self.spaces:
            run('ip', 'netns', 'del', name)
        self.spaces = []


PLACES = {place.name.replace(' ', '-'): place for place in (
    Null, Touch, Batch, Ring, Pcap, Pipeline, PipelineLarge, Memif, AfXdp)}
