# SPDX-License-Identifier: BSD-3-Clause
"""A DPDK process with pools, and what its telemetry says; and how tests here begin and end."""
import json
import os
import shutil
import socket
import subprocess
import sys
import time

BUILD = os.path.abspath(sys.argv[1])
PLUGIN = os.path.join(BUILD, 'lib/mempool/librte_mempool_pktpool.so')
TOP = os.path.join(BUILD, 'apps/top/pktpool-top')
# As EAL chooses it.
RUNTIME = os.path.join(os.environ.get('RUNTIME_DIRECTORY') or (
    '/var/run' if os.getuid() == 0 else os.environ.get('XDG_RUNTIME_DIR', '/tmp')), 'dpdk')
PATIENCE = 60


class Failed(Exception):
    pass


def must(what, *facts):
    if not what:
        raise Failed(' '.join(str(fact) for fact in facts) or 'not so')


def wait_for(what, ask):
    """Until ask() has something to say."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.02)
    raise Failed('not within %d s: %s' % (PATIENCE, what))


class Telemetry:
    """As dpdk-telemetry.py talks to it."""

    def __init__(self, prefix, runtime=RUNTIME):
        path = os.path.join(runtime, prefix, 'dpdk_telemetry.v2')
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self.most = json.loads(self.socket.recv(1024))['max_output_len']
        self.longest = 0

    def ask(self, command):
        self.socket.send(command if isinstance(command, bytes) else command.encode())
        answer = self.socket.recv(self.most + 1)
        must(answer, command, 'has no answer')
        must(len(answer) < self.most, command, 'has an answer that is cut off')
        self.longest = max(self.longest, len(answer))
        return list(json.loads(answer).values())[0]

    def rows(self, command, rows):
        """Of all pages."""
        page = self.ask(command)
        found = list(page[rows].values())
        while 'next' in page:
            page = self.ask('%s,%d' % (command, page['next']))
            found += page[rows].values()
        must(len(found) == page['rows'], command, len(found), page['rows'])
        return found


class Subject:
    count = 0

    def __init__(self, plugin=True, eal=()):
        Subject.count += 1
        self.prefix = 'top%dx%d' % (os.getpid(), Subject.count)
        environment = dict(os.environ, PKTPOOL_MEMPOOL='debug=1')
        if plugin:
            environment['SUBJECT_PLUGIN'] = PLUGIN
        self.process = subprocess.Popen(
            [os.path.join(BUILD, 'tests/top/top-subject'), '--no-pci', '--no-huge', '-m', '64', '-l', '0',
             '--log-level', 'lib.eal:error', '--file-prefix', self.prefix, *eal],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        said = self.answer()
        if said.startswith('skipped'):
            print(said)
            sys.exit(77)
        must(said.startswith('ok'), said)

    def answer(self):
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise Failed('the subject ended (%s): %s' % (self.process.wait(),
                                                              self.process.stderr.read()[-2000:]))
            if line.split(b' ')[0].strip() in (b'ok', b'error', b'skipped'):
                return line.decode(errors='replace').strip()

    def tell(self, verb, number, word, name):
        line = b'%s %d %s %s\n' % (verb.encode(), number, word.encode(),
                                   name if isinstance(name, bytes) else name.encode())
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def try_(self, *command):
        self.tell(*command)
        return self.answer()

    def do(self, *command):
        said = self.try_(*command)
        must(said.startswith('ok'), command, said)
        return said

    def telemetry(self):
        return Telemetry(self.prefix)

    def end(self):
        """Its exit status, and what it said on stderr."""
        if not self.process.stdin.closed:
            self.process.stdin.close()
        self.process.stdout.close()
        said = self.process.stderr.read().decode(errors='replace')
        self.process.stderr.close()
        status = self.process.wait(PATIENCE)
        shutil.rmtree(os.path.join(RUNTIME, self.prefix), ignore_errors=True)
        return status, said

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None and kind:
            self.process.kill()
        if not self.process.stderr.closed:
            self.end()


def top(*args, **how):
    return subprocess.run([TOP, *args], capture_output=True, text=True, timeout=PATIENCE, **how)


def top_json(prefix, *args):
    run = top('--once', '--json', '--file-prefix', prefix, *args)
    must(run.returncode == 0, run.returncode, run.stderr)
    return json.loads(run.stdout)


def run(tests):
    """Each of them; ends with 1 if one failed."""
    bad = 0
    for test in tests:
        began = time.monotonic()
        try:
            test()
            print('ok %s (%.1f s)' % (test.__name__, time.monotonic() - began))
        except (Failed, KeyError, ValueError, OSError, subprocess.SubprocessError) as wrong:
            print('FAILED: %s: %r' % (test.__name__, wrong))
            bad = 1
    sys.exit(bad)
