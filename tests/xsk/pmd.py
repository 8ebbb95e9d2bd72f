#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Debian's dpdk-testpmd on net_pp_xsk: with the mempool ops pktpool and ring_mp_mc, ports stopped
and started, on several queues, and what is wrong refused. Arguments: the build directory, the
driver, the mempool ops' plugin."""
import os
import re
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'mempool'))
from ports import FRAMES, ME, Kernel, check, sh  # noqa: E402
from testpmd import Failed, Testpmd  # noqa: E402


class Xsk(Kernel):
    """Two interfaces, each with a far end in the same namespace."""

    def prepare(self):
        for i in (0, 1):
            self.pair(i)
        self.far, self.far_out = 'far0', 'far1'


def send(interface='far0'):
    ports = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'mempool', 'ports.py')
    sh('ip', 'netns', 'exec', ME, sys.executable, ports, '--inject', interface)


class Driver:
    def __init__(self, top, driver, plugin):
        self.driver, self.plugin = (shutil.copy(file, top) for file in (driver, plugin))

    def start(self, vdevs, ops='pktpool', args=(), cache=250):
        return Testpmd(ME, self.plugin, vdevs, ops, ME, cache=cache,
                       eal=['--no-huge', '-m', '256', '-d', self.driver],
                       # Room for all that is sent, whenever this machine has time to look.
                       args=['--rxd=4096', '--txd=4096', *args])


def forwards(pmd, wire, mode='io'):
    """What is sent to one interface comes out of the other, all of it."""
    before = wire.arrived()
    rx, tx, dropped = pmd.forward(mode, 0.3, meanwhile=send)
    check(rx == tx >= FRAMES and not dropped, mode, 'received', rx, 'sent', tx, 'dropped', dropped)
    check(wire.arrived() - before >= FRAMES, mode, wire.arrived() - before, 'arrived')


def restart(pmd, wire):
    """Stopped, a port has given back every mbuf; started, it works as before."""
    for _ in range(3):
        pmd.do('port stop all')
        check(not pmd.missing(), pmd.missing(), 'mbufs are missing from stopped ports')
        said = pmd.do('port start all')
        check('Fail' not in said, said)
    forwards(pmd, wire)


def on_mempool(driver, wire, ops, args, cache):
    pmd = driver.start(['net_pp_xsk%d,iface=near%d' % (i, i) for i in (0, 1)], ops, args, cache)
    try:
        check(pmd.ops() == ops, 'its mempool has ops', pmd.ops())
        forwards(pmd, wire, '5tswap')
        check(pmd.forward('rxonly', 0.2, meanwhile=send)[0] >= FRAMES, 'rxonly')
        check(pmd.forward('txonly', 0.2)[1] > 1000, 'txonly')
        # Of several segments, 3 x 64 bytes: a frame of its own kind for the socket.
        pmd.do('set txpkts 64,64,64')
        check(pmd.forward('txonly', 0.1)[1] > 100, 'txonly in segments')
        restart(pmd, wire)
        check(not pmd.close(), 'mbufs are missing')
    except Failed as failed:
        raise Failed('%s: %s\n%s' % (ops, failed, pmd.text()))
    finally:
        pmd.kill()


def several_queues(driver):
    """Four queues of one interface: each sends, and what comes in is received, whichever it takes."""
    sh('ip', '-n', ME, 'link', 'add', 'dev', 'many', 'numrxqueues', '4', 'numtxqueues', '4', 'type', 'veth',
       'peer', 'name', 'manyfar', 'numrxqueues', '4', 'numtxqueues', '4')
    for end in ('many', 'manyfar'):
        sh('ip', '-n', ME, 'link', 'set', 'dev', end, 'up')
    pmd = driver.start(['net_pp_xsk0,iface=many,queues=4'], args=['--rxq=4', '--txq=4', '--rxd=2048', '--txd=1024'])
    try:
        check(pmd.forward('rxonly', 0.3, meanwhile=lambda: send('manyfar'))[0] >= FRAMES, 'rxonly on four queues')
        pmd.do('set fwd txonly')
        pmd.do('start')
        time.sleep(0.3)
        said = pmd.do('stop')
        queues = re.findall(r'TX Port= 0/Queue= *(\d).*?TX-packets: *(\d+)', said, re.S)
        check([q for q, n in queues if int(n)] == ['0', '1', '2', '3'], 'sent by queue:', queues)
        # Of queues that it has no longer, too.
        for command in ('clear port stats all', 'port stop 0', 'port config all rxq 1', 'port config all txq 1',
                        'port start 0'):
            pmd.do(command)
        said = pmd.do('show port stats 0')
        sent = re.search(r'TX-packets: *(\d+)', said)
        check(sent and int(sent[1]) < 2 ** 32, 'with fewer queues it has sent', said)
        check(not pmd.close(), 'mbufs are missing')
    finally:
        pmd.kill()
        sh('ip', '-n', ME, 'link', 'del', 'dev', 'many')


def refusals(driver):
    """Wrong arguments, and ports that cannot start; each says why, and nothing is missing after."""
    sh('ip', '-n', ME, 'link', 'add', 'dev', 'low', 'type', 'veth', 'peer', 'name', 'lowfar')
    sh('ip', '-n', ME, 'link', 'add', 'dev', 'long', 'mtu', '9000', 'type', 'veth', 'peer', 'name', 'longfar', 'mtu',
       '9000')
    for end in ('long', 'longfar'):
        sh('ip', '-n', ME, 'link', 'set', 'dev', end, 'up')
    pmd = driver.start(['net_pp_xsk0,iface=near0'])
    try:
        for args, reason in (
                ('', 'wants iface=NAME'),
                (',iface=nope', 'there is no such interface here'),
                (',iface', 'iface: wants a value'),
                (',iface=near1,copy', 'copy: wants a value'),
                (',iface=near1,iface=near1', 'wants iface=NAME'),
                (',iface=near1,colour=red', 'wants iface=NAME'),
                (',iface=near1,queues=2', 'has queues 0 to 0'),
                (',iface=near1,queues=0', 'has queues 0 to 0'),
                (',iface=near1,queue=1', 'has queues 0 to 0'),
                (',iface=near1,busy_budget=x', 'not a number of'),
                (',iface=near1,copy=-1', 'not a number of')):
            said = pmd.do('port attach net_pp_xsk7' + args)
            check(reason in said, 'net_pp_xsk7' + args, 'does not say', reason, ':', said)
        # Attached, but not started.
        for number, (args, reason) in enumerate((
                ('iface=near0', 'has an XDP program already'),
                ('iface=low', 'low is down: ip link set dev low up'),
                ('iface=long,frags=0', 'MTU 9000 is over the buffer'))):
            said = pmd.do('port attach net_pp_xsk%d,%s' % (8 + number, args))
            check('Port 1 is attached' in said, said)
            said = pmd.do('port start 1')
            check(reason in said and 'Fail to start port' in said, args, 'does not say', reason, ':', said)
            pmd.do('port close 1')
        # What is right still works, and the MTU can be had.
        check('Fail' not in pmd.do('port config mtu 0 3000'), 'an MTU of 3000')
        check('mtu 3000' in sh('ip', '-n', ME, 'link', 'show', 'dev', 'near0'), 'near0 has another MTU')
        pmd.do('port config mtu 0 1500')
        check(pmd.forward('rxonly', 0.2, meanwhile=send)[0] >= FRAMES, 'rxonly after all that')
        check(not pmd.close(), 'mbufs are missing')
    except Failed as failed:
        raise Failed('%s\n%s' % (failed, pmd.text()))
    finally:
        pmd.kill()
    pmd = driver.start(['net_pp_xsk0,iface=near0'], args=['--mbuf-size=6000'])
    try:
        check('chunks of 2048 to 4096 bytes' in pmd.text(), 'mbufs of 6000 bytes:', pmd.text())
        check(not pmd.close(), 'mbufs are missing')
    finally:
        pmd.kill()


def main():
    build, driver, plugin = sys.argv[1:]
    if os.geteuid() or not shutil.which('dpdk-testpmd'):
        print('skipped: wants root and dpdk-testpmd')
        return 77
    os.environ['LD_LIBRARY_PATH'] = ':'.join(build + '/lib/' + part for part in ('core', 'dma'))
    # Not where anybody may write: EAL refuses a driver there.
    with tempfile.TemporaryDirectory(dir='/run', prefix=ME) as top:
        wire = Xsk(top)
        try:
            driver = Driver(top, driver, plugin)
            on_mempool(driver, wire, 'pktpool', [], 0)
            # Objects of an even number of lines, so that a pool adds one between them.
            on_mempool(driver, wire, 'ring_mp_mc', ['--mbuf-size=2240'], 250)
            several_queues(driver)
            refusals(driver)
        except Failed as failed:
            print(failed)
            return 1
        finally:
            wire.end()
    print('testpmd on net_pp_xsk: nothing lost, every mbuf came home')
    return 0


if __name__ == '__main__':
    sys.exit(main())
