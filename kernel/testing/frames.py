"""Packets written out octet by octet, right or wrong on purpose, and both ends of connections in one process.

Runs in the namespace `near` of pair.ts; `inside_far` opens sockets in the other one. Scripts of tests begin with
`from frames import *`.
"""
import contextlib
import ctypes
import os
import re
import socket
import struct
import subprocess
import sys
import time

NEAR, FAR = '10.77.0.1', '10.77.0.2'
NEAR6, FAR6 = 'fd77::1', 'fd77::2'
NEAR_MAC, FAR_MAC = '02:00:00:00:00:01', '02:00:00:00:00:02'
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
FRAGMENTS_FOLLOW, DO_NOT_FRAGMENT = 1, 2
LIMIT_S = 60
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ = 19, 20, 21
REPAIR_OFF_NO_PROBE = -1
SO_ATTACH_FILTER, SO_COOKIE, IP_MINTTL, TCP_MD5SIG = 26, 57, 21, 14


def checksum(octets):
    if len(octets) % 2:
        octets += b'\0'
    total = sum(struct.unpack(f'>{len(octets) // 2}H', octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def address(text):
    return socket.inet_pton(socket.AF_INET6 if ':' in text else socket.AF_INET, text)


def pseudo(source, destination, protocol, length):
    return address(source) + address(destination) + struct.pack('>II', length, protocol)


def ipv4(payload, protocol, source=NEAR, destination=FAR, ttl=64, flags=0, offset=0, options=b'',
         version=4, words=None, length=None, check=None, ident=1):
    words = 5 + len(options) // 4 if words is None else words
    length = 20 + len(options) + len(payload) if length is None else length
    begin = struct.pack('>BBHHHBB', version << 4 | words, 0, length, ident, flags << 13 | offset, ttl, protocol)
    ends = address(source) + address(destination) + options
    if check is None:
        check = checksum(begin + b'\0\0' + ends)
    return begin + struct.pack('>H', check) + ends + payload


def ipv6(payload, following, source=NEAR6, destination=FAR6, hops=64, length=None, version=6):
    length = len(payload) if length is None else length
    begin = struct.pack('>IHBB', version << 28, length, following, hops)
    return begin + address(source) + address(destination) + payload


def udp(payload, source_port, destination_port, ends=None, length=None, check=None):
    """Without `ends` the checksum is 0, which over IPv4 means that there is none."""
    length = 8 + len(payload) if length is None else length
    head = struct.pack('>HHH', source_port, destination_port, length)
    if check is None:
        whole = head + b'\0\0' + payload
        check = (checksum(pseudo(*ends, 17, len(whole)) + whole) or 0xffff) if ends else 0
    return head + struct.pack('>H', check) + payload


def tcp(source_port, destination_port, flags, seq=1, ack=0, payload=b'', options=b'', ends=(NEAR, FAR), check=None):
    words = 5 + len(options) // 4
    head = struct.pack('>HHIIBBH', source_port, destination_port, seq & 0xffffffff, ack & 0xffffffff,
                       words << 4, flags, 1000)
    rest = options + payload
    if check is None:
        whole = head + b'\0\0\0\0' + rest
        check = checksum(pseudo(*ends, 6, len(whole)) + whole)
    return head + struct.pack('>HH', check, 0) + rest


def icmp(kind, code, body=b'\0' * 4, check=None):
    head = struct.pack('>BB', kind, code)
    return head + struct.pack('>H', checksum(head + b'\0\0' + body) if check is None else check) + body


def icmp6(kind, code, body, source=NEAR6, destination=FAR6):
    whole = struct.pack('>BBH', kind, code, 0) + body
    return struct.pack('>BBH', kind, code, checksum(pseudo(source, destination, 58, len(whole)) + whole)) + body


def ethernet(payload, kind=0x0800, destination=FAR_MAC, tags=()):
    """`tags`: (type, id) of VLANs, the outer one first."""
    macs = b''.join(bytes.fromhex(mac.replace(':', '')) for mac in (destination, NEAR_MAC))
    return macs + b''.join(struct.pack('>HH', *tag) for tag in tags) + struct.pack('>H', kind) + payload


def put(frame, times=1, link='near0'):
    """Puts frames on the cable as they are."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind((link, 0))
        for _ in range(times):
            sender.send(frame)


def command(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, timeout=LIMIT_S).stdout


def until(what, holds):
    end = time.monotonic() + LIMIT_S
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.01)


libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


@contextlib.contextmanager
def inside_far():
    """What is opened here is in the namespace of the environment's FAR_PATH."""
    with open('/proc/self/ns/net') as near, open(os.environ['FAR_PATH']) as far:
        if libc.setns(far.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), 'setns')
        try:
            yield
        finally:
            libc.setns(near.fileno(), CLONE_NEWNET)


def far_socket(kind, port, host=FAR):
    with inside_far():
        one = socket.socket(socket.AF_INET, kind)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind((host, port))
    return one


def connected(port, source_port):
    """A connection from near to far: both ends, and nothing on its way."""
    listener = far_socket(socket.SOCK_STREAM, port)
    listener.listen(8)
    client = socket.socket()
    client.bind((NEAR, source_port))
    client.settimeout(LIMIT_S)
    client.connect((FAR, port))
    listener.settimeout(LIMIT_S)
    accepted = listener.accept()[0]
    listener.close()
    return client, accepted


def sequences(one):
    """What this end sends next, and what it waits for."""
    one.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    found = []
    for queue in (2, 1):
        one.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, queue)
        found.append(one.getsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ) & 0xffffffff)
    one.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, REPAIR_OFF_NO_PROBE)
    return found


def vanish(*sockets):
    """Closed without a word on the cable."""
    for one in sockets:
        one.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        one.close()


def cookie(one):
    return struct.unpack('Q', one.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8))[0]


def far_counter(file, group, name):
    """One counter of /proc/net/snmp or netstat in far."""
    with inside_far():
        lines = open(f'/proc/thread-self/net/{file}').read().splitlines()
    names, values = [line.split() for line in lines if line.startswith(group + ':')]
    return int(values[names.index(name)])


def drop_by_rule(hook, match):
    command('nft', 'add table inet by_rule')
    command('nft', 'add chain inet by_rule here { type filter hook %s priority 0; }' % hook)
    command('nft', 'add rule inet by_rule here %s counter drop' % match)


def dropped_by_rule():
    return int(re.search(r'counter packets (\d+)', command('nft', 'list', 'table', 'inet', 'by_rule')).group(1))


def settings(**values):
    """Settings of the namespace that this runs in: dots as double underscores, net.ipv4.ip_forward as ip_forward."""
    for name, value in values.items():
        with open('/proc/sys/net/ipv4/' + name.replace('__', '/'), 'w') as file:
            file.write(str(value))


def router(thin_mtu=1500, v6=False):
    """Far forwards to 10.78.0.0/24 or fd78::/64, on a cable of its own whose other end is far's too."""
    with inside_far():
        settings(ip_forward=1, conf__all__rp_filter=0, conf__far0__rp_filter=0)
        command('ip', 'link', 'add', 'thin0', 'type', 'veth', 'peer', 'name', 'thin1')
        for link in ('thin0', 'thin1'):
            command('ip', 'link', 'set', link, 'mtu', str(thin_mtu), 'up')
        if not v6:
            command('ip', 'address', 'add', '10.78.0.1/24', 'dev', 'thin0')
            return
        with open('/proc/sys/net/ipv6/conf/all/forwarding', 'w') as file:
            file.write('1')
        take_ipv6('fd78::1', 'thin0')


def take_ipv6(address, link):
    """The kernel makes the route to an address of its own some time after the command has ended."""
    with open('/proc/sys/net/ipv6/conf/' + link + '/disable_ipv6', 'w') as file:
        file.write('0')
    command('ip', '-6', 'address', 'add', address + '/64', 'dev', link, 'nodad')
    own = 'local ' + address + ' dev '
    until('the route to ' + address, lambda: own in command('ip', '-6', 'route', 'show', 'table', 'local'))


def use_ipv6():
    """Addresses and neighbours as IPv4 has them; nothing is asked on the cable."""
    take_ipv6(NEAR6, 'near0')
    command('ip', '-6', 'neighbour', 'replace', FAR6, 'lladdr', FAR_MAC, 'dev', 'near0', 'nud', 'permanent')
    with inside_far():
        take_ipv6(FAR6, 'far0')
        command('ip', '-6', 'neighbour', 'replace', NEAR6, 'lladdr', NEAR_MAC, 'dev', 'far0', 'nud', 'permanent')


def unacknowledged(one):
    """Segments that are on their way."""
    return struct.unpack('I', one.getsockopt(socket.IPPROTO_TCP, 11, 104)[24:28])[0]


def retransmits(one):
    """Segments that TCP has sent again, as it counts them."""
    return struct.unpack('I', one.getsockopt(socket.IPPROTO_TCP, 11, 104)[100:104])[0]


BPF, USERFAULTFD = (321, 323) if os.uname().machine == 'x86_64' else (280, 282)
SCHED_CLS, XDP, CGROUP_SKB = 3, 6, 8
CGROUP_EGRESS, XDP_HOOK, TCX_INGRESS, TCX_EGRESS = 1, 37, 46, 47
TC_SHOT, XDP_DROPS, GENERIC = 2, 1, 2


def system_call(number, *arguments):
    found = libc.syscall(number, *arguments)
    if found < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return found


def bpf(order, attributes):
    whole = ctypes.create_string_buffer(attributes, 128)
    return system_call(BPF, order, whole, len(whole))


def verdict(kind, hook, number):
    """A program that says the same number of every packet."""
    code = ctypes.create_string_buffer(struct.pack('<BBHiBBHi', 0xb7, 0, 0, number, 0x95, 0, 0, 0), 16)
    licence = ctypes.create_string_buffer(b'GPL')
    places = ctypes.addressof(code), ctypes.addressof(licence)
    return bpf(5, struct.pack('<IIQQIIQII16sII', kind, 2, *places, 0, 0, 0, 0, 0, b'', 0, hook))


def hang(program, target, hook, flags=0):
    """On an interface (its index) or a cgroup (a descriptor), as long as this process lives."""
    return bpf(28, struct.pack('<IIII', program, target, hook, flags))


@contextlib.contextmanager
def own_cgroup():
    """This process in a cgroup of its own; its descriptor."""
    root = next(line.split()[4] for line in open('/proc/self/mountinfo') if ' - cgroup2 ' in line)
    before = next(line.strip()[3:] for line in open('/proc/self/cgroup') if line.startswith('0::'))
    folder = f'{root}/weir-frames-{os.getpid()}'

    def move(to):
        with open(to + '/cgroup.procs', 'w') as file:
            file.write(str(os.getpid()))
    os.mkdir(folder)
    try:
        move(folder)
        yield os.open(folder, os.O_RDONLY)
    finally:
        move(root + before)
        os.rmdir(folder)


def stuck_reader(one):
    """A thread that reads into memory which is not there yet, and so has the socket; gives what lets it go on."""
    import fcntl
    import mmap
    import select
    import threading
    memory = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    place = ctypes.addressof(ctypes.c_char.from_buffer(memory)), mmap.PAGESIZE
    faults = system_call(USERFAULTFD, os.O_CLOEXEC | os.O_NONBLOCK)
    fcntl.ioctl(faults, 0xc018aa3f, struct.pack('QQQ', 0xaa, 0, 0))
    fcntl.ioctl(faults, 0xc020aa00, struct.pack('QQQQ', *place, 1, 0))
    reader = threading.Thread(target=one.recv_into, args=(memory,))
    reader.start()
    if not select.select([faults], [], [], LIMIT_S)[0]:
        raise TimeoutError('the reader to stand still')

    def go_on():
        fcntl.ioctl(faults, 0xc020aa04, struct.pack('QQQq', *place, 0, 0))
        reader.join()
    return go_on
