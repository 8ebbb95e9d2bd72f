# SPDX-License-Identifier: BSD-3-Clause
"""pktpool-top: what it shows, how it ends, and that it survives those it looks at."""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios

from subject import Subject, Failed, must, run, top, top_json, wait_for, RUNTIME, TOP

PLACES = ('in_flight', 'fresh', 'cached', 'deques', 'depot', 'reserve', 'collected')
NAME = r'[a-zA-Z_:][a-zA-Z0-9_:]*'
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
LINE = re.compile(r'(%s)(?:\{(%s(?:,%s)*)\})? (-?[0-9.e+]+|NaN|[+-]Inf)$' % (NAME, LABEL, LABEL))


def prometheus_parse(text):
    """As promtool has it: a type before the samples, a metric's together, none twice."""
    must(text.endswith('\n'), 'no end of line')
    types, helps, samples, current = {}, set(), {}, None
    for line in text.splitlines():
        if line.startswith('# HELP '):
            name = line.split(' ')[2]
            must(name not in helps and len(line.split(' ', 3)) == 4, line)
            helps.add(name)
        elif line.startswith('# TYPE '):
            _, _, name, kind = line.split(' ')
            must(name not in types and kind in ('gauge', 'counter'), line)
            must((kind == 'counter') == name.endswith('_total'), line)
            types[name] = kind
            current = name
        else:
            match = LINE.match(line)
            must(match, 'no sample:', line)
            must(match[1] == current and current in helps, 'not under its type:', line)
            labels = re.findall('(%s)' % LABEL, match[2] or '')
            must(len({label.split('=')[0] for label in labels}) == len(labels), line)
            key = (match[1], tuple(sorted(labels)))
            must(key not in samples, 'twice:', line)
            samples[key] = float(match[3])
    return samples


def samples_of(samples, name, **labels):
    wanted = {'%s="%s"' % item for item in labels.items()}
    return [value for (metric, has), value in samples.items() if metric == name and wanted <= set(has)]


def test_parser_finds_what_is_wrong():
    good = '# HELP a_total x\n# TYPE a_total counter\na_total{b="c\\"d",e="f"} 1\n'
    prometheus_parse(good)
    for bad in (good[:-1], good.replace('counter', 'thing'), good.replace('a_total{', 'b_total{'),
                good + 'a_total{e="f",b="c\\"d"} 2\n', good.replace('\\"', '"'), good.replace(' 1\n', ' x\n'),
                good.replace('# TYPE a_total counter\n', ''), good.replace('e="f"', 'b="f"')):
        try:
            prometheus_parse(bad)
        except Failed:
            continue
        raise Failed('passes: %r' % bad)


def test_once_in_every_form_says_the_same():
    with Subject() as subject:
        subject.do('pool', 4096, 'plain', 'roomy')
        subject.do('pktmbuf', 2048, 'debug', 'full "of" \\ it')
        subject.do('mempool', 2000, 'x', 'ops')
        for name in ('roomy', 'full "of" \\ it'):
            subject.do('leak', 40000, 'clone', name)
        sample = top_json(subject.prefix)
        process = sample['processes'][0]
        must(process['pid'] == subject.process.pid and process['state'] == 'running', process)
        pools = {pool['pool']: pool for pool in process['pools']}
        must(len(pools) == 3, pools.keys())
        # What is short comes first.
        shorts = [pool['short'] for pool in process['pools']]
        must(shorts == sorted(shorts, reverse=True) and shorts[0] > shorts[-1], shorts)
        for pool in pools.values():
            must(sum(pool[place] for place in PLACES) == pool['total'], pool)
            must('rates' not in pool)
        text = top('--once', '--file-prefix', subject.prefix)
        must(text.returncode == 0, text.stderr)
        must('\033' not in text.stdout and 'clone' in text.stdout, text.stdout)
        for pool in process['pools']:
            must(re.search(r'^%s .* %d ' % (re.escape(pool['pool'][:16]), pool['total']), text.stdout, re.M),
                 pool['pool'], text.stdout)
        run_ = top('--once', '--prometheus', '--file-prefix', subject.prefix)
        must(run_.returncode == 0, run_.stderr)
        samples = prometheus_parse(run_.stdout)
        must(samples_of(samples, 'pktpool_up') == [1])
        for pool in process['pools']:
            label = pool['name'].replace('\\', '\\\\').replace('"', '\\"')
            places = samples_of(samples, 'pktpool_buffers', pool=label)
            must(len(places) == len(PLACES) and sum(places) == pool['total'], label, places)
            must(samples_of(samples, 'pktpool_waiters', pool=label) == [0])
            must(samples_of(samples, 'pktpool_fast_buffers_total', pool=label) == [pool['counters']['fast']])
        must(samples_of(samples, 'pktpool_holder_buffers', tag='clone') == [40], samples)
        must(max(samples_of(samples, 'pktpool_age_buffers', le='+Inf')) == 40)
        only = top_json(subject.prefix, '--pool', 'ops')['processes'][0]['pools']
        must([pool['name'] for pool in only] == ['ops'], only)


def test_rates_are_what_happened_between_two_samples():
    with Subject(plugin=False) as subject:
        subject.do('pool', 4096, 'plain', 'busy')
        looking = subprocess.Popen([TOP, '--json', '--interval', '0.5', '--file-prefix', subject.prefix],
                                   stdout=subprocess.PIPE, text=True)
        try:
            first = json.loads(looking.stdout.readline())
            before = first['processes'][0]['pools'][0]['counters']['fast']
            subject.do('leak', 2000, 'none', 'busy')
            counted, seconds = 0, first['clock']
            while counted < 5000:
                sample = json.loads(looking.stdout.readline())
                pool = sample['processes'][0]['pools'][0]
                counted += pool['rates']['fast'] * (sample['clock'] - seconds)
                seconds = sample['clock']
            must(abs(counted - (pool['counters']['fast'] - before)) < 1, counted, pool['counters'])
            looking.send_signal(signal.SIGINT)
            must(looking.wait(60) == 0, looking.returncode)
        finally:
            looking.stdout.close()
            if looking.poll() is None:
                looking.kill()
                looking.wait()


def test_process_that_goes_away_is_shown():
    with Subject(plugin=False) as subject:
        subject.do('pool', 1024, 'plain', 'gone')
        looking = subprocess.Popen([TOP, '--json', '--interval', '0.1', '--file-prefix', subject.prefix],
                                   stdout=subprocess.PIPE, text=True)
        counting = subprocess.Popen([TOP, '--json', '--interval', '0.2', '--count', '20', '--file-prefix',
                                     subject.prefix], stdout=subprocess.PIPE, text=True)
        try:
            for watch in looking, counting:
                must(json.loads(watch.stdout.readline())['processes'][0]['state'] == 'running')
            subject.process.kill()
            subject.process.wait()
            while True:
                process = json.loads(looking.stdout.readline())['processes'][0]
                if process['state'] != 'running':
                    break
            must(process['state'] in ('gone', 'silent') and process['error'], process)
            must(process['pid'] == subject.process.pid, process)
            # It goes on, and forgets it in the end.
            while json.loads(looking.stdout.readline())['processes']:
                pass
            looking.send_signal(signal.SIGTERM)
            must(looking.wait(60) == 0, looking.returncode)
            counting.stdout.read()
            must(counting.wait(60) == 1, counting.returncode)
            must(top('--once', '--file-prefix', subject.prefix).returncode == 3)
        finally:
            for watch in looking, counting:
                watch.stdout.close()
                if watch.poll() is None:
                    watch.kill()
                    watch.wait()


def test_process_that_does_not_answer_is_named():
    with Subject(plugin=False) as subject:
        subject.process.send_signal(signal.SIGSTOP)
        try:
            run_ = top('--once', '--file-prefix', subject.prefix)
            must(run_.returncode == 1, run_.returncode)
            must('silent: no answer within 2 s' in run_.stdout, run_.stdout)
        finally:
            subject.process.send_signal(signal.SIGCONT)


def test_wrong_use_is_named():
    for args, names in ((('--interval', '0'), '--interval 0'), (('--interval', 'nan'), '--interval nan'),
                        (('--interval', '1s'), '--interval 1s'), (('--count', '-1'), '--count -1'),
                        (('--count', '0'), '--count 0'), (('--json', '--prometheus'), 'one of them'),
                        (('--file-prefix', 'a/b'), 'a/b'), (('--file-prefix', '..'), '..'), (('what',), 'what'),
                        (('--prometheus', 'a', 'b'), 'b'), (('--prometheus=',), 'empty'), (('--nope',), 'nope')):
        run_ = top(*args)
        must(run_.returncode == 2 and names in run_.stderr, args, run_.returncode, run_.stderr)
    must(top('--help').returncode == top('--version').returncode == 0)


def test_man_page_has_every_option():
    page = open(os.path.join(os.path.dirname(__file__), '../../doc/man/pktpool-top.1')).read()
    own = set(re.findall(r'^ +(?:-., )?--([a-z-]+)', top('--help').stdout, re.M)) - {'help', 'usage', 'version'}
    told = set(re.findall(r'^\.It Fl -([a-z-]+)', page, re.M))
    must(own == told and len(own) > 5, own ^ told)
    for status in '0123':
        must('\n.It %s\n' % status in page[page.index('.Sh EXIT STATUS'):], status)


def test_what_is_not_there_is_named():
    with tempfile.TemporaryDirectory() as empty:
        for args, names in ((('--runtime-dir', empty), empty), (('--runtime-dir', empty + '/no'), empty + '/no'),
                            (('--runtime-dir', empty, '--file-prefix', 'nobody'), 'nobody'),
                            (('--runtime-dir', empty + '/' + 'x' * 120), 'x' * 120)):
            run_ = top('--once', *args)
            must(run_.returncode == 3 and names in run_.stderr, args, run_.returncode, run_.stderr)
        # Where EAL would have looked.
        for name, under in (('RUNTIME_DIRECTORY', empty), ('XDG_RUNTIME_DIR', '/var/run' if os.getuid() == 0 else empty)):
            where = {key: value for key, value in os.environ.items() if key != 'RUNTIME_DIRECTORY'}
            where[name] = empty
            run_ = top('--once', '--file-prefix', 'nobody', env=where)
            must(run_.returncode == 3 and under + '/dpdk' in run_.stderr, name, run_.returncode, run_.stderr)
        # A socket that nobody listens to, a file, and a name that no socket can have.
        os.makedirs(empty + '/old')
        os.makedirs(empty + '/' + 'y' * 100)
        open(empty + '/old/dpdk_telemetry.v2', 'w').close()
        open(empty + '/' + 'y' * 100 + '/dpdk_telemetry.v2', 'w').close()
        run_ = top('--once', '--runtime-dir', empty)
        must(run_.returncode == 1 and 'more than 107 characters' in run_.stdout, run_.returncode, run_.stdout)
    with Subject(plugin=False) as subject:
        run_ = top('--once', '--file-prefix', subject.prefix, '--pool', 'none')
        must(run_.returncode == 3 and '--pool none' in run_.stderr, run_.stderr)


def test_file_is_replaced_as_a_whole_or_not_at_all():
    with Subject(plugin=False) as subject, tempfile.TemporaryDirectory() as place:
        subject.do('pool', 1024, 'plain', 'one')
        path = os.path.join(place, 'pktpool.prom')
        once = ('--once', '--file-prefix', subject.prefix, '--prometheus')
        for given in ((path,), ('=' + path,)):
            args = once + given if given == (path,) else once[:-1] + ('--prometheus=' + path,)
            run_ = top(*args)
            must(run_.returncode == 0 and run_.stdout == '', run_.stderr)
            prometheus_parse(open(path).read())
            must(os.listdir(place) == ['pktpool.prom'], os.listdir(place))
        inode = os.stat(path).st_ino
        top(*once, path)
        must(os.stat(path).st_ino != inode, 'written in place')
        for bad in (place, place + '/no/such', '/dev/null/x'):
            run_ = top(*once, bad)
            must(run_.returncode == 1 and bad in run_.stderr, bad, run_.returncode, run_.stderr)
        must(os.listdir(place) == ['pktpool.prom'], os.listdir(place))
        # A limit on what a file may have is a disk that is full, as far as a writer can tell.
        before = open(path).read()
        run_ = subprocess.run(['sh', '-c', 'trap "" XFSZ; ulimit -f 1; exec "$0" "$@"', TOP, *once, path],
                              capture_output=True, text=True, timeout=60)
        must(run_.returncode == 1 and 'too large' in run_.stderr, run_.returncode, run_.stderr)
        must(open(path).read() == before and os.listdir(place) == ['pktpool.prom'])
        for form in ('--json',), ('--prometheus',), ():
            with open('/dev/full', 'w') as full:
                run_ = subprocess.run([TOP, '--once', '--file-prefix', subject.prefix, *form], stdout=full,
                                      stderr=subprocess.PIPE, text=True, timeout=60)
            must(run_.returncode == 1 and 'No space left' in run_.stderr, form, run_.returncode, run_.stderr)


class Terminal:
    def __init__(self, rows, columns, *args):
        self.main, far = pty.openpty()
        self.size(rows, columns)
        self.process = subprocess.Popen([TOP, *args], stdin=far, stdout=far, stderr=far, close_fds=True,
                                        preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)))
        os.close(far)
        self.seen = b''

    def size(self, rows, columns):
        fcntl.ioctl(self.main, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))

    def more(self):
        if select.select([self.main], [], [], 1)[0]:
            try:
                self.seen += os.read(self.main, 65536)
            except OSError:
                return False
        return True

    def frame(self):
        """The last one that is whole: from the corner to what is cleared below."""
        while True:
            self.more()
            end = self.seen.rfind(b'\033[J')
            begin = self.seen.rfind(b'\033[H', 0, max(end, 0))
            if begin >= 0:
                frame = self.seen[begin + 3:end]
                self.seen = self.seen[end + 3:]
                return [line.replace(b'\033[K', b'').rstrip(b'\r') for line in frame.split(b'\n')]


def test_terminal_is_filled_and_given_back():
    with Subject(plugin=False) as subject:
        for i in range(20):
            subject.do('pool', 128, 'debug', 'pool%d' % i)
        terminal = Terminal(10, 50, '--interval', '0.1', '--file-prefix', subject.prefix)
        try:
            frame = wait_for('a frame', terminal.frame)
            must(len(frame) == 10 and max(map(len, frame)) == 50, frame)
            must(frame[0].startswith(b'pktpool-top') and frame[1].startswith(b'POOL'), frame)
            terminal.size(40, 200)
            wait_for('a larger frame', lambda: len(terminal.frame()) > 20)
            terminal.size(1, 1)
            wait_for('a frame of one', lambda: terminal.frame() == [b'p'])
            terminal.size(30, 120)
            wait_for('a frame again', lambda: len(terminal.frame()) > 20)
            terminal.process.send_signal(signal.SIGINT)
            while terminal.process.poll() is None:
                terminal.more()
            must(terminal.process.returncode == 0, terminal.process.returncode)
            while terminal.more() and b'\033[?1049l' not in terminal.seen:
                pass
            must(b'\033[?25h' in terminal.seen and terminal.seen.rstrip().endswith(b'\033[?1049l'), terminal.seen[-80:])
        finally:
            if terminal.process.poll() is None:
                terminal.process.kill()
                terminal.process.wait()
            os.close(terminal.main)


def test_many_processes_are_found_and_leftovers_are_not():
    with Subject(plugin=False) as one, Subject() as two:
        one.do('pool', 1024, 'plain', 'same name')
        two.do('pool', 1024, 'plain', 'same name')
        two.do('leak', 5000, 'clone', 'same name')
        left = os.path.join(RUNTIME, 'top%dleft' % os.getpid())
        os.makedirs(left)
        try:
            sample = json.loads(top('--count', '1', '--json').stdout)
        finally:
            shutil.rmtree(left)
        ours = [process for process in sample['processes'] if process['prefix'] in (one.prefix, two.prefix)]
        must({process['pid'] for process in ours} == {one.process.pid, two.process.pid}, ours)
        # What has less free comes first, across processes.
        must(ours[0]['prefix'] == two.prefix, ours)


run([
    test_parser_finds_what_is_wrong,
    test_once_in_every_form_says_the_same,
    test_rates_are_what_happened_between_two_samples,
    test_process_that_goes_away_is_shown,
    test_process_that_does_not_answer_is_named,
    test_wrong_use_is_named,
    test_man_page_has_every_option,
    test_what_is_not_there_is_named,
    test_file_is_replaced_as_a_whole_or_not_at_all,
    test_terminal_is_filled_and_given_back,
    test_many_processes_are_found_and_leftovers_are_not,
])
