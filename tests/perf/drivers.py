#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Drivers: dpdk-testpmd on our mempool ops beside rte_mempool's own, the ops alone, and net_pp_xsk
beside net_af_xdp, all in turns; tables, and with --json the rows."""
import argparse
import json
import os
import subprocess
import sys

from forward_clock import Broken, machine
from forward_places import OPS, PLACES, PP_XSK, AfXdp, Contestant, plugin_take
from forward_rounds import group_run, heading, options_add, row_print, run
from forward_sides import KernelSink, Pktgen, Testpmd

# RFC 2544's.
FRAMES = [64, 128, 256, 512, 1024, 1280, 1518]
CACHES = [0, 250]
# Of the ops alone: samples, and milliseconds each.
OPS_ROUNDS, OPS_ROUNDS_MOST, OPS_MS = 61, 101, 3
PARTS = ['mempool', 'ops', 'xsk']


def ops_arguments(plugin, ops, cache):
    """testpmd's for a mempool on these ops; the row's more fields."""
    eal = ['--mbuf-pool-ops-name', ops] + (['-d', plugin] if ops == 'pktpool' else [])
    return {'eal': eal, 'cache': cache, 'who': 'testpmd %s, cache %d' % (ops, cache)}, {'ops': ops, 'cache': cache}


def mempool_makers(place, plugin, quick):
    """testpmd on each ops with each cache."""
    def maker(ops, cache):
        with_ops, more = ops_arguments(plugin, ops, cache)
        if isinstance(place, AfXdp):
            return lambda: place.contestant(lambda space: Testpmd(
                'io', place.ports('net_af_xdp', 'near'), place.tmp, space, **with_ops), more=more)
        if place.two_cpus:
            return lambda: place.contestant(lambda vdevs: Testpmd('io', vdevs, place.tmp, **with_ops), more=more)
        return lambda: Contestant(Testpmd('io', place.vdevs(), place.tmp, first=place.first > 0, **with_ops), more=more)
    return [maker(ops, cache) for cache in CACHES
            for ops in (['ring_mp_mc', 'pktpool'] if quick else ['ring_mp_mc', 'stack', 'pktpool'])]


class Xsk(AfXdp):
    """The two AF_XDP drivers: what they receive, send and forward."""

    def sending(self, space):
        return KernelSink(self.build, ['far0', 'far1'], self.tmp, space)

    def xsk_makers(self, program):
        eal = ['-d', plugin_take(self.build, self.tmp, PP_XSK)]
        if program != 'txonly':
            return [lambda: self.contestant(lambda space: Testpmd(
                program, self.ports('net_af_xdp', 'near'), self.tmp, space)),
                    self.fwd('pktpool', program),
                    self.fwd('pktpool', program, 'net_pp_xsk', eal, device='net_pp_xsk')]

        def sender(driver, make):
            def start():
                space = self.space()
                sink = self.sending(space)
                sink.ready()
                contestant = Contestant(make(space), sink, device=driver)
                contestant.flow = sink
                return contestant
            return start

        def pktgen(driver, eal=()):
            return sender(driver, lambda space: Pktgen(
                self.build, self.frame, self.ports(driver, 'near'), self.tmp, space, eal=eal,
                own=['--tx-only', '--pair=0:1', '--pair=1:0']))
        return [sender('net_af_xdp', lambda space: Testpmd(
            program, self.ports('net_af_xdp', 'near'), self.tmp, space, own=['--txpkts=%d' % (self.frame - 4)])),
                pktgen('net_af_xdp'), pktgen('net_pp_xsk', eal)]


def groups(makers_of, kinds, frames, programs, args, tmp, named, rows):
    for kind in kinds:
        for frame in frames or kind.frames[:1]:
            for program in programs:
                place = kind(args.build, tmp, frame)
                some = group_run(place, program, makers_of(place, program), args, named)
                for row in some:
                    row_print(row)
                rows += some


def ops_measure(args, tmp, named):
    """The ops by rte_mempool's calls, in one process."""
    path = tmp + '/ops.json'
    size = ['--rounds', '3', '--ms', '1', '--objects', '16384'] if args.quick else [
        '--rounds', str(min(args.rounds or OPS_ROUNDS, OPS_ROUNDS_MOST)), '--ms', str(OPS_MS)]
    print()
    done = subprocess.run([args.build + '/tests/mempool/ops-bench', *size, '--json', path, args.build + OPS],
                          check=False, stdout=None)
    if done.returncode:
        raise Broken('ops-bench ended with %d' % done.returncode)
    with open(path, encoding='ascii') as file:
        return [dict(row, machine=named) for row in json.load(file)]


def measure(args, tmp, rows):
    named = machine()
    heading(named)
    plugin = plugin_take(args.build, tmp, OPS)
    parts = args.part or PARTS
    if 'mempool' in parts:
        kinds = ['net_null'] if args.quick else [k for k, place in PLACES.items() if place.any_ops]
        groups(lambda place, _: mempool_makers(place, plugin, args.quick), [PLACES[k] for k in kinds], None,
               ['io'], args, tmp, named, rows)
    if 'xsk' in parts and os.path.exists(args.build + PP_XSK) and AfXdp(args.build, tmp, 64).kernel():
        groups(lambda place, program: place.xsk_makers(program), [Xsk], FRAMES[:1] if args.quick else FRAMES,
               ['io'] if args.quick else ['drop', 'txonly', 'io'], args, tmp, named, rows)
    elif 'xsk' in parts:
        print('net_pp_xsk: left out, as the build has no such driver (DPDK\'s driver headers, clang and libbpf)')
    if 'ops' in parts:
        rows += ops_measure(args, tmp, named)


def arguments():
    parser = argparse.ArgumentParser(prog='./dev bench --drivers', description=__doc__)
    options_add(parser)
    parser.add_argument('--part', action='append', choices=PARTS, help='only this one')
    return parser


if __name__ == '__main__':
    sys.exit(run(arguments(), measure))
