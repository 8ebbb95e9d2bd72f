# SPDX-License-Identifier: BSD-3-Clause
"""Rounds: contestants in turns, sample by sample, and the rows that come of it."""
import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time

from forward_clock import Broken, Rounds, cpus, round_trip, trip_of, trips_agree

# Of each round's samples: how long they are led in, and how long measured.
LEAD, SPAN = 0.03, 0.1
QUICK_SPAN = 0.05
ROUNDS, ROUNDS_TWO, QUICK_ROUNDS = 15, 9, 1
TAKES = 3
# Samples of two CPUs that may be taken again because the CPUs moved, for each that is kept.
AGAIN = 3


def read_at_once(*sides):
    """Counters, CPU time and the clock, read within a moment; tried again where they were not."""
    for _ in range(8):
        began = time.monotonic()
        counts = [side.counts() for side in sides]
        cpu = sides[0].cpu()
        if time.monotonic() - began < 0.002:
            break
    return time.monotonic(), cpu, counts


def flow_wait(side, seconds=20):
    """Until packets move: a link may come up, or a kernel's worker wake, at its own time."""
    end = time.monotonic() + seconds
    first = side.counts()[0]
    while side.counts()[0] == first:
        if time.monotonic() > end:
            return
        time.sleep(0.01)


def sample(contestant, span, two_cpus, program):
    """Nanoseconds a packet, and the share that was lost (of one CPU its books tell it)."""
    sides = contestant.all()
    for side in sides:
        side.resume()
    flow_wait(contestant.flow)
    time.sleep(LEAD)
    before = read_at_once(*sides)
    time.sleep(span)
    after = read_at_once(*sides)
    for side in reversed(sides):
        side.pause()
    (rx, tx), *driven = [(b[0] - a[0], b[1] - a[1]) for a, b in zip(before[2], after[2])]
    if not two_cpus:
        return (after[1] - before[1]) / max(rx, 1), None, rx
    # A pipeline drives itself.
    (came, sent), = driven or [(tx, rx)]
    back = rx if program == 'drop' else came
    sent = tx if program == 'txonly' else sent
    return (after[0] - before[0]) * 1e9 / max(back, 1), max(0, 1 - back / max(sent, 1)), back


def round_measure(place, program, contestant, args, span, again):
    """One sample and its round trip; taken again up to so often if nothing moved (others had the
    CPU), or if the two CPUs were moved. Returns how often that may still be."""
    while True:
        trip = round_trip(args.build, *cpus()) if place.two_cpus else None
        ns, loss, packets = sample(contestant, span, place.two_cpus, program)
        moved = trip is not None and not args.quick and not trips_agree(trip, round_trip(args.build, *cpus()))
        if again == 0 or (packets and not moved):
            return ns, loss, trip, packets, again
        again -= 1


def take_measure(place, program, contestants, results, rounds, args):
    """Interleaved rounds over all contestants, each time in another order."""
    again = AGAIN * rounds
    both = list(zip(contestants, results))
    for turn in range(rounds):
        first = turn % len(both)
        for contestant, result in both[first:] + both[:first]:
            ns, loss, trip, packets, again = round_measure(
                place, program, contestant, args, QUICK_SPAN if args.quick else SPAN, again)
            result.packets += packets
            if packets:
                result.add(ns, loss, trip)


def take_run(place, program, makers, results, rounds, args):
    """All contestants from their start to their end; what is to be said of each in its row."""
    contestants = []
    try:
        for make in makers:
            contestant = make()
            contestants.append(contestant)
            for side in contestant.all():
                side.ready()
            for side in reversed(contestant.all()):
                side.pause()
        take_measure(place, program, contestants, results, rounds, args)
    finally:
        for contestant in contestants:
            for side in reversed(contestant.all()):
                side.end()
        place.end()
    for contestant, result in zip(contestants, results):
        if not place.two_cpus:
            result.books.append(contestant.side.lost())
    return contestants


def group_run(place, program, makers, args, named):
    """The rows of all that the makers make. Rounds are spread over several takes with processes of
    their own: where the stack and the pool of one happen to lie is worth up to a tenth.
    There are more, up to twice as many, while half of somebody's samples are of another round trip
    than most."""
    rounds = args.rounds or (QUICK_ROUNDS if args.quick else ROUNDS_TWO if place.two_cpus else ROUNDS)
    takes = min(TAKES, rounds)
    results = [Rounds() for _ in makers]
    for take in range(takes if args.quick else 2 * takes):
        some = (take % takes + 1) * rounds // takes - take % takes * rounds // takes
        if take < takes or any(2 * len(r.kept(trip_of(results))) < rounds for r in results):
            contestants = take_run(place, program, makers, results, some, args)
    # Of one round there is nothing to choose from.
    trip = None if args.quick else trip_of(results)
    return [dict({'device': contestant.device or place.name, 'program': program, 'frame': place.frame,
                  'who': contestant.who}, **contestant.more, **result.row(trip), packets=result.packets, machine=named)
            for contestant, result in zip(contestants, results)]


def row_print(row):
    def figure(name, form):
        return form % row[name] if row[name] is not None else '-'
    print('%-14s %-8s %5s  %-29s %8s %8s  %8s %8s  %6s  %s' % (
        row['device'], row['program'], row['frame'], row['who'], figure('mpps', '%.2f'),
        figure('mpps_most', '%.2f'), figure('ns_per_packet', '%.2f'), figure('ns_least', '%.2f'),
        '%.1f%%' % (100 * row['loss']) if row['loss'] is not None else '-',
        figure('round_trip_ns', '%.0f ns') if row['round_trip_ns'] is not None else ''), flush=True)


def heading(named):
    print(named)
    print('Mpps and ns a packet: median of interleaved rounds, and the best. On two CPUs what comes '
          'back to the\ngenerator, and the round trip of a cache line between them.\n')
    print('%-14s %-8s %5s  %-29s %8s %8s  %8s %8s  %6s  %s' % (
        'device', 'program', 'frame', 'who', 'Mpps', 'most', 'ns', 'least', 'loss', 'trip'), flush=True)


def options_add(parser):
    """What both benches take."""
    parser.add_argument('build', help=argparse.SUPPRESS)
    parser.add_argument('--json', metavar='FILE', help='write the rows there')
    parser.add_argument('--quick', action='store_true', help='one short round of a few: does it work?')
    parser.add_argument('--rounds', type=int, metavar='N', help='default %d, on two CPUs %d' % (ROUNDS, ROUNDS_TWO))


def rows_write(path, rows):
    with open(path, 'w', encoding='ascii') as file:
        if rows is not None:
            json.dump(rows, file, indent=1)
            file.write('\n')


def lack(what):
    print('%s: %s' % (os.path.basename(sys.argv[0]), what), file=sys.stderr)
    return 3


def first_of_all():
    """Goes on in a session of its own, which the scheduler prefers to all others (sched(7)'s
    autogroup); what stays behind passes signals on and ends with the same status."""
    child = os.fork()
    if child:
        signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
        signal.signal(signal.SIGINT, lambda *_: os.kill(child, signal.SIGTERM))
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    os.setsid()
    try:
        with open('/proc/self/autogroup', 'w', encoding='ascii') as file:
            file.write('-20')
    except OSError:
        os.nice(-20)


def run(parser, measure):
    """A bench from its command line to its exit status."""
    args = parser.parse_args()
    if args.rounds is not None and not 1 <= args.rounds <= 1000:
        parser.error('--rounds %d: must be from 1 to 1000' % args.rounds)
    args.build = os.path.abspath(args.build)
    if os.geteuid() or not shutil.which('dpdk-testpmd') or cpus()[0] == cpus()[1]:
        return lack('wants root, dpdk-testpmd (apt-get install dpdk-dev) and two CPUs')
    try:
        # Now: that it cannot be written is not to be found out at the end.
        if args.json:
            rows_write(args.json, None)
    except OSError as error:
        return lack('--json %s: %s: name a file that can be written' % (args.json, error.strerror))
    first_of_all()
    # What was started is ended, whoever ends this.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # EAL takes no plugin from where anybody may write.
    with tempfile.TemporaryDirectory(dir='/run', prefix='ppbench') as tmp:
        # What EAL leaves of each process goes with the rest.
        os.environ['RUNTIME_DIRECTORY'] = tmp
        status, rows = 0, []
        try:
            measure(args, tmp, rows)
        except Broken as broken:
            print('%s: %s' % (os.path.basename(sys.argv[0]), broken), file=sys.stderr)
            status = 1
    # What was measured until then, too.
    if args.json:
        rows_write(args.json, rows)
    still = [row for row in rows if row.get('packets') == 0]
    for row in still:
        print('no packet moved: %(device)s %(program)s %(frame)s %(who)s' % row, file=sys.stderr)
    return 1 if still else status
