#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Packets a second that testpmd io passes between two net_null ports, on our ops beside
ring_mp_mc, with a mempool cache of 0 and of 250: medians of interleaved runs. Not a test.
Arguments: the plugin, runs."""
import os
import shutil
import statistics
import sys
import tempfile

from testpmd import Testpmd


def main():
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    rates = {}
    with tempfile.TemporaryDirectory(dir='/run', prefix='ppspeed') as top:
        plugin = shutil.copy(sys.argv[1], top)
        for _ in range(runs):
            for cache in (0, 250):
                for ops in ('ring_mp_mc', 'pktpool'):
                    pmd = Testpmd('pps%d' % os.getpid(), plugin, ['net_null0', 'net_null1'], ops, cache=cache)
                    rates.setdefault((cache, ops), []).append(pmd.forward('io', 1)[0] / 1e6)
                    pmd.close()
    for (cache, ops), rate in rates.items():
        print('cache %3d %-10s %6.1f million packets in 1 s (most %.1f)' % (cache, ops, statistics.median(rate), max(rate)))


if __name__ == '__main__':
    main()
