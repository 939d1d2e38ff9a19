#!/usr/bin/env python3
"""Two network devices with a wire between them that takes its time: what goes in at one comes out of the other so many milliseconds later.

usage: wire.py NAME NAME MILLISECONDS

Makes both devices (root is needed), says "ready", and forwards until it is ended; they end with it. Move them into two network namespaces, give
them addresses, and two processes on one machine are two hosts. For kernels without tc's netem.
"""
import collections, fcntl, os, select, struct, sys, time

SET_INTERFACE, TUN, NO_HEADER = 0x400454CA, 0x0001, 0x1000


def device(name):
    file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(file, SET_INTERFACE, struct.pack("16sH", name.encode(), TUN | NO_HEADER))
    return file


def write(file, packet):
    try:
        os.write(file, packet)
    except OSError:
        pass  # the other end is down: the packet is lost, as on any wire


ends = [device(name) for name in sys.argv[1:3]]
delay = float(sys.argv[3]) / 1000
on_the_way = collections.deque()
print("ready", flush=True)
while True:
    wait = max(0, on_the_way[0][0] - time.monotonic()) if on_the_way else None
    for end in select.select(ends, [], [], wait)[0]:
        try:
            while True:
                on_the_way.append((time.monotonic() + delay, ends[1 - ends.index(end)], os.read(end, 1 << 16)))
        except OSError:
            pass  # nothing more, or the device is down
    while on_the_way and on_the_way[0][0] <= time.monotonic():
        _, end, packet = on_the_way.popleft()
        write(end, packet)
