# SPDX-License-Identifier: BSD-3-Clause
"""A call site that keeps every 1000th buffer, among others that do not, is found by its name."""
import re

from subject import Subject, must, run, top_json

ROUNDS = 7000
KEPT = ROUNDS // 1000


def leak_found(subject, name, site):
    """By pktpool-top, which names it first."""
    must(subject.do('leak', ROUNDS, site, name) == 'ok kept %d' % KEPT)
    sample = top_json(subject.prefix, '--pool', name)
    must(len(sample['processes']) == 1 and len(sample['processes'][0]['pools']) == 1, sample)
    pool = sample['processes'][0]['pools'][0]
    must(len(pool['holders']) == 1, pool['holders'])
    holder = pool['holders'][0]
    must((holder['owner'], holder['tag'], holder['buffers']) == ('top-subject', site, KEPT), holder)
    must(holder['oldest_ms'] >= holder['youngest_ms'], holder)
    must(sum(pool['histogram']['in_flight']) == KEPT, pool['histogram'])


def destroy_names(said, site):
    must(re.search(r'\b%d (buffers are in flight|mbufs of \S+ are out|of its objects are out)' % KEPT, said), said)
    must('top-subject' in said and '"%s"' % site in said, said)


def leak_named(make, name, site):
    """In a thing that `make` made: it cannot be destroyed until what is kept has been released."""
    with Subject(plugin=False) as subject:
        subject.do(make, 2048, 'debug', name)
        leak_found(subject, name, site)
        destroy_names(subject.try_('destroy', 0, 'x', name), site)
        subject.do('release', 0, 'x', name)
        subject.do('destroy', 0, 'x', name)
        must(subject.end()[0] == 0)


def test_leak_of_a_pool():
    leak_named('pool', 'raw', 'clone')


def test_leak_of_a_mempool_of_mbufs():
    leak_named('pktmbuf', 'mbufs', 'answer')


def test_leak_of_a_mempool_on_the_ops():
    with Subject() as subject:
        subject.do('mempool', 2000, 'x', 'ops')
        leak_found(subject, 'ops', 'receive')
        # rte_mempool_free() asks nobody; what it frees under whom is in the log.
        subject.do('destroy', 0, 'x', 'ops')
        status, said = subject.end()
        must(status == 0, status)
        destroy_names(said, 'receive')


def test_what_lies_in_a_mempools_own_caches_is_not_out():
    with Subject() as subject:
        subject.do('mempool', 2000, 'cached', 'ops')
        must(subject.do('leak', ROUNDS, 'clone', 'ops') == 'ok kept %d' % KEPT)
        pool = top_json(subject.prefix)['processes'][0]['pools'][0]
        must(pool['mempool_caches'] > 0 and pool['in_flight'] == KEPT + pool['mempool_caches'], pool)
        must(pool['free'] == pool['total'] - KEPT, pool)
        subject.do('destroy', 0, 'x', 'ops')
        said = subject.end()[1]
        must('%d of its objects are out' % KEPT in said, said)


def test_no_leak_is_said_where_there_is_none():
    with Subject() as subject:
        for kind, name in (('pool', 'raw'), ('pktmbuf', 'mbufs'), ('mempool', 'ops')):
            subject.do(kind, 2048, 'debug', name)
            subject.do('leak', 900, 'clone', name)
            pool = top_json(subject.prefix, '--pool', name)['processes'][0]['pools'][0]
            must(pool['holders'] == [] and pool['in_flight'] == 0, pool)
            subject.do('destroy', 0, 'x', name)
        status, said = subject.end()
        must(status == 0 and 'out' not in said, said)


run([
    test_leak_of_a_pool,
    test_leak_of_a_mempool_of_mbufs,
    test_leak_of_a_mempool_on_the_ops,
    test_what_lies_in_a_mempools_own_caches_is_not_out,
    test_no_leak_is_said_where_there_is_none,
])
