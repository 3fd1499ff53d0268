"""The machine's COM2 as a TCP port that gdb can attach to, again and again: a machine has one line,
which begins when it is switched on, and gdb comes and goes."""

import select
import socket
import threading

CHUNK = 1 << 16


class GdbLine:
    """Listens for the emulator (`emulator`, an address) and for gdb (`port`). What gdb says is passed
    on from ready() on, when somebody reads COM2; what the machine says while no gdb is there is
    dropped."""

    def __init__(self, port=0):
        self.machines = socket.create_server(("127.0.0.1", 0), backlog=1)
        self.gdbs = socket.create_server(("127.0.0.1", port), backlog=4)
        self.wake, self.woken = socket.socketpair()
        self.is_ready = self.is_over = False
        self.machine = self.gdb = None
        self.thread = threading.Thread(target=self.pass_on, daemon=True)
        self.thread.start()

    @property
    def emulator(self):
        return "{}:{}".format(*self.machines.getsockname())

    @property
    def port(self):
        return self.gdbs.getsockname()[1]

    def ready(self):
        if not self.is_ready:
            self.is_ready = True
            self.wake.send(b"r")

    def close(self):
        self.is_over = True
        self.wake.send(b"o")
        self.thread.join()
        for each in (self.machines, self.gdbs, self.wake, self.woken, self.machine, self.gdb):
            if each:
                each.close()

    def watched(self):
        """All that may bring something; gdb waits in the queue until it may speak."""
        found = [self.woken, self.machine or self.machines]
        if self.machine and self.is_ready:
            found.append(self.gdb or self.gdbs)
        return found

    def pass_on(self):
        while not self.is_over:
            for each in select.select(self.watched(), [], [])[0]:
                if each is self.woken:
                    each.recv(1)
                elif each is self.machines:
                    self.machine = each.accept()[0]
                    self.machine.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                elif each is self.gdbs:
                    self.gdb = each.accept()[0]
                    self.gdb.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                elif each is self.machine:
                    self.carry(self.machine, self.gdb)
                elif each is self.gdb:
                    self.carry(self.gdb, self.machine)

    def carry(self, source, target):
        try:
            data = source.recv(CHUNK)
        except OSError:
            data = b""
        if not data:
            self.hang_up(source)
            return
        try:
            if target:
                target.sendall(data)
        except OSError:
            self.hang_up(target)

    def hang_up(self, line):
        """gdb may come again; a machine that has ended does not, and gdb is told."""
        if self.gdb and line in (self.gdb, self.machine):
            self.gdb.close()
            self.gdb = None
        if line is self.machine:
            self.is_over = True
