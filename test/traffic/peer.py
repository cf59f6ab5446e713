"""A socket puppet: plays exactly the system calls it is told to, one JSON line each, and says what came of them.

Reads  {"op": "send", "id": "c", "bytes": 10} from standard input, answers {"bytes": 10} or {"errno": "EPIPE"}.
Only the standard library, so that any Debian's /usr/bin/python3 plays it.
"""

import ctypes
import errno
import json
import os
import signal
import socket
import struct
import sys

sockets = {}
children = []
serve_log = None
CHUNK = bytes(65536)
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
HEADER = struct.Struct("!II")  # octets of the request after this header, octets of the answer


def ends(sock):
    return {"local": list(sock.getsockname()[:2]), "remote": list(sock.getpeername()[:2])}


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def listen(id, address, port=0, backlog=4096):
    sock = socket.socket(family(address))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    sock.listen(backlog)
    sockets[id] = sock
    return {"local": list(sock.getsockname()[:2])}


def accept(id, listener):
    sockets[id] = sockets[listener].accept()[0]
    return ends(sockets[id])


def connect(id, address, port, bind=None, wait=True):
    """wait=False leaves at once, with the handshake under way."""
    sock = sockets[id] = socket.socket(family(address))
    if bind:
        sock.bind((bind, 0))
    sock.setblocking(wait)
    try:
        sock.connect((address, port))
    except BlockingIOError:
        return {"local": list(sock.getsockname()[:2]), "remote": [address, port]}
    return ends(sock)


def send(id, bytes):
    left = bytes
    while left > 0:
        left -= sockets[id].send(CHUNK[:left])
    return {"bytes": bytes}


def receive(id, bytes=None):
    """Reads exactly that many octets, or all until the end of the stream."""
    got = 0
    while bytes is None or got < bytes:
        part = sockets[id].recv(65536 if bytes is None else min(65536, bytes - got))
        if not part:
            break
        got += len(part)
    return {"bytes": got}


def shutdown(id):
    sockets[id].shutdown(socket.SHUT_WR)
    return {}


def close(id):
    sockets.pop(id).close()
    return {}


def abort(id):
    sockets[id].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return close(id)


def give(id, path):
    """Hands the descriptor to the puppet that waits in take(), and closes the own copy."""
    with socket.socket(socket.AF_UNIX) as door:
        door.connect(path)
        socket.send_fds(door, [b"x"], [sockets[id].fileno()])
        door.recv(1)
    return close(id)


def take(id, path):
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen(1)
        visitor = door.accept()[0]
        _, fds, _, _ = socket.recv_fds(visitor, 1, 1)
        sockets[id] = socket.socket(fileno=fds[0])
        visitor.send(b"x")
        visitor.close()
    os.unlink(path)
    return ends(sockets[id])


def rename(name):
    with open("/proc/self/comm", "wb") as comm:
        comm.write(name.encode("utf-8", "surrogateescape")[:15])
    return {}


def exact(sock, count):
    parts = []
    while count > 0:
        part = sock.recv(min(65536, count))
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def answer(sock):
    """One request, one answer, then until the client closes; one line of truth in the log."""
    remote = list(sock.getpeername()[:2])
    request, response = HEADER.unpack(exact(sock, HEADER.size))
    exact(sock, request)
    sock.sendall(bytes(response))
    sock.recv(1)
    sock.close()
    line = {"pid": os.getpid(), "remote": remote, "received": request + HEADER.size, "sent": response}
    os.write(serve_log, (json.dumps(line) + "\n").encode())


def fork(work):
    """A server that is killed takes those it has forked with it: they would hold its output open for ever."""
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() == parent:
                work()
        finally:
            os._exit(0)
    return pid


def serve_alone(listener):
    while True:
        answer(listener.accept()[0])


def answer_after(closed, door, sock):
    """Answers when the parent has closed its copy: else that close might be the last, and the parent the owner."""
    os.close(door)
    os.read(closed, 1)
    answer(sock)


def serve_forking(listener):
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        sock = listener.accept()[0]
        closed, door = os.pipe()
        fork(lambda: answer_after(closed, door, sock))
        sock.close()
        os.close(closed)
        os.close(door)


def serve_handing_over(listener, workers):
    doors = []
    for _ in range(workers):
        here, there = socket.socketpair()
        fork(lambda: work_for(there))
        there.close()
        doors.append(here)
    turn = 0
    while True:
        sock = listener.accept()[0]
        socket.send_fds(doors[turn % workers], [b"x"], [sock.fileno()])
        sock.close()
        doors[turn % workers].send(b"x")  # Only now, or this close might be the last and we the owner.
        turn += 1


def work_for(door):
    while True:
        message, fds, _, _ = socket.recv_fds(door, 1, 1)
        if not message:
            return
        door.recv(1)
        answer(socket.socket(fileno=fds[0]))


def serve(id, mode, log, workers=4):
    """Answers requests in processes of its own: alone, prefork, fork (one per connection), handover."""
    global serve_log
    serve_log = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    listener = sockets[id]
    work = {
        "alone": lambda: serve_alone(listener),
        "prefork": lambda: serve_alone(listener),
        "fork": lambda: serve_forking(listener),
        "handover": lambda: serve_handing_over(listener, workers),
    }[mode]
    for _ in range(workers if mode == "prefork" else 1):
        children.append(fork(lambda: (os.setpgid(0, 0), work())))
    return {"pids": children}


def ask(address, port, request, response):
    """One connection: request, answer, close by the client."""
    sock = socket.socket(family(address))
    sock.connect((address, port))
    result = ends(sock)
    sock.sendall(HEADER.pack(request, response) + bytes(request))
    exact(sock, response)
    sock.close()
    return {**result, "sent": request + HEADER.size, "received": response}


OPS = [listen, accept, connect, send, receive, shutdown, close, abort, give, take, rename, serve, ask]


def play(message):
    op = message.pop("op")
    try:
        return {f.__name__: f for f in OPS}[op](**message)
    except OSError as error:
        sock = sockets.get(message.get("id"))
        local = list(sock.getsockname()[:2]) if sock and op == "connect" else None
        return {"errno": errno.errorcode.get(error.errno, str(error.errno)), "local": local}


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the director's; the end of our input ends us.
    print(json.dumps({"pid": os.getpid()}), flush=True)
    try:
        for line in sys.stdin:
            print(json.dumps(play(json.loads(line))), flush=True)
    finally:
        for pid in children:
            os.killpg(pid, signal.SIGKILL)


main()
