# SPDX-License-Identifier: BSD-3-Clause
"""Not a test: what a thread pays for a buffer with and without pktpool-top beside it. Arguments: the
build directory, and samples a second (10). On two CPUs that have nothing else to do."""
import statistics
import subprocess
import sys

from subject import Subject, TOP

ROUNDS = 8

with Subject(plugin=False) as subject:
    interval = '%g' % (1 / float(sys.argv[2] if len(sys.argv) > 2 else 10))
    print('cycles for a buffer taken and freed, bursts of 32: smallest of all rounds, median of medians')
    for name, flags in (('plain', 'plain'), ('owners', 'owners'), ('debug', 'debug')):
        subject.do('pool', 65536, flags, name)
        costs = {False: [], True: []}
        for _ in range(ROUNDS):
            for read in False, True:
                reader = read and subprocess.Popen(
                    [TOP, '--json', '--interval', interval, '--file-prefix', subject.prefix],
                    stdout=subprocess.DEVNULL)
                costs[read].append([float(cost) for cost in subject.do('work', 300, 'x', name).split()[1:3]])
                if reader:
                    reader.terminate()
                    reader.wait()
        for read in False, True:
            print('%-7s %-8s %8.3f %8.3f' % (name, 'read' if read else 'alone', min(cost[0] for cost in costs[read]),
                                             statistics.median(cost[1] for cost in costs[read])))
