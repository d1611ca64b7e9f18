"""What a database must be at, computed from its files alone, independently of the program.

The image of a database is its file overlaid with the committed frames of its WAL, as SQLite's own
recovery reads them. The position's checksum must be the rolling checksum of that image.
"""

import contextlib
import ctypes
import os
import sqlite3
import struct

import support

JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
EMPTY_CHECKSUM = 1 << 63
_native = None


def native():
    global _native
    if _native is None:
        _native = ctypes.CDLL(str(support.HELPERS / "libpage_sums.so"))
        for function in (_native.crc64, _native.rolling_checksum):
            function.restype = ctypes.c_uint64
        if _native.crc64(b"123456789", ctypes.c_size_t(9)) != 0xB90956C775A41001:
            raise AssertionError("the helper computes another CRC")
    return _native


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def wal_frames(wal):
    """Committed frames: (page size, [(page number, page)], pages after the last commit)."""
    if len(wal) < 32:
        return 0, [], 0
    magic, _, page_bytes, _, salt1, salt2, sum1, sum2 = struct.unpack(">8I", wal[:32])
    if magic & ~1 != 0x377F0682:
        return 0, [], 0
    s0, s1 = ctypes.c_uint32(0), ctypes.c_uint32(0)

    def add(data):
        native().wal_checksum(data, ctypes.c_size_t(len(data)), magic & 1, ctypes.byref(s0),
                              ctypes.byref(s1))
        return s0.value, s1.value
    if add(wal[:24]) != (sum1, sum2):
        return 0, [], 0
    frames, committed, pages = [], 0, 0
    for at in range(32, len(wal) - 24 - page_bytes + 1, 24 + page_bytes):
        head = struct.unpack(">6I", wal[at:at + 24])
        page = wal[at + 24:at + 24 + page_bytes]
        add(wal[at:at + 8])
        if head[2:4] != (salt1, salt2) or add(page) != head[4:6] or head[0] == 0:
            break
        frames.append((head[0], page))
        if head[1]:
            committed, pages = len(frames), head[1]
    return page_bytes, frames[:committed], pages


def image(folder):
    """(page size, bytes) of the database in a folder of the data folder; (0, b"") if empty."""
    data = read(folder / "database")
    page_bytes, frames, pages = wal_frames(read(folder / "wal"))
    if not frames:
        if len(data) < 100:
            return 0, b""
        page_bytes = struct.unpack(">H", data[16:18])[0]
        page_bytes = 65536 if page_bytes == 1 else page_bytes
        counter, valid_for = data[24:28], data[92:96]
        pages = struct.unpack(">I", data[28:32])[0] if counter == valid_for else 0
        pages = pages or len(data) // page_bytes
        pages = max(pages, 1)  # SQLite takes what a single page lacks for zeros
        return page_bytes, data[:pages * page_bytes].ljust(page_bytes, b"\0")
    whole = bytearray(data[:pages * page_bytes].ljust(pages * page_bytes, b"\0"))
    for number, page in frames:
        if number <= pages:
            whole[(number - 1) * page_bytes:number * page_bytes] = page
    return page_bytes, bytes(whole)


def checksum(folder):
    page_bytes, data = image(folder)
    if not data:
        return EMPTY_CHECKSUM
    return native().rolling_checksum(data, page_bytes, len(data) // page_bytes)


class Database:
    """A database of a node, with what is expected of its position."""

    def __init__(self, node, name):
        self.node = node
        self.name = name
        self.path = node.path(name)

    def open(self, **options):
        """A connection; statements commit by themselves."""
        return sqlite3.connect(self.path, isolation_level=None, timeout=30, **options)

    def connect(self, **options):
        """The same for a `with`, which closes it at its end."""
        return contextlib.closing(self.open(**options))

    def txid(self):
        return self.node.txid(self.name)

    @contextlib.contextmanager
    def moves(self, *by):
        """The position moves by exactly so many transactions (or one of several numbers)."""
        before = self.txid()
        yield
        by = by or (1,)
        support.wait_until(lambda: self.txid() - before >= min(by) and self.is_captured(),
                           f"{self.name} moves by {by}, to what the files hold")
        moved = self.txid() - before
        if moved not in by:
            raise AssertionError(f"{self.name}: {moved} transactions instead of {by}")

    def is_captured(self):
        """The position's checksum is that of the files. A journal in force says that they are not
        what they will be."""
        if read(self.node.files(self.name) / "journal")[:8] == JOURNAL_MAGIC:
            return True
        txid, actual = self.node.position(self.name)
        return txid == 0 or actual == checksum(self.node.files(self.name))

    def check_position(self):
        try:
            # What no journal marks as committed is captured a moment later.
            support.wait_until(self.is_captured, "")
        except AssertionError:
            txid, actual = self.node.position(self.name)
            expected = checksum(self.node.files(self.name))
            raise AssertionError(f"{self.name}: position {txid:016x}/{actual:016x}, but the files "
                                 f"have {expected:016x}") from None

    def check(self, connection=None):
        """Position, and SQLite's own check."""
        self.check_position()
        if connection is not None:
            return self.check_integrity(connection)
        with self.connect() as own:
            self.check_integrity(own)

    def check_integrity(self, connection):
        result = connection.execute("pragma integrity_check").fetchall()
        if result != [("ok",)]:
            raise AssertionError(f"{self.name}: {result[:5]}")


def restart_unchanged(node, names):
    """A clean restart finds nothing to recover, at the same positions."""
    before = {name: node.position(name) for name in names}
    log_before = len(node.log())
    node.restart()
    after = {name: node.position(name) for name in names}
    if before != after:
        raise AssertionError(f"positions after a restart {after} instead of {before}")
    log = node.log()[log_before:]
    for key in ("recovered:", "database-broken:"):
        if key in log:
            raise AssertionError(f"a clean restart had to recover:\n{log}")
    for name in names:
        Database(node, name).check_position()


def only_files(node):
    return sorted(os.listdir(node.mount))
