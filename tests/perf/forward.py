#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Forward: pktpool-fwd on each pool, dpdk-testpmd and the kernel's XDP do the same work on the same
CPU, in turns; a table, and with --json the rows."""
import argparse
import sys

from forward_clock import machine
from forward_places import PLACES, POOLS
from forward_rounds import group_run, heading, options_add, row_print, run


def arguments():
    parser = argparse.ArgumentParser(prog='./dev bench --forward', description=__doc__)
    options_add(parser)
    parser.add_argument('--device', action='append', choices=list(PLACES), help='only this one')
    parser.add_argument('--program', action='append', choices=['io', 'macswap', '5tswap', 'reflect', 'drop'],
                        help='only this one')
    return parser


def programs_of(kind, frame, args):
    """All of them with the first frame, one with the others, or those asked for."""
    if args.program:
        return [program for program in kind.programs if program in args.program]
    return kind.programs if frame == kind.frames[0] and not args.quick else kind.programs[:1]


def measure(args, tmp, rows):
    named = machine()
    heading(named)
    for kind in [PLACES[name] for name in args.device or PLACES]:
        for frame in kind.frames[:1] if args.quick else kind.frames:
            for program in programs_of(kind, frame, args):
                place = kind(args.build, tmp, frame, POOLS[:1] if args.quick else POOLS)
                some = group_run(place, program, place.makers(program), args, named)
                for row in some:
                    row_print(row)
                rows += some


if __name__ == '__main__':
    sys.exit(run(arguments(), measure))
