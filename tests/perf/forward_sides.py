# SPDX-License-Identifier: BSD-3-Clause
"""Sides: the programs that are compared, and the generator: started, paused, counted, ended.

All of a group run side by side from the start and stand still (SIGSTOP) but for the one that is
being measured: so rounds can take turns without starting anything anew.
"""
import json
import os
import re
import signal
import subprocess
import time

from forward_clock import Broken, cpu_ns, cpus, tail_of, telemetry



class Side:
    """A process; what it counts is given by counts()."""
    number = 0

    def __init__(self, who, command, tmp, netns=None):
        Side.number += 1
        self.who = who
        self.errors = '%s/side%d.err' % (tmp, Side.number)
        self.command = (['ip', 'netns', 'exec', netns] if netns else []) + command
        self.said = '%s/side%d.out' % (tmp, Side.number)
        with open(self.errors, 'wb') as err, open(self.said, 'wb') as out:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                            stdout=self.stdout(out), stderr=err)
        self.pid = self.process.pid

    def stdout(self, file):
        return file

    def broken(self, what):
        return Broken('%s: %s: %s\n%s' % (self.who, ' '.join(self.command), what, tail_of(self.errors)))

    def alive(self):
        if self.process.poll() is not None:
            raise self.broken('ended with %d' % self.process.returncode)

    def ready(self, seconds=60):
        """Waits until it has started."""
        end = time.monotonic() + seconds
        while True:
            self.alive()
            try:
                if self.started():
                    return
            except (OSError, KeyError, TypeError, ValueError):
                pass
            if time.monotonic() > end:
                raise self.broken('is not ready within %d s' % seconds)
            time.sleep(0.02)

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.alive()
        self.process.send_signal(signal.SIGCONT)

    def cpu(self):
        return cpu_ns(self.pid)

    def started(self):
        raise NotImplementedError

    def counts(self):
        """Packets received and sent so far."""
        raise NotImplementedError

    def lost(self):
        """After its end: the share of packets that it received and did not send."""
        raise NotImplementedError

    def end(self):
        """As it is asked to end by a user; by force if that does not do."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.quit()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdin.close()

    def quit(self):
        self.process.send_signal(signal.SIGTERM)


class Dpdk(Side):
    """A DPDK process, which tells by telemetry what its ports have counted."""

    def __init__(self, who, program, lcores, vdevs, own, tmp, netns=None, eal=()):
        self.prefix = 'ppf%d-%d' % (os.getpid(), Side.number)
        command = [program, '--lcores', lcores, '--no-pci', '--file-prefix', self.prefix]
        command += eal
        for vdev in vdevs:
            command += ['--vdev', vdev]
        self.ports = range(len(vdevs))
        super().__init__(who, command + ['--', *own], tmp, netns)

    def ask(self, about):
        """An answer for each port."""
        self.alive()
        path = '%s/dpdk/%s/dpdk_telemetry.v2' % (os.environ['RUNTIME_DIRECTORY'], self.prefix)
        return [telemetry(path, '/ethdev/%s,%d' % (about, i)) for i in self.ports]

    def started(self):
        # Before, its counters may be there, and go again.
        return all(info['dev_started'] for info in self.ask('info'))

    def counts(self):
        stats = self.ask('stats')
        return sum(s['ipackets'] for s in stats), sum(s['opackets'] for s in stats)


class Fwd(Dpdk):
    """pktpool-fwd on one kind of pool."""

    def __init__(self, build, pool, program, vdevs, tmp, netns=None, first=0, eal=(), own=(), who=None,
                 lcores=None):
        lcores = lcores or '0@%d' % cpus()[1]
        self.json = '%s/side%d.json' % (tmp, Side.number)
        args = ['--program', program, '--pool', pool, '--json', self.json]
        args += ['--first', str(first)] if first else []
        super().__init__(who or 'pktpool-fwd ' + pool, build + '/apps/fwd/pktpool-fwd', lcores, vdevs,
                         args + list(own), tmp, netns, ['--in-memory', *eal])

    def lost(self):
        with open(self.json, encoding='ascii') as file:
            books = json.load(file)
        return books['tx_refused'] / max(books['rx'] + books['first'], 1)


class Testpmd(Dpdk):
    """dpdk-testpmd of the same work. Its first lcore only waits for the end."""

    def __init__(self, program, vdevs, tmp, netns=None, first=False, cpu=None, who='dpdk-testpmd', eal=(), own=(),
                 cache=250, lcores=None):
        cpu = cpus()[1] if cpu is None else cpu
        mode, args = {
            'drop': ('rxonly', []),
            'reflect': ('macswap', ['--port-topology=loop']),
        }.get(program, (program, []))
        args += ['--forward-mode=' + mode, '--total-num-mbufs=16384', '--mbcache=%d' % cache, *own]
        super().__init__(who, 'dpdk-testpmd', lcores or '0@%d,1@%d' % (cpus()[0], cpu), vdevs,
                         args + (['--tx-first'] if first else []), tmp, netns, ['--in-memory', *eal])

    def quit(self):
        # It ends at Enter.
        self.process.stdin.write(b'\n')
        self.process.stdin.flush()

    def lost(self):
        with open(self.said, encoding='utf-8', errors='replace') as file:
            total = file.read().rpartition('Accumulated forward statistics')[2]
        received, dropped = (int(re.search(name + r': *(\d+)', total).group(1))
                             for name in ('RX-packets', 'TX-dropped'))
        return dropped / max(received, 1)


class Pktgen(Dpdk):
    """pktpool-pktgen: UDP from all its ports as fast as it can."""

    def __init__(self, build, frame, vdevs, tmp, netns=None, cpu=None, eal=(), own=(), who='pktpool-pktgen'):
        args = ['--frame=%d' % frame, '--seconds=86400', '--quiet', '--promiscuous', '--link-wait=60', *own]
        super().__init__(who, build + '/apps/pktgen/pktpool-pktgen',
                         '0@%d' % (cpus()[1] if cpu is None else cpu), vdevs, args, tmp, netns, ['--in-memory', *eal])


class Generator(Pktgen):
    """The same at the other end, from both ports, and what comes back at them."""

    def __init__(self, build, frame, vdevs, tmp, netns=None):
        super().__init__(build, frame, vdevs, tmp, netns, cpus()[0], own=['--both'], who='generator')


class Xdp(Side):
    """A process that answers for what the kernel does between two interfaces."""

    def __init__(self, who, build, program, interfaces, tmp, netns, frame=()):
        program = {'5tswap': 'tuple'}.get(program, program)
        self.is_ready = False
        super().__init__(who, ['taskset', '-c', str(cpus()[0]), build + '/tests/perf/forward-xdp',
                               build + '/tests/perf/forward_xdp.bpf.o', program, *interfaces, *frame], tmp, netns)

    def stdout(self, file):
        return subprocess.PIPE

    def ready(self, seconds=60):
        if not self.is_ready and self.process.stdout.readline() != b'ready\n':
            self.process.wait()
            self.alive()
        self.is_ready = True

    def counts(self):
        self.process.stdin.write(b'?\n')
        self.process.stdin.flush()
        return tuple(int(n) for n in self.process.stdout.readline().split())

    def quit(self):
        self.process.stdin.close()


class Kernel(Xdp):
    """The kernel's own XDP forwards, wherever packets come in."""

    def __init__(self, *args):
        super().__init__('kernel XDP', *args)


class KernelSink(Xdp):
    """Drops and counts what comes to both."""

    def __init__(self, build, interfaces, tmp, netns):
        super().__init__('sink', build, 'drop', interfaces, tmp, netns)


class KernelGenerator(Xdp):
    """Feeds both interfaces with a frame, faster than AF_XDP could, and drops what comes back."""

    def __init__(self, build, interfaces, tmp, netns, frame):
        path = '%s/frame%d' % (tmp, len(frame))
        with open(path, 'wb') as file:
            file.write(frame)
        super().__init__('generator', build, 'drop', interfaces, tmp, netns, [path])
