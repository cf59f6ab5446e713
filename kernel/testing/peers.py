"""Makes exactly known TCP traffic on command: one JSON object per line in, one per line out.

Every answer is the truth as the programs saw it: ports, octets, process ids, errno.
"""
import array
import contextlib
import errno
import fcntl
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import termios
import time

LIMIT_S = 60
TCP_CLOSE = 7
kept = {}
V4, V6, MAPPED = ('127.0.0.1', socket.AF_INET), ('::1', socket.AF_INET6), ('::ffff:127.0.0.1', socket.AF_INET6)
FAMILIES = {'v4': V4, 'v6': V6, 'mapped': MAPPED}


def listener(family, backlog=64, port=0, address=None):
    host, kind = FAMILIES[family]
    server = socket.socket(kind)
    server.settimeout(LIMIT_S)
    if kind == socket.AF_INET6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        host = '::'
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address or host, port))
    server.listen(backlog)
    return server


def send_all(sender, receiver, count, read=True):
    """Both ends are ours: alternate, so that no thread is needed and no buffer fills for good."""
    sender.setblocking(False)
    receiver.setblocking(False)
    chunk, sent, got, end = b'x' * 65536, 0, 0, time.monotonic() + LIMIT_S
    while sent < count or (got < count if read else waiting(receiver) < count):
        if time.monotonic() > end:
            raise TimeoutError(f'{sent} sent, {got} of {count} received')
        try:
            sent += sender.send(chunk[:min(len(chunk), count - sent)]) if sent < count else 0
        except BlockingIOError:
            pass
        try:
            got += len(receiver.recv(1 << 20)) if read else 0
        except BlockingIOError:
            pass
    for one in (sender, receiver):
        one.settimeout(LIMIT_S)


def waiting(one):
    size = array.array('i', [0])
    fcntl.ioctl(one, termios.FIONREAD, size)
    return size[0]


def open_pair(family, port=0):
    server = listener(family, port=port)
    client = socket.socket(FAMILIES[family][1])
    client.settimeout(LIMIT_S)
    client.connect((FAMILIES[family][0], server.getsockname()[1]))
    accepted = server.accept()[0]
    accepted.settimeout(LIMIT_S)
    server.close()
    return client, accepted


def truth(client, server, up, down):
    return {'client_port': client.getsockname()[1], 'server_port': client.getpeername()[1],
            'up': up, 'down': down, 'pid': os.getpid(), 'uid': os.getuid()}


def abort(one):
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    one.close()


def boot_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def until_end(one):
    try:
        while one.recv(65536):
            pass
    except ConnectionResetError:
        pass


def finish(how, client, server):
    """`both`: at once, nobody waits for the other. `*_silent`: the last close comes long after the last segment, and sends none."""
    first, second = (server, client) if how.startswith('server') else (client, server)
    closing = boot_ns()
    if how == 'both':
        first.close()
        second.close()
        return closing
    if how.endswith('abort'):
        abort(first)
    elif how.endswith('half'):
        first.shutdown(socket.SHUT_WR)
    elif how.endswith('silent'):
        first.shutdown(socket.SHUT_WR)
        until_end(second)
        time.sleep(0.3)
        closing = boot_ns()
        first.close()
        return closing
    else:
        first.close()
    until_end(second)
    second.close()
    if how.endswith('half'):
        until_end(first)
        first.close()
    return closing


def exchange(family='v4', how='client', up=1, down=1):
    client, server = open_pair(family)
    unread = how.endswith('unread')
    send_all(client, server, up, read=not (unread and how.startswith('server')))
    send_all(server, client, down, read=not (unread and how.startswith('client')))
    answer = truth(client, server, up, down)
    finish(how, client, server)
    return answer


def keep(family='v4', up=1, down=1):
    """Its client port is its name: the kernel gives one port to connections with different servers."""
    client, server = open_pair(family)
    if client.getsockname()[1] in kept:
        answer = keep(family, up, down)  # while the namesake is open: the next has another port
        client.close()
        server.close()
        return answer
    send_all(client, server, up)
    send_all(server, client, down)
    kept[client.getsockname()[1]] = (client, server)
    return truth(client, server, up, down)


def many(count):
    """So many connections, both ends here, one octet each way."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    server = listener('v4', backlog=1024)
    for _ in range(count):
        client = socket.create_connection(server.getsockname())
        one = server.accept()[0]
        client.sendall(b'x')
        one.sendall(b'x')
        kept[client] = (client, one)
    server.close()
    return {}


def other_cpus():
    """All but the first, as the kernel writes a mask."""
    _, *others = sorted(os.sched_getaffinity(0))
    words = [sum(1 << cpu - low for cpu in others if low <= cpu < low + 32) for low in range(0, max(others) + 1, 32)]
    return {'mask': ','.join(f'{one:08x}' for one in reversed(words))}


def dial(count):
    """So many attempts at once, all from the first CPU; nothing is waited for."""
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cpus)})
    server = listener('v4', backlog=2 * count)
    clients = [socket.socket() for _ in range(count)]
    for one in clients:
        one.setblocking(False)
        one.connect_ex(server.getsockname())
    kept['dialled'] = (server, clients)
    os.sched_setaffinity(0, cpus)
    return {'port': server.getsockname()[1]}


def meet():
    """Accepts all that were dialled, and closes both ends."""
    server, clients = kept.pop('dialled')
    taken = [server.accept()[0] for _ in clients]
    server.close()
    for one in clients + taken:
        one.close()
    return {}


def bystanders(processes, files):
    """Processes with open files that are no sockets."""
    def wait():
        held = [os.open('/dev/null', os.O_RDONLY) for _ in range(files)]
        os.write(ready[1], b'x' * bool(held))
        signal.alarm(0)
        signal.pause()

    ready = os.pipe()
    kept['bystanders'] = [fork(wait) for _ in range(processes)]
    for _ in range(processes):
        os.read(ready[0], 1)
    return {}


def disperse():
    for child in kept.pop('bystanders'):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return {}


def more(port, up=0, down=0):
    client, server = kept[port]
    send_all(client, server, up)
    send_all(server, client, down)
    return truth(client, server, up, down)


def release(port, how='client', gone=False):
    """`gone`: the last acknowledgement may come after close() has returned; until the kernel has no more than a TIME_WAIT."""
    pair = kept.pop(port)
    ports = {one.getsockname()[1] for one in pair}
    closing = finish(how, *pair)
    del pair  # What is still open is closed with it.
    end = time.monotonic() + LIMIT_S
    while gone and ports & open_ports():
        if time.monotonic() > end:
            raise TimeoutError('the sockets do not end')
    return {'closing': closing, 'closed': boot_ns()}


def open_ports():
    """Local ports of what is no TIME_WAIT, by the kernel's own list."""
    lines = [line.split() for name in ('tcp', 'tcp6') for line in open(f'/proc/self/net/{name}').readlines()[1:]]
    return {int(local.rsplit(':', 1)[1], 16) for _, local, _, state, *_ in lines if state != '06'}


def abort_server(port, asked=False):
    """The client's socket is ended and still open."""
    client, server = kept[port]
    abort(server)
    until_closed(client)
    at = boot_ns()
    if asked:
        client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return {'at': at}


def until_closed(one):
    """The reset may come after the peer's close() has returned."""
    end = time.monotonic() + LIMIT_S
    while one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != TCP_CLOSE:
        if time.monotonic() > end:
            raise TimeoutError('no reset')


def discard(port):
    for one in kept.pop(port):
        one.close()
    return {}


def unused():
    """Sockets that never are a connection."""
    socket.socket().close()
    listener('v4').close()
    return {}


def attempt_unread(port):
    """Begins a connect."""
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex((V4[0], port))
    kept[port] = (client,)
    return {}


def failed_unread(port):
    """Waits for its failure, and closes without asking for the error."""
    watch = select.poll()
    watch.register(kept[port][0], select.POLLOUT)
    if not watch.poll(LIMIT_S * 1000):
        raise TimeoutError('no answer')
    return discard(port)


def leave(port):
    """One octet that the server has and nobody has read."""
    client, server = kept[port]
    client.sendall(b'x')
    end = time.monotonic() + LIMIT_S
    while waiting(server) < 1 and time.monotonic() < end:
        time.sleep(0.001)
    return {}


def taken_by_child(port):
    """The octet is read by a child: another owner, and nothing on the wire."""
    child = fork(kept[port][1].recv, 1)
    os.waitpid(child, 0)
    return {'child': child}


def attempt(address, port, family='v4', timeout_ms=LIMIT_S * 1000):
    client = socket.socket(FAMILIES[family][1])
    client.settimeout(timeout_ms / 1000)
    try:
        client.connect((address, port))
        result = 0
    except TimeoutError as error:
        result = error.errno or errno.EINPROGRESS  # no errno: we gave up first
    except OSError as error:
        result = error.errno
    client.close()
    return {'errno': result, 'pid': os.getpid()}


def attempt_open(address, port, family='v4', wait=True):
    """A connect that does not block. `wait` = until it fails, then asks why; else it is given up, and nobody asks."""
    client = socket.socket(FAMILIES[family][1])
    client.setblocking(False)
    begun = client.connect_ex((address, port))
    result = begun if begun != errno.EINPROGRESS else 0
    if wait and not result:
        watch = select.poll()
        watch.register(client, select.POLLOUT)
        if not watch.poll(LIMIT_S * 1000):
            raise TimeoutError('no answer')
        result = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    client.close()
    return {'errno': result, 'pid': os.getpid()}


def mptcp(up=1, down=1):
    """One connection by MPTCP at both ends; the kernel's own threads close its subflows."""
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
    server.bind((V4[0], 0))
    server.listen(8)
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
    client.settimeout(LIMIT_S)
    client.connect(server.getsockname())
    one = server.accept()[0]
    send_all(client, one, up)
    send_all(one, client, down)
    answer = truth(client, one, up, down)
    client.close()
    until_end(one)
    one.close()
    server.close()
    return answer


def orphan(port, count):
    """Closed with octets that nobody acknowledges: a socket without a descriptor."""
    client, server = kept[port]
    client.sendall(b'x' * count)
    client.close()
    return {}


def finish_sending(port):
    """The client sends its FIN, and the server has it."""
    client, server = kept[port]
    client.shutdown(socket.SHUT_WR)
    until_end(server)
    return {}


def orphan_server(port, count):
    client, server = kept[port]
    server.sendall(b'x' * count)
    server.close()
    return {}


SO_COOKIE, SLOTS = 57, 65536


def cookie_of(one):
    return struct.unpack('Q', one.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8))[0]


def collide(port, up=1, down=1):
    """A connection whose client has the same slot as that of the one that is kept."""
    wanted = cookie_of(kept[port][0]) % SLOTS
    server = listener('v4')
    for _ in range(100 * SLOTS):
        client = socket.socket()
        if cookie_of(client) % SLOTS == wanted:
            break
        client.close()
    client.settimeout(LIMIT_S)
    client.connect(server.getsockname())
    accepted = server.accept()[0]
    server.close()
    send_all(client, accepted, up)
    send_all(accepted, client, down)
    kept[client.getsockname()[1]] = (client, accepted)
    return {**truth(client, accepted, up, down), 'cookie': cookie_of(client), 'other': cookie_of(kept[port][0])}


def closed_port():
    server = listener('v4')
    port = server.getsockname()[1]
    server.close()
    return {'port': port}


def serve(one):
    """Tells the client who serves it, then waits for it to close first."""
    one.settimeout(LIMIT_S)
    one.recv(4)
    one.sendall(b'%08d' % os.getpid())
    until_end(one)
    one.close()


def worker_accepts(server):
    while True:
        serve(server.accept()[0])


@contextlib.contextmanager
def passing():
    """Whoever passes a descriptor closes its copy before the taker serves: else the passer may close last."""
    with open(__file__) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def worker_takes(channel):
    while True:
        _, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
        with passing():
            pass
        serve(socket.socket(fileno=descriptors[0]))


def fork(work, *arguments):
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        try:
            work(*arguments)
        finally:
            os._exit(0)
    return pid


def serve_after(closed, door, one):
    """Serves when the parent has closed its copy: else the parent might close last."""
    os.close(door)
    os.read(closed, 1)
    serve(one)


def accepts_and_forks(server):
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        one = server.accept()[0]
        closed, door = os.pipe()
        fork(serve_after, closed, door, one)
        one.close()
        os.close(closed)
        os.close(door)


def accepts_and_passes(server, channel):
    while True:
        one = server.accept()[0]
        with passing():
            socket.send_fds(channel, [b'x'], [one.fileno()])
            one.close()


def owners(kind, count):
    """`count` connections to a server of this kind; which process served which."""
    server = listener('v4', backlog=512)
    server.settimeout(None)
    pids = []
    if kind == 'prefork':
        pids = [fork(worker_accepts, server) for _ in range(4)]
    elif kind == 'fork':
        pids = [fork(accepts_and_forks, server)]
    elif kind == 'passed':
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        pids = [fork(worker_takes, far), fork(accepts_and_passes, server, near)]
    elif kind == 'single':
        pids = [fork(worker_accepts, server)]
    server_port, served = server.getsockname()[1], []
    for _ in range(count):
        client = socket.create_connection(('127.0.0.1', server_port), timeout=LIMIT_S)
        client.sendall(b'who?')
        served.append([client.getsockname()[1], int(client.recv(8, socket.MSG_WAITALL))])
        client.close()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    server.close()
    return {'server_port': server_port, 'served': served, 'pid': os.getpid()}


def rate(count):
    """Connect, request, answer, close; both ends here. For the cost per connection."""
    server = listener('v4', backlog=64)
    for _ in range(count):
        client = socket.create_connection(server.getsockname())
        one = server.accept()[0]
        client.sendall(b'r')
        one.recv(16)
        one.sendall(b'answer')
        client.recv(16)
        client.close()
        one.recv(16)
        one.close()
    server.close()
    return {'count': count}


def pairs_until(channel, end):
    count = 0
    server = listener('v4')
    while time.monotonic() < end:
        client = socket.create_connection(server.getsockname())
        one = server.accept()[0]
        client.close()
        one.close()
        count += 1
    os.write(channel, b'%d' % count)


def storm(port, attempts, seconds):
    """Connects that time out, told by the kernel's timers, which interrupt processes that open and close."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    result, channel = os.pipe()
    child = fork(pairs_until, channel, time.monotonic() + seconds)
    watch, waiting_for = select.epoll(), {}
    for index in range(attempts):
        one = socket.socket()
        one.setblocking(False)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 200 + index % (seconds * 700))
        one.connect_ex((V4[0], port))
        watch.register(one, select.EPOLLOUT)
        waiting_for[one.fileno()] = one
    while waiting_for:
        events = watch.poll(LIMIT_S)
        if not events:
            raise TimeoutError(f'{len(waiting_for)} connects do not time out')
        for descriptor, _ in events:
            watch.unregister(descriptor)
            waiting_for.pop(descriptor).close()
    os.waitpid(child, 0)
    return {'ends': attempts + 2 * int(os.read(result, 16))}


def listen_on(address, port, family='v4'):
    kept['server'] = listener(family, address=address, port=port)
    return {}


def accept_one():
    kept['accepted'] = kept['server'].accept()[0]
    return {'peer': kept['accepted'].getpeername()}


def connect_to(address, port):
    kept['client'] = socket.create_connection((address, port), timeout=LIMIT_S)
    return {'port': kept['client'].getsockname()[1]}


def say(who, count):
    kept[who].sendall(b'x' * count)
    return {}


def hear(who, count):
    got = 0
    while got < count:
        got += len(kept[who].recv(65536))
    return {}


def drop(who):
    kept.pop(who).close()
    return {}


def reset(who):
    abort(kept.pop(who))
    return {}


def share():
    """A child that holds what we hold, and does nothing with it."""
    kept['child'] = fork(time.sleep, 60)
    return {'pid': os.getpid(), 'child': kept['child']}


def unshare():
    child = kept.pop('child')
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return {}


OPERATIONS = {one.__name__: one for one in (
    exchange, keep, many, other_cpus, dial, meet, bystanders, disperse, more, release, abort_server, discard, unused, storm, attempt_unread, failed_unread, leave, taken_by_child, attempt, attempt_open, mptcp, orphan, finish_sending, orphan_server, collide, closed_port, owners, rate,
    listen_on, accept_one, connect_to, say, hear, drop, reset, share, unshare)}

for line in sys.stdin:
    request = json.loads(line)
    operation = OPERATIONS[request.pop('op')]
    try:
        answer = operation(**request)
    except Exception as error:  # the test shows it
        answer = {'failed': f'{type(error).__name__}: {error}'}
    print(json.dumps(answer), flush=True)
