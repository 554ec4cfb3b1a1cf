"""Reads a study's raw log, as docs/raw-log.md specifies it, without dexetl, and
checks every checksum that the format has. Prints a line per answer, with the
SHA-256 of its plain body, or, of the answer at a log_position, the body itself
and on stderr the header.

    read_raw.py LAKE/raw [1:2480674]
"""

import gzip
import hashlib
import json
import struct
import sys
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa

TEXTS = "request_id run_id participant_id connection_id resource beat encoding sha256".split()
TIMES = "server_date window_start window_end last_sync".split()


def crc32c(data):
    table = crc32c.table
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


crc32c.table = []
for n in range(256):
    for _ in range(8):
        n = (n >> 1) ^ (0x82F63B78 if n & 1 else 0)
    crc32c.table.append(n)


def check(crc, data, what):
    if crc32c(data) != crc:
        sys.exit(f"{what}: checksum does not match")


def unzstd(data):
    return pa.CompressedInputStream(pa.BufferReader(data), "zstd").read()


def with_ids(span):
    """Content of a span: every zero byte is the next id, if there are any."""
    head = Bytes(span)
    ids = [str(uuid.UUID(bytes=head.take(16))).encode() for _ in range(head.uvarint())]
    rest = head.data[head.at :]
    if not ids:
        return rest
    parts = rest.split(b"\0")
    return parts[0] + b"".join(id + part for id, part in zip(ids, parts[1:], strict=True))


class Bytes:
    """Reads what the format is made of, from the front."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        self.at += n
        return self.data[self.at - n : self.at]

    def uvarint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def varint(self):
        n = self.uvarint()
        return n >> 1 ^ -(n & 1)


class Column:
    def __init__(self, index):
        self.numbers = Bytes(index.take(index.uvarint()))
        self.texts = Bytes(index.take(index.uvarint()))
        self.known = []

    def number(self):
        return self.numbers.varint()

    def text(self):
        place = self.numbers.uvarint()
        if place == 0:
            self.known.append(self.texts.take(self.texts.uvarint()).decode())
        return self.known[place - 1]

    def time(self, since):
        v = self.number()
        if v == 0:
            return None
        step = timedelta(seconds=(v - 1) // 2) if v % 2 else timedelta(microseconds=v // 2)
        return since.replace(microsecond=0) + step


def received(path, only):
    """Entries of a segment of format 1 or 3: offset, header, plain body; of an erased
    answer the body is None."""
    data, at = path.read_bytes(), only or 24
    while at + 24 <= len(data):
        magic, h, b, header_crc, body_crc, crc = struct.unpack_from("<4s5I", data, at)
        check(crc, data[at : at + 20], f"{path} at {at}")
        if magic == b"dxEO":
            return
        header, body = data[at + 24 : at + 24 + h], data[at + 24 + h : at + 24 + h + b]
        check(header_crc, header, f"{path} header at {at}")
        check(body_crc, body, f"{path} body at {at}")
        header = json.loads(header)
        if magic == b"dxER":
            if body.strip(b"\0"):
                sys.exit(f"{path} at {at}: not erased")
            yield at, header, None
            at += 24 + h + b
            continue
        plain = gzip.decompress(body) if header["encoding"] == "gzip" else unzstd(body)
        if hashlib.sha256(body if header["encoding"] == "gzip" else plain).hexdigest() != header["sha256"]:
            sys.exit(f"{path} at {at}: not the body that was received")
        yield at, header, plain
        at += 24 + h + b


def compacted(path, only):
    """Entries of a segment of format 2 or 4; the body of a dropped or erased one is None."""
    data = path.read_bytes()
    magic, offset, length, index_crc, crc = struct.unpack("<4sQ3I", data[-24:])
    if magic != b"dxCF":
        sys.exit(f"{path}: does not end here")
    check(crc, data[-24:-4], f"{path} foot")
    check(index_crc, data[offset : offset + length], f"{path} index")
    index = Bytes(unzstd(data[offset : offset + length]))
    index.uvarint(), index.take(32)  # length and SHA-256 of the segment it stands for
    spans, at = [b""], 24
    for stored, plain, crc in [(index.uvarint(), index.uvarint(), index.uvarint()) for _ in range(index.uvarint())]:
        check(crc, data[at : at + stored], f"{path} span at {at}")
        spans.append(with_ids(unzstd(data[at : at + stored])))
        at += stored
        if len(spans[-1]) != plain:
            sys.exit(f"{path} span: length differs")
    count = index.uvarint()
    column = [Column(index) for _ in range(23)]
    at, asked = 24, datetime(1, 1, 1, tzinfo=timezone.utc)
    for _ in range(count):
        length = column[0].number()
        header = {name: column[1 + i].text() for i, name in enumerate(TEXTS)}
        header["asked_at"] = asked = column[9].time(asked)
        header |= {name: column[10 + i].time(asked) for i, name in enumerate(TIMES)}
        header |= {name: column[14 + i].number() for i, name in enumerate(["status", "length", "records"])}
        span, _, crc, runs = (column[i].number() for i in range(17, 21))
        body, end = [], 0
        for _ in range(runs):
            start = end + column[21].number()
            end = start + column[22].number()
            body.append(spans[span][start:end])
        if only in (None, at):
            body = b"".join(body)
            if span > 0:
                check(crc, body, f"{path} body at {at}")
            yield at, header, body if span > 0 else None
        at += length


def answers(folder, segment=None, offset=None):
    """Position, header and plain body of every answer in log order, or of the
    one at a position."""
    for path in sorted(Path(folder).glob("*/*/*.seg"), key=lambda p: p.name):
        with open(path, "rb") as file:
            head = file.read(24)
        magic, version, number, crc = struct.unpack("<8sIQI", head)
        if magic != b"dexetlog" or version not in (1, 2, 3, 4) or number != int(path.stem):
            sys.exit(f"{path}: no segment of this number that this program can read")
        check(crc, head[:20], path)
        if segment in (None, number):
            for at, header, body in (received if version % 2 else compacted)(path, offset):
                yield f"{number}:{at}", header, body


def show(folder, position):
    for found, header, body in answers(folder, *map(int, position.split(":"))):
        if found == position:
            print(json.dumps(header, indent=1, default=str), file=sys.stderr)
            if body is None:
                sys.exit("its body is gone: compaction dropped it, because it said nothing new, or it was erased")
            return sys.stdout.buffer.write(body)
    sys.exit(f"no answer begins at {position}")


def main(folder, position=None):
    if position:
        return show(folder, position)
    kept = dropped = 0
    for found, header, body in answers(folder):
        kept, dropped = kept + (body is not None), dropped + (body is None)
        what = "gone" if body is None else hashlib.sha256(body).hexdigest()
        print(found, header["request_id"], header["participant_id"], header["resource"], header["records"], what)
    print(f"{kept} answers with their bodies, {dropped} without", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
