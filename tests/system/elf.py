"""Just enough of the ELF64 format to ask the hypervisor's image for its sections and symbols."""

import struct


class Elf:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        assert self.data[:6] == b"\x7fELF\x02\x01", f"{path}: not a little-endian ELF64"
        offset, size, count, names = (
            *struct.unpack_from("<Q", self.data, 0x28),
            *struct.unpack_from("<HHH", self.data, 0x3A),
        )
        headers = [
            struct.unpack_from("<IIQQQQIIQQ", self.data, offset + i * size) for i in range(count)
        ]
        self.headers = {self.string(headers[names], header[0]): header for header in headers}

    def string(self, table, offset):
        start = table[4] + offset
        return self.data[start : self.data.index(b"\0", start)].decode("ascii")

    def section(self, name):
        """The addresses of a section, as a range."""
        header = self.headers[name]
        return range(header[3], header[3] + header[5])

    def symbols(self):
        """Every named symbol's value."""
        table, names = self.headers[".symtab"], self.headers[".strtab"]
        entries = struct.iter_unpack("<IBBHQQ", self.data[table[4] : table[4] + table[5]])
        return {self.string(names, name): value for name, _, _, _, value, _ in entries if name}
