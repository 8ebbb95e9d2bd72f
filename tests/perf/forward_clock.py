# SPDX-License-Identifier: BSD-3-Clause
"""Clock: what a sample is measured with: counters, CPU time, the round trip between two CPUs, and
the machine that it was on."""
import json
import os
import platform
import re
import socket
import statistics
import subprocess
import time

# Round trips that differ by more than that are of two placements of the CPUs.
TRIP_SPREAD = 0.2


class Broken(Exception):
    """A run that cannot go on; what it says is for the user."""


def telemetry(path, question):
    """What a DPDK process answers on its telemetry socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.settimeout(20)
        sock.connect(path)
        sock.recv(4096)
        sock.send(question.encode())
        return json.loads(sock.recv(65536))[question.split(',')[0]]


def cpu_ns(pid):
    """CPU time of all threads of a process (clock_getcpuclockid(3)'s number, which Python lacks)."""
    return time.clock_gettime_ns((~pid << 3) | 2)


def cpus():
    """The first and the last CPU that this process may use."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


def round_trip(build, here, there):
    """Nanoseconds that a cache line takes from one CPU to the other and back."""
    said = subprocess.run([build + '/tests/perf/forward-trip', str(here), str(there)], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    return float(said)


def machine():
    """One line that names where and with what."""
    fields = {}
    with open('/proc/cpuinfo', encoding='ascii') as file:
        for line in file:
            name, _, value = line.partition(':')
            fields.setdefault(name.strip(), value.strip())
    kind = ', a guest' if 'hypervisor' in fields.get('flags', '').split() else ''
    dpdk = subprocess.run(['pkg-config', '--modversion', 'libdpdk'], stdout=subprocess.PIPE, text=True,
                          check=False).stdout.strip()
    return '%s (family %s, model %s)%s, %d CPUs; Linux %s; DPDK %s' % (
        fields.get('model name', platform.machine()), fields.get('cpu family', '?'),
        fields.get('model', '?'), kind, os.cpu_count(), platform.release(), dpdk)


class Rounds:
    """One row's samples: nanoseconds a packet, packets lost of those sent, round trips."""

    def __init__(self):
        self.ns, self.loss, self.trips, self.packets = [], [], [], 0
        # Of one CPU: the share lost as each take's own books have it.
        self.books = []

    def add(self, ns, loss, trip=None):
        self.ns.append(ns)
        self.loss.append(loss)
        if trip is not None:
            self.trips.append(trip)

    def kept(self, trip):
        """Which samples are of about that round trip; all of them for None."""
        return [i for i in range(len(self.ns)) if trip is None or abs(self.trips[i] - trip) <= TRIP_SPREAD * trip]

    def row(self, trip):
        """What the samples of about that round trip come to; null where there are none."""
        keep = self.kept(trip)
        ns = [self.ns[i] for i in keep]
        if not ns:
            return {'mpps': None, 'ns_per_packet': None, 'loss': None, 'mpps_most': None,
                    'ns_least': None, 'rounds': 0, 'round_trip_ns': None}
        middle, least = statistics.median(ns), min(ns)
        return {'mpps': 1000 / middle, 'ns_per_packet': middle,
                'loss': statistics.mean(self.books) if self.books else statistics.median(self.loss[i] for i in keep),
                'mpps_most': 1000 / least, 'ns_least': least, 'rounds': len(ns),
                'round_trip_ns': statistics.median(self.trips[i] for i in keep) if self.trips else None}


def trip_of(results):
    """The round trip of most samples of contestants that are to be compared; of what others had,
    the CPUs were elsewhere. One of those measured: between two places of the CPUs there is none."""
    trips = [trip for result in results for trip in result.trips]
    return statistics.median_low(trips) if trips else None


def trips_agree(before, after):
    """Whether the CPUs stayed where they were."""
    return abs(before - after) <= TRIP_SPREAD * min(before, after)


def tail_of(path):
    """The end of what a program said on stderr, without EAL's chatter."""
    with open(path, encoding='utf-8', errors='replace') as file:
        lines = [line.rstrip() for line in file if not re.match(r'(EAL|TELEMETRY): ', line)]
    return '\n'.join(lines[-8:])
