# SPDX-License-Identifier: BSD-3-Clause
"""One dpdk-testpmd on the mempool ops, driven by its prompt."""
import os
import pty
import re
import subprocess
import threading
import time

PROMPT = b'testpmd> '
POOL = 'mb_pool_0'


class Failed(Exception):
    pass


class Testpmd:
    def __init__(self, prefix, plugin, vdevs, ops='pktpool', netns=None, mbufs=16384, cache=250, eal=(), args=()):
        command = ['ip', 'netns', 'exec', netns] if netns else []
        command += ['dpdk-testpmd', '--no-pci', '--no-telemetry', '--file-prefix', prefix, '-l', '0,1',
                    '--mbuf-pool-ops-name', ops]
        command += list(eal) or ['--no-huge', '-m', '512']
        command += ['-d', plugin] if plugin else []
        for vdev in vdevs:
            command += ['--vdev', vdev]
        command += ['--', '-i', '--total-num-mbufs=%d' % mbufs, '--mbcache=%d' % cache, *args]
        # A terminal: into a pipe, what it prints would come behind its prompt.
        self.terminal, far = pty.openpty()
        self.process = subprocess.Popen(command, stdin=far, stdout=far, stderr=far)
        os.close(far)
        self.output = b''
        self.seen = 0
        self.grown = threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()
        self.wait()

    def read(self):
        while True:
            try:
                some = os.read(self.terminal, 65536)
            except OSError:
                some = b''
            with self.grown:
                self.output += some
                if not some:
                    self.output += PROMPT
                self.grown.notify()
            if not some:
                return

    def wait(self, seconds=30):
        """What it has said until the next prompt."""
        end = time.monotonic() + seconds
        with self.grown:
            while True:
                at = self.output.find(PROMPT, self.seen)
                if at >= 0:
                    break
                if not self.grown.wait(end - time.monotonic()):
                    raise Failed('no prompt within %d s:\n%s' % (seconds, self.text()))
            said = self.output[self.seen:at].decode(errors='replace')
            self.seen = at + len(PROMPT)
        if self.process.poll() is not None:
            raise Failed('testpmd ended (%d):\n%s' % (self.process.returncode, self.text()))
        return said

    def text(self):
        return self.output.decode(errors='replace')[-6000:]

    def do(self, command, seconds=30):
        os.write(self.terminal, command.encode() + b'\n')
        said = self.wait(seconds)
        if re.search(r'Bad arguments|Command not found|ambiguous', said, re.I):
            raise Failed('%s: %s' % (command, said))
        return said

    def forward(self, mode, seconds, start='start', meanwhile=None):
        """Forwards for a while; what testpmd says at the end: packets received, sent, dropped."""
        self.do('set fwd ' + mode)
        self.do(start)
        if meanwhile:
            meanwhile()
        time.sleep(seconds)
        said = self.do('stop')
        total = said[said.rfind('Accumulated forward statistics'):]
        return [int(re.search(name + r'-total: *(\d+)', total).group(1)) for name in ('RX', 'TX')] + [
            sum(int(n) for n in re.findall(r'[RT]X-dropped: *(\d+)', total))]

    def up(self, port, seconds=10):
        """Waits for the port's link."""
        end = time.monotonic() + seconds
        while not re.search(r'Link status: up', self.do('show port info %d' % port)):
            if time.monotonic() > end:
                raise Failed('port %d is not up' % port)
            time.sleep(0.05)

    def ports(self):
        """Packets received and sent by all ports since they were started."""
        said = self.do('show port stats all')
        return [sum(int(n) for n in re.findall(name + r'-packets: *(\d+)', said)) for name in ('RX', 'TX')]

    def missing(self):
        """Objects of the mempool that are neither in its ops nor in its lcores' caches."""
        said = self.do('dump_mempool ' + POOL)
        number = {name: int(re.search(r'\b%s=(\d+)' % name, said).group(1))
                  for name in ('size', 'populated_size', 'common_pool_count')}
        # A mempool without caches does not mention them.
        cached = re.search(r'total_cache_count=(\d+)', said)
        if number['size'] != number['populated_size']:
            raise Failed('%(populated_size)d of %(size)d are populated' % number)
        return number['size'] - number['common_pool_count'] - (int(cached.group(1)) if cached else 0)

    def ops(self):
        return re.search(r'ops_name: <(\w+)>', self.do('dump_mempool ' + POOL)).group(1)

    def close(self):
        """Closes the ports; what is missing from the mempool then."""
        self.do('port stop all')
        self.do('port close all')
        missing = self.missing()
        os.write(self.terminal, b'quit\n')
        if self.process.wait(30):
            raise Failed('testpmd ends with %d:\n%s' % (self.process.returncode, self.text()))
        return missing

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
