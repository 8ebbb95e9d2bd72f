# SPDX-License-Identifier: BSD-3-Clause
"""What DPDK's telemetry says of pools: right, whole, and never at the process's expense."""
import json
import os
import shutil
import subprocess
import threading

from subject import Subject, Telemetry, must, run, wait_for, BUILD, PLUGIN, RUNTIME

PLACES = ('fresh', 'cached', 'deques', 'depot', 'reserve', 'collected', 'in_flight')


def books_balance(stats):
    must(sum(stats[place] for place in PLACES) == stats['total'], stats)


def test_every_kind_of_pool_is_there_once():
    with Subject() as subject:
        subject.do('pool', 1024, 'plain', 'raw')
        subject.do('pktmbuf', 2048, 'owners', 'mbufs')
        subject.do('mempool', 2000, 'x', 'ops')
        telemetry = subject.telemetry()
        must(sorted(telemetry.ask('/pktpool/list')) == ['mbufs', 'ops', 'raw'])
        for name, kind, total, owners, ages in (('raw', 'pool', 1024, 'estimate', 'unknown'),
                                                ('mbufs', 'pktmbuf', 2048, 'exact', 'unknown'),
                                                ('ops', 'mempool', 2000, 'exact', 'exact')):
            kept = int(subject.do('leak', 3000, 'clone', name).split()[-1])
            stats = telemetry.ask('/pktpool/stats,' + name)
            books_balance(stats)
            must((stats['kind'], stats['owners_are'], stats['ages_are']) == (kind, owners, ages), stats)
            must(stats['total'] >= total and stats['in_flight'] == kept == 3, stats)
            must(stats['counters']['fast'] + stats['counters']['slow'] >= 9000, stats)
            caches = telemetry.rows('/pktpool/owners,' + name, 'caches')
            must([cache['in_flight'] for cache in caches] == [3], caches)
            must(caches[0]['pid'] == subject.process.pid and caches[0]['name'] == 'top-subject', caches)
            must(('oldest_ms' in caches[0]) == (ages == 'exact'), caches)
            histogram = telemetry.ask('/pktpool/histogram,' + name)
            must(sum(histogram['caches']) == 1, histogram)
            if ages == 'exact':
                must(sum(histogram['in_flight']) == 3, histogram)
            subject.do('release', 0, 'x', name)
            must(telemetry.ask('/pktpool/stats,' + name)['in_flight'] == 0)
            subject.do('destroy', 0, 'x', name)
            must('error' in telemetry.ask('/pktpool/stats,' + name))
        must(telemetry.ask('/pktpool/list') == [])
        must(subject.end()[0] == 0)


def test_odd_names_and_none():
    odd = ['a', 'a,3', 'a@20', 'a,3,4', ',', '@', ' ', '"', '\\', '{"x":1}', 'x' * 31, '%s%n%s', 'z\x1b[2J',
           b'\xff\xfe\x80', '\u00fc', 'twins', 'twins']
    with Subject(plugin=False) as subject:
        for i, name in enumerate(odd):
            subject.do('pool', 64 + i, 'plain', name)
        telemetry = subject.telemetry()
        labels = telemetry.ask('/pktpool/list')
        must(len(labels) == len(set(labels)) == len(odd), labels)
        totals = set()
        for label in labels:
            for question in ('stats', 'owners', 'holders', 'histogram'):
                answer = telemetry.ask('/pktpool/%s,%s' % (question, label))
                must('error' not in answer, label, answer)
            totals.add(telemetry.ask('/pktpool/stats,' + label)['buffers_max'])
        # Each label has led to its own pool.
        must(totals == set(range(64, 64 + len(odd))), totals)
        # A page of `a`, and the pool `a,3`.
        must(telemetry.ask('/pktpool/owners,a,17')['from'] == 17)
        must(telemetry.ask('/pktpool/stats,a,3')['buffers_max'] == 65)
        must(telemetry.ask('/pktpool/owners,a,3,9')['from'] == 9)
        for bad in ('', ',', ',nope', ',nope,7', ',nope@1', ',a@1', ',' + 'y' * 900, ',twins@', ',a,',
                    b',\xff\xff', b',a\x00b', ',a,99999999999999999999999', ',%s%s%n', ',a@' + 'f' * 40):
            bad = bad if isinstance(bad, bytes) else bad.encode()
            for question in (b'stats', b'owners', b'holders', b'histogram'):
                answer = telemetry.ask(b'/pktpool/' + question + bad)
                # A number of a page that there is not is an empty page.
                must('error' in answer or answer['pool'] == 'a', bad, answer)
        must('error' in telemetry.ask('/pktpool/stats,nope'))
        must("'nope'" in telemetry.ask('/pktpool/stats,nope')['error'])
        for first in ('0', '5', '100', '-1', 'x', '99999999999999999999'):
            must(isinstance(telemetry.ask('/pktpool/list,' + first), list))
        must(telemetry.ask('/pktpool/nothing') is None)
        must(subject.end()[0] == 0)


def test_many_caches_and_pools_come_in_pages():
    with Subject(plugin=False) as subject:
        subject.do('pool', 65536, 'owners,many', 'wide')
        subject.do('caches', 249, 'x', 'wide')
        subject.do('leak', 2000, 'clone', 'wide')
        telemetry = subject.telemetry()
        caches = telemetry.rows('/pktpool/owners,wide', 'caches')
        must(sorted(cache['id'] for cache in caches) == list(range(250)))
        must(sum(cache['in_flight'] for cache in caches) == 2)
        must({'worker0', 'worker248', 'top-subject'} <= {cache['name'] for cache in caches})
        must(telemetry.longest < 16384)
        for i in range(130):
            subject.do('pool', 64, 'plain', 'pool number %d' % i)
        names = telemetry.ask('/pktpool/list')
        must(len(names) == 128, len(names))
        names += telemetry.ask('/pktpool/list,128')
        must(len(set(names)) == 131 and telemetry.ask('/pktpool/list,256') == [])


def test_pools_come_and_go_while_they_are_read():
    """The reader may see one, or none; what it sees is whole, and nobody ends."""
    rounds = 30
    with Subject(plugin=False) as subject:
        telemetry, seen, done = subject.telemetry(), [], threading.Event()

        def read():
            asked = 0
            while not done.is_set():
                for question in ('stats', 'owners', 'holders', 'histogram'):
                    answer = telemetry.ask('/pktpool/%s,mayfly' % question)
                    asked += 1
                    if 'error' not in answer:
                        seen.append(answer)
                telemetry.ask('/pktpool/list')

        reader = threading.Thread(target=read)
        reader.start()
        try:
            # More of them until one has been seen.
            wait_for('a pool that was read', lambda: subject.do('churn', rounds, 'x', 'mayfly') and seen)
        finally:
            done.set()
            reader.join()
        must(all(answer['pool'] == 'mayfly' for answer in seen), seen[-1])
        must(subject.end()[0] == 0)


def test_dpdks_own_script_shows_the_same():
    script = '/usr/bin/dpdk-telemetry.py'
    if not os.path.exists(script):
        print('skipped: no', script)
        return
    with Subject() as subject:
        subject.do('pktmbuf', 2048, 'debug', 'mbufs')
        subject.do('leak', 2000, 'clone', 'mbufs')
        for command in ('/pktpool/list', '/pktpool/stats,mbufs', '/pktpool/owners,mbufs', '/pktpool/stats,no'):
            said = subprocess.run([script, '-f', subject.prefix], input=command + '\nquit\n', text=True,
                                  capture_output=True, timeout=60).stdout
            key = '"%s": ' % command.split(',')[0]
            must(key in said, command, said)
            shown, _ = json.JSONDecoder().raw_decode(said[said.index(key) + len(key):])
            own = subject.telemetry().ask(command)
            for answer in (shown, own):
                for cache in answer.get('caches', {}).values() if isinstance(answer, dict) else ():
                    cache.pop('oldest_ms')
            must(shown == own, shown, own)


def test_ops_alone_answer_too():
    """testpmd has nothing of ours but the plugin."""
    prefix = 'toppmd%d' % os.getpid()
    testpmd = subprocess.Popen(
        ['dpdk-testpmd', '--no-pci', '--no-huge', '-m', '256', '-l', '0,1', '--file-prefix', prefix,
         '--mbuf-pool-ops-name', 'pktpool', '--vdev', 'net_null0', '--', '-i', '--total-num-mbufs=4096',
         '--mbcache=128'],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=dict(os.environ, LD_PRELOAD=PLUGIN, PKTPOOL_MEMPOOL='debug=1'))

    def connected():
        must(testpmd.poll() is None, 'testpmd ended', testpmd.returncode)
        try:
            telemetry = Telemetry(prefix)
        except OSError:
            return None
        return telemetry if telemetry.ask('/pktpool/list') else None

    try:
        telemetry = wait_for('testpmd', connected)
        must(telemetry.ask('/pktpool/list') == ['mb_pool_0'])
        # Once it is populated.
        stats = wait_for('its mbufs', lambda: next(
            (stats for stats in [telemetry.ask('/pktpool/stats,mb_pool_0')] if stats['total'] == 4096), None))
        books_balance(stats)
        must(stats['kind'] == 'mempool' and stats['ages_are'] == 'exact', stats)
    finally:
        testpmd.stdin.close()
        testpmd.terminate()
        testpmd.wait(60)
        shutil.rmtree(os.path.join(RUNTIME, prefix), ignore_errors=True)


must(os.path.exists(PLUGIN), PLUGIN, 'is not built in', BUILD)
run([
    test_every_kind_of_pool_is_there_once,
    test_odd_names_and_none,
    test_many_caches_and_pools_come_in_pages,
    test_pools_come_and_go_while_they_are_read,
    test_dpdks_own_script_shows_the_same,
    test_ops_alone_answer_too,
])
