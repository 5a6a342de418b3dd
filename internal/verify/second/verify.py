#!/usr/bin/env python3
"""Verifies an Exhibit bundle, version 2, with nothing but Python's standard library.

Written from the document FORMAT.md, which every bundle contains, so that a
mistake of the program that makes bundles is not repeated here. It does not
compile rules, so it does not assess anew (section 9 of the document).

    python3 verify.py BUNDLE [--key exhibit.pub] [--against CHECKPOINT]

Prints one line for each thing that held, and the first that does not. Exit
status: 0 everything held, 12 something does not, 2 it could not be checked.
"""

import base64
import binascii
import datetime
import hashlib
import json
import re
import struct
import sys
import xml.etree.ElementTree as ET
import zlib


class Failure(Exception):
    """The first thing that does not hold."""


def fail(file, place, expected, found):
    found = repr(found) if not isinstance(found, str) else found
    raise Failure(f"{file}, {place}: expected {expected}, found {found[:160]}")


def plain(s):
    """A text of somebody else's on one line, without what a terminal would obey."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in s)


# --- section 3: the container -------------------------------------------------

NAME = re.compile(r"[A-Za-z0-9._\-+\[\]/]{1,240}\Z")
BIG = 0xFFFFFFFF


class Entry:
    def __init__(self, name, method, crc, packed, size, offset):
        self.name, self.method, self.crc = name, method, crc
        self.packed, self.size, self.offset = packed, size, offset

    def local(self):
        big = self.packed >= BIG or self.size >= BIG
        extra = struct.pack("<HHQQ", 1, 16, self.size, self.packed) if big else b""
        sizes = (BIG, BIG) if big else (self.packed, self.size)
        return struct.pack("<IHHHHHIIIHH", 0x04034B50, 45 if big else 20, 0, self.method, 0, 0x21, self.crc,
                           *sizes, len(self.name), len(extra)) + self.name.encode() + extra

    def central(self):
        wide, shown = b"", []
        for v in (self.size, self.packed, self.offset):
            if v >= BIG:
                wide += struct.pack("<Q", v)
            shown.append(min(v, BIG))
        if self.packed >= BIG or self.size >= BIG:  # both, as in the local header
            wide = struct.pack("<QQ", self.size, self.packed) + (struct.pack("<Q", self.offset) if self.offset >= BIG else b"")
            shown[0] = shown[1] = BIG
        extra = struct.pack("<HH", 1, len(wide)) + wide if wide else b""
        return struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 45 if wide else 20, 0, self.method, 0, 0x21, self.crc,
                           shown[1], shown[0], len(self.name), len(extra), 0, 0, 0, 0, shown[2]) + self.name.encode() + extra


class Container:
    """A zip archive of the one form; entries by name, in order."""

    def __init__(self, src, base, length, what):
        self.src, self.base, self.length, self.what = src, base, length, what
        self.entries = self._directory()
        self._contiguous()

    def _at(self, offset, n):
        if offset < 0 or n < 0 or offset + n > self.length:
            fail(self.what, f"byte {offset}", f"{n} bytes", "the end")
        self.src.seek(self.base + offset)
        b = self.src.read(n)
        if len(b) != n:
            fail(self.what, f"byte {offset}", f"{n} bytes", f"{len(b)}")
        return b

    def _directory(self):
        end = self._at(self.length - 22, 22)
        sig, d1, d2, n1, n2, size, start, comment = struct.unpack("<IHHHHIIH", end)
        if sig != 0x06054B50 or d1 or d2 or n1 != n2 or comment:
            fail(self.what, "end", "an end record without comment", "another")
        stop = self.length - 22
        if n1 == 0xFFFF or size == BIG or start == BIG:
            lsig, disk, at, disks = struct.unpack("<IIQI", self._at(stop - 20, 20))
            stop -= 76
            rec = struct.unpack("<IQHHIIQQQQ", self._at(stop, 56))
            if lsig != 0x07064B50 or disk or disks != 1 or at != stop or rec[:6] != (0x06064B50, 44, 45, 45, 0, 0) or rec[6] != rec[7]:
                fail(self.what, "end", "a ZIP64 end record of the one form", "another")
            wide = rec[7:10]
            if (n1, size, start) != (0xFFFF, BIG, BIG):
                fail(self.what, "end", "an end record that is saturated", "another")
            n1, size, start = wide
            if n1 < 0xFFFF and size < BIG and start < BIG:
                fail(self.what, "end", "ZIP64 only where it is needed", "more")
        if start + size != stop:
            fail(self.what, "end", "a directory that ends at the end record", "another")
        out, at, names = [], start, set()
        for i in range(n1):
            e, used = self._central(at, i)
            if e.name in names:
                fail(self.what, e.name, "each name once", "twice")
            names.add(e.name)
            out.append(e)
            at += used
        if at != stop:
            fail(self.what, "directory", "as many entries as the end record says", "others")
        self.start = start
        return out

    def _central(self, at, i):
        head = self._at(at, 46)
        f = struct.unpack("<IHHHHHHIIIHHHHHII", head)
        raw, extra = self._at(at + 46, f[10]), self._at(at + 46 + f[10], f[11])
        try:
            name = raw.decode("ascii")
        except UnicodeDecodeError:
            fail(self.what, f"entry {i}", "an ASCII name", repr(raw))
        if not NAME.match(name) or any(p in ("", ".", "..") for p in name.split("/")):
            fail(self.what, f"entry {i}", "a relative name of the characters allowed", name)
        packed, size, offset = f[8], f[9], f[16]
        if extra:
            if len(extra) < 4 or struct.unpack("<HH", extra[:4]) != (1, len(extra) - 4):
                fail(self.what, name, "no extra field but the ZIP64 one", "another")
            wide = extra[4:]
            for key in ("size", "packed", "offset"):
                if {"size": size, "packed": packed, "offset": offset}[key] == BIG and len(wide) >= 8:
                    v, wide = struct.unpack("<Q", wide[:8])[0], wide[8:]
                    size, packed, offset = (v if key == "size" else size, v if key == "packed" else packed, v if key == "offset" else offset)
        e = Entry(name, f[4], f[7], packed, size, offset)
        if e.method not in (0, 8):
            fail(self.what, name, "stored or deflated", f"method {e.method}")
        if e.central() != head + raw + extra:
            fail(self.what, name, "a directory entry of the one form", "another")
        return e, 46 + f[10] + f[11]

    def _contiguous(self):
        at = 0
        for e in self.entries:
            want = e.local()
            if e.offset != at or self._at(at, len(want)) != want:
                fail(self.what, e.name, f"a local header of the one form at byte {at}", "another")
            e.data = at + len(want)
            at = e.data + e.packed
        if at != self.start:
            fail(self.what, "directory", f"right behind the last entry, at byte {at}", f"byte {self.start}")

    def chunks(self, e, seen):
        """Yields the content; seen gets the digests when all of it was read."""
        if e.size > 16 << 20 and e.size > 400 * max(e.packed, 1):
            fail(self.what, e.name, "at most 400 times its packed size", f"{e.size} bytes from {e.packed}")
        packed, whole, crc, n = hashlib.sha256(), hashlib.sha256(), 0, 0
        inflate = zlib.decompressobj(-15) if e.method == 8 else None
        left, at = e.packed, e.data
        try:
            while left or (inflate is not None and not inflate.eof):
                if inflate is None or not inflate.unconsumed_tail:
                    if not left:
                        break
                    raw = self._at(at, min(left, 1 << 16))
                    at, left = at + len(raw), left - len(raw)
                    packed.update(raw)
                else:
                    raw = inflate.unconsumed_tail
                if inflate is None:
                    out = raw
                else:
                    if inflate.eof:
                        fail(self.what, e.name, "packed data that ends where the content ends", "more")
                    out = inflate.decompress(raw, 1 << 20)
                n += len(out)
                if n > e.size:
                    fail(self.what, e.name, f"{e.size} bytes", "more")
                whole.update(out)
                crc = zlib.crc32(out, crc)
                if out:
                    yield out
            if inflate is not None and (not inflate.eof or inflate.unused_data or inflate.unconsumed_tail):
                fail(self.what, e.name, "packed data that ends where the content ends", "another end")
        except zlib.error as err:
            fail(self.what, e.name, "deflated data", str(err))
        if n != e.size or crc != e.crc:
            fail(self.what, e.name, "the size and checksum of its header", "others")
        seen["sha256"], seen["packed"] = whole.hexdigest(), packed.hexdigest()

    def read(self, e, limit=1 << 31):
        if e.size > limit:
            fail(self.what, e.name, f"at most {limit} bytes", str(e.size))
        seen = {}
        b = b"".join(self.chunks(e, seen))
        return b, seen


# --- Ed25519 (RFC 8032) ---------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
I = pow(2, (P - 1) // 4, P)


def _recover(y, sign):
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if x2 == 0:
        return None if sign else 0
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * I % P
    if (x * x - x2) % P:
        return None
    return P - x if (x & 1) != sign else x


def _add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def _mul(s, p):
    q = (0, 1, 1, 0)
    while s:
        if s & 1:
            q = _add(q, p)
        p, s = _add(p, p), s >> 1
    return q


def _point(b):
    v = int.from_bytes(b, "little")
    y, sign = v & ((1 << 255) - 1), v >> 255
    x = _recover(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


_GY = 4 * pow(5, P - 2, P) % P
_GX = _recover(_GY, 0)
G = (_GX, _GY, 1, _GX * _GY % P)


def ed25519(public, message, signature):
    """Reports whether signature is public's over message."""
    a, r = _point(public), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = _mul(s, G), _add(r, _mul(h, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# --- notes, keys and seals (section 4) ------------------------------------------

def b64(text, file, place):
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        fail(file, place, "base64", text)
    if base64.b64encode(raw).decode() != text:
        fail(file, place, "base64 in its only form", text)
    return raw


class Key:
    def __init__(self, line, file):
        m = re.match(r"([^\s+]+)\+([0-9a-f]{8})\+(\S+)\Z", line)
        if not m:
            fail(file, "key", "name+hash+key", line)
        self.line, self.name = line, m[1]
        raw = b64(m[3], file, "key")
        if len(raw) != 33 or raw[0] != 1:
            fail(file, "key", "an Ed25519 key", m[3])
        self.public = raw[1:]
        self.hash = hashlib.sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        if self.hash.hex() != m[2]:
            fail(file, "key", "the hash " + self.hash.hex(), m[2])


def open_note(msg, key, file, only):
    """Returns the text of a note that key signed. With only, by nobody else."""
    try:
        text, sigs = msg.decode("utf-8").split("\n\n", 1) if only else msg.decode("utf-8").rsplit("\n\n", 1)
    except (UnicodeDecodeError, ValueError):
        fail(file, "note", "text, an empty line, signatures", "another form")
    text += "\n"
    lines = sigs.split("\n")
    if lines[-1] != "" or len(lines) < 2 or (only and len(lines) != 2):
        fail(file, "signatures", "one line each" + (", one" if only else ""), str(len(lines) - 1))
    good = False
    for line in lines[:-1]:
        m = re.match("\u2014 (\\S+) (\\S+)\\Z", line)
        if not m:
            fail(file, "signature", "\u2014 name signature", line)
        raw = b64(m[2], file, "signature")
        if m[1] == key.name and raw[:4] == key.hash:
            if len(raw) != 68 or not ed25519(key.public, text.encode(), raw[4:]):
                fail(file, "signature", "a signature by " + key.name, "one that does not hold")
            good = True
        elif only:
            fail(file, "signature", "a signature by " + key.name, m[1])
    if not good:
        fail(file, "signature", "a signature by " + key.name, "none")
    return text


class Seal:
    def __init__(self, msg, key, of, file):
        text = open_note(msg, key, file, True)
        lines = text.split("\n")
        if lines[-1] != "" or lines[0] != "exhibit seal v1" or lines[1] != "of: " + of or lines[2] != "key: " + key.line:
            fail(file, "text", f"a seal of a {of} by its key", text[:80])
        self.facts, i = {}, 3
        while not lines[i].startswith("parts: "):
            k, sep, v = lines[i].partition(": ")
            if not sep or k in self.facts or i + 2 >= len(lines):
                fail(file, "facts", "facts, each once", lines[i])
            self.facts[k] = v
            i += 1
        self.parts = []
        for line in lines[i + 1:-1]:
            f = line.split(" ")
            if len(f) != 5 or str(int(f[2])) != f[2] or str(int(f[3])) != f[3]:
                fail(file, "parts", "digests, sizes and a name", line)
            self.parts.append((f[4], f[0], f[1], int(f[2]), int(f[3])))
        if lines[i] != f"parts: {len(self.parts)}":
            fail(file, "parts", lines[i], str(len(self.parts)))


# --- JSON (RFC 8785) ------------------------------------------------------------

def _whole(v):
    """The value with U+FFFD for each half of a surrogate pair."""
    if isinstance(v, str):
        return re.sub("[\ud800-\udfff]", "\ufffd", v)
    return [_whole(e) for e in v] if isinstance(v, list) else v


def _pairs(pairs):
    out = {}
    for k, v in pairs:
        k, v = _whole(k), _whole(v)
        if k in out:
            raise ValueError(f"member {k!r} twice")
        out[k] = v
    if len({k.lower() for k in out}) != len(out):
        raise ValueError("members that differ only in case")
    return out


def _constant(name):
    raise ValueError(name)


def _unsigned(digits):
    if digits == "-0":
        raise ValueError("a number of 0 with a sign")
    return int(digits)


def parse(b, file, place):
    try:
        return json.loads(b.decode("utf-8"), object_pairs_hook=_pairs, parse_constant=_constant, parse_int=_unsigned if file == "manifest.json" else int)
    except (ValueError, RecursionError) as err:
        fail(file, place, "JSON without repeated members", str(err))


def _number(v):
    f = float(v)
    if f != f or f in (float("inf"), float("-inf")):
        raise ValueError("not a number")
    if f == 0:
        return "0"
    digits, _, exp = repr(f).lower().partition("e")
    if not exp and digits.endswith(".0"):
        digits = digits[:-2]
    if exp or abs(f) >= 1e16:
        sign = "-" if f < 0 else ""
        mantissa = digits.lstrip("-")
        whole, _, frac = mantissa.partition(".")
        e = int(exp or 0) + len(whole) - 1
        all_digits = (whole + frac).rstrip("0") or "0"
        if 0 <= e < 21:
            return sign + all_digits.ljust(e + 1, "0")[: e + 1] + ("." + all_digits[e + 1:] if len(all_digits) > e + 1 else "")
        if -7 < e < 0:
            return sign + "0." + "0" * (-e - 1) + all_digits
        return sign + all_digits[0] + ("." + all_digits[1:] if len(all_digits) > 1 else "") + "e" + ("+" if e >= 0 else "-") + str(abs(e))
    return digits


_ESCAPE = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}


def _string(s):
    return '"' + "".join(_ESCAPE.get(ord(c)) or (c if c >= " " else f"\\u{ord(c):04x}") for c in s) + '"'


def canonical(v):
    if v is None or v is True or v is False:
        return {None: "null", True: "true", False: "false"}[v]
    if isinstance(v, str):
        return _string(v)
    if isinstance(v, (int, float)):
        return _number(v)
    if isinstance(v, list):
        return "[" + ",".join(map(canonical, v)) + "]"
    keys = sorted(v, key=lambda k: k.encode("utf-16-be", "surrogatepass"))
    return "{" + ",".join(_string(k) + ":" + canonical(v[k]) for k in keys) + "}"


def canonical_object(b, file, place):
    v = parse(b, file, place)
    try:
        same = isinstance(v, dict) and canonical(v).encode("utf-8") == b
    except (ValueError, OverflowError):
        same = False
    if not same:
        fail(file, place, "a JSON object in canonical form", b[:80].decode("utf-8", "replace"))
    return v


def natural(v, file, place):
    if type(v) is not int or v < 0:
        fail(file, place, "a number of 0 or more", repr(v))
    return v


def when(text, file, place):
    m = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?Z\Z", text, re.A) if isinstance(text, str) else None
    if not m:
        fail(file, place, "a time, RFC 3339, UTC", text)
    try:
        t = datetime.datetime.fromisoformat(m[1] + "+00:00")
    except ValueError:
        fail(file, place, "a time", text)
    seconds = (t - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(seconds=1)
    return seconds, int((m[2] or ".").ljust(10, "0")[1:])


def stamp(text, file, place):
    """A time in an entry line: six decimals, no more and no fewer."""
    if not isinstance(text, str) or len(text) != 27:
        fail(file, place, "a time with six decimals", str(text))
    return when(text, file, place)


# --- the tree (sections 1 and 5) -------------------------------------------------

def node(a, b):
    return hashlib.sha256(b"\x01" + a + b).digest()


class Tree:
    def __init__(self):
        self.stack, self.size = [], 0

    def push(self, level, h):
        if self.size % (1 << level):
            raise ValueError("not at its place")
        self.stack.append((level, h))
        self.size += 1 << level
        while len(self.stack) > 1 and self.stack[-1][0] == self.stack[-2][0]:
            (_, right), (level, left) = self.stack.pop(), self.stack.pop()
            self.stack.append((level + 1, node(left, right)))

    def root(self):
        if not self.stack:
            return hashlib.sha256(b"").digest()
        h = self.stack[-1][1]
        for _, left in reversed(self.stack[:-1]):
            h = node(left, h)
        return h


def consistent(old, old_root, new, new_root, proof):
    """RFC 6962, section 2.1.4: does proof lead from one root to the other?"""
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof
    proof = list(proof)
    if old & (old - 1) == 0:
        proof.insert(0, old_root)
    if not proof:
        return False
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for c in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == new_root


class Checkpoint:
    def __init__(self, msg, key, file):
        lines = open_note(msg, key, file, False).split("\n")
        if len(lines) < 4 or lines[3:] != [""] or not re.match(r"(0|[1-9]\d{0,17})\Z", lines[1]):
            fail(file, "text", "origin, size and root", "\n".join(lines)[:80])
        self.origin, self.size, self.root = lines[0], int(lines[1]), lines[2]
        self.hash = b64(lines[2], file, "root")
        if self.origin != key.name or len(self.hash) != 32:
            fail(file, "text", "a checkpoint of " + key.name, self.origin)


# --- the bundle -------------------------------------------------------------------

FIXED = ["FORMAT.md", "README.txt", "assessment.json", "checkpoint.note", "exhibit.pub", "exhibit.xlsx", "ledger/cover.txt",
         "ledger/entries.jsonl", "redacted.jsonl", "request.json", "sums.sha256"]
EVIDENCE = re.compile(r"evidence/([0-9a-f]{64})\.json\Z")
RULE = re.compile(r"rules/(catalog|kinds|expectations|crosswalk|own)/(?!\.)[A-Za-z0-9._\-]{1,100}\.yaml\Z")
RUN = re.compile(r"runs/[0-9A-Za-z][0-9A-Za-z_\-]{0,99}\.json\Z")
ATTESTATION = re.compile(r"attestations/(\d{4})\.(json|note|proof|tsr)\Z")
MEMBERS = ["format", "scope", "organisation", "as_of", "period", "generated_by", "tool", "snapshot", "assessment", "workbook",
           "assessment_unredacted", "catalog", "ledger", "assessed", "counts", "erased", "redaction", "trust", "files"]
INNER = {"catalog": ["id", "version", "digest"], "ledger": ["origin", "size", "root"], "assessed": ["origin", "size", "root"],
         "counts": ["controls", "results", "evidence", "used", "payloads", "entries", "runs", "rules", "attestations", "redacted"],
         "redaction": ["profile", "hide", "keep", "sheets_omitted", "withheld"],
         "trust": ["key", "holder", "self_signed", "shows", "does_not_show", "attested"]}
PATTERN = re.compile(r"(\*|[a-z0-9_]+\.(\*|[a-z0-9_]+))\Z")
EVIDENCE_BODY = {"run", "kind", "subject", "key", "revision", "collected_at", "payload", "size", "major"}
OPTIONAL_BODY = {"event_time", "period", "url", "imported"}
WITHHELD = "withheld: it rests on evidence that is hidden"
DIGEST = re.compile(r"[0-9a-f]{64}\Z")


class Bundle:
    def __init__(self, src, length, key):
        self.zip = Container(src, 0, length, "bundle")
        self.by_name = {e.name: e for e in self.zip.entries}
        self.held = []
        self.key = key
        self.trusted = None  # the reader's key, if it is another of the same name
        self.handovers = []  # (position, key until then, key from then on)

    def ok(self, what, n):
        self.held.append(f"{what}: {n}")

    def verify(self):
        self.open()
        self.files()
        self.checkpoint()
        self.lines()
        self.succession()
        self.story()
        self.runs()
        self.redacted()
        self.attestations()
        self.workbook()

    def read(self, name, limit=1 << 31):
        return self.zip.read(self.by_name[name], limit)[0]

    def open(self):
        """The seal and the manifest, which are the last two entries."""
        names = [e.name for e in self.zip.entries[-2:]]
        if names != ["manifest.json", "manifest.note"]:
            fail("bundle", "last entries", "manifest.json and manifest.note", str(names))
        msg = self.read("manifest.note", 1 << 20)
        claimed = re.search(rb"\nkey: ([^\n]+)\n", msg)
        if self.key is None:
            if not claimed:
                fail("manifest.note", "key", "a key", "none")
            self.key = Key(claimed[1].decode("utf-8", "replace"), "manifest.note")
        elif claimed:
            named = Key(claimed[1].decode("utf-8", "replace"), "manifest.note")
            if named.name == self.key.name and named.line != self.key.line:
                self.trusted, self.key = self.key, named  # succession() decides
        seal = Seal(msg, self.key, "bundle", "manifest.note")
        e = self.by_name["manifest.json"]
        if [p[3:] for p in seal.parts] != [(e.size, e.packed)]:  # before it is unpacked
            fail("manifest.json", "size", str([p[3:] for p in seal.parts]), f"{e.size}, {e.packed}")
        raw, seen = self.zip.read(e)
        if seal.parts != [("manifest.json", seen["sha256"], seen["packed"], e.size, e.packed)]:
            fail("manifest.json", "content", "what the seal says", seen["sha256"])
        m = self.manifest = parse(raw, "manifest.json", "content")
        if not isinstance(m, dict) or sorted(m) != sorted(MEMBERS) or list(m)[-1] != "files" or m["format"] != "exhibit bundle v2":
            fail("manifest.json", "members", "those of exhibit bundle v2", str(list(m))[:160])
        for name, inner in INNER.items():
            if not isinstance(m[name], dict) or sorted(m[name]) != sorted(inner):
                fail("manifest.json", name, "the members " + ", ".join(inner), str(m[name])[:160])
        for v in [*m["counts"].values(), m["ledger"]["size"], m["assessed"]["size"], m["redaction"]["withheld"]]:
            natural(v, "manifest.json", "numbers")
        for pattern in (m["redaction"]["hide"] or []) + (m["redaction"]["keep"] or []):
            if not PATTERN.match(pattern):
                fail("manifest.json", "redaction", "patterns of kinds", pattern)
        if m["scope"] not in ("whole", "used"):
            fail("manifest.json", "scope", "whole or used", m["scope"])
        facts = {"as-of": m["as_of"], "snapshot": m["snapshot"], "checkpoint": f"{m['ledger']['size']} {m['ledger']['root']}"}
        if seal.facts != facts:
            fail("manifest.note", "facts", str(facts), str(seal.facts))
        led = m["ledger"]
        text = "".join(s + "\n" for s in ["exhibit snapshot v1", m["assessment"], led["origin"], str(led["size"]), led["root"], m["as_of"], m["period"]])
        if hashlib.sha256(text.encode()).hexdigest() != m["snapshot"]:
            fail("manifest.json", "snapshot", hashlib.sha256(text.encode()).hexdigest(), m["snapshot"])
        self.whole, self.hides = m["scope"] == "whole", bool(m["redaction"]["hide"])
        self.ok("seal over the manifest holds, key", self.key.line)

    def files(self):
        listed, sums, last = self.manifest["files"], hashlib.sha256(), ""
        if [f["path"] for f in listed] != [e.name for e in self.zip.entries[:-2]]:
            fail("bundle", "files", "those of the manifest, in its order", "others")
        kinds = {"evidence": [], "rules": 0, "runs": [], "attestations": []}
        for f in listed:
            name = f["path"]
            if name <= last:
                fail("manifest.json", "files", "ascending paths", name)
            last = name
            if sorted(f) != ["packed_sha256", "packed_size", "path", "sha256", "size"]:
                fail("manifest.json", name, "the members of a file", str(sorted(f)))
            e, seen = self.by_name[name], {}
            if (f["size"], f["packed_size"]) != (e.size, e.packed):
                fail(name, "size", f"{f['size']}, {f['packed_size']}", f"{e.size}, {e.packed}")
            for _ in self.zip.chunks(e, seen):
                pass
            if (f["sha256"], f["packed_sha256"], f["size"], f["packed_size"]) != (seen["sha256"], seen["packed"], e.size, e.packed):
                fail(name, "content", "sha256 " + f["sha256"], seen["sha256"])
            if name == "sums.sha256" and sums.hexdigest() != seen["sha256"]:
                fail(name, "content", "the digest of every file before it", "something else")
            sums.update(f"{seen['sha256']}  {name}\n".encode())
            self.kind_of(name, seen, kinds)
        for name in FIXED:
            if name not in self.by_name:
                fail("bundle", "files", name, "none")
        for name in ("manifest.note", "exhibit.xlsx"):
            if self.by_name[name].method != 0:
                fail(name, "method", "stored", "deflated")
        self.payloads, self.run_files, self.attested_files = kinds["evidence"], kinds["runs"], kinds["attestations"]
        m, c = self.manifest, self.manifest["counts"]
        if (m["assessment"], m["workbook"]) != (self.sum("assessment.json"), self.sum("exhibit.xlsx")):
            fail("manifest.json", "assessment, workbook", "the digests of the files", "others")
        if (c["rules"], c["runs"], c["payloads"], c["attestations"]) != (kinds["rules"], len(self.run_files), len(self.payloads), len(self.attested_files)):
            fail("manifest.json", "counts", "as many files as there are", str(c))
        if self.read("exhibit.pub", 4096) != (self.key.line + "\n").encode():
            fail("exhibit.pub", "content", "the key that sealed the bundle", "another")
        request = parse(self.read("request.json"), "request.json", "content")
        for k in ("organisation", "as_of", "period", "generated_by", "tool"):
            if request.get(k) != m[k]:
                fail("request.json", k, str(m[k]), str(request.get(k)))
        self.ok("files as the signed manifest lists them", len(listed))

    def sum(self, name):
        return next(f["sha256"] for f in self.manifest["files"] if f["path"] == name)

    @staticmethod
    def kind_of(name, seen, kinds):
        if name in FIXED:
            return
        m = EVIDENCE.match(name)
        if m:
            if m[1] != seen["sha256"]:
                fail(name, "content", "sha256 " + m[1], seen["sha256"])
            kinds["evidence"].append(m[1])
        elif RULE.match(name):
            kinds["rules"] += 1
        elif RUN.match(name):
            kinds["runs"].append(name)
        elif ATTESTATION.match(name):
            kinds["attestations"].append(name)
        else:
            fail(name, "name", "a file that the format knows", "another")

    def checkpoint(self):
        m = self.manifest
        self.cp = Checkpoint(self.read("checkpoint.note", 1 << 20), self.key, "checkpoint.note")
        got = {"origin": self.cp.origin, "size": self.cp.size, "root": self.cp.root}
        if got != m["ledger"] or m["assessed"]["origin"] != self.cp.origin or not 0 <= m["assessed"]["size"] <= self.cp.size:
            fail("checkpoint.note", "size and root", str(m["ledger"]), str(got))
        a = self.assessment = parse(self.read("assessment.json"), "assessment.json", "content")
        want = {"size": m["assessed"]["size"], "root": m["assessed"]["root"]}
        if a["checkpoint"] != want or a["catalog"] != m["catalog"]:
            fail("assessment.json", "checkpoint and catalog", str(want), str(a["checkpoint"]))
        if when(a["as_of"], "assessment.json", "as_of") != when(m["as_of"], "manifest.json", "as_of"):
            fail("assessment.json", "as_of", m["as_of"], a["as_of"])
        if (len(a["controls"]), len(a["results"])) != (m["counts"]["controls"], m["counts"]["results"]):
            fail("assessment.json", "counts", str(m["counts"]), f"{len(a['controls'])}, {len(a['results'])}")
        self.ok("signed checkpoint of ledger entries", self.cp.size)

    # -- section 5

    def text_lines(self, name):
        rest = b""
        for chunk in self.zip.chunks(self.by_name[name], {}):
            parts = (rest + chunk).split(b"\n")
            rest = parts.pop()
            if len(rest) > 16 << 20:
                fail(name, "line", "at most 16 MiB", "more")
            yield from parts
        if rest:
            fail(name, "end", "a newline", "none")

    def lines(self):
        self.run = {}       # id -> {source, opened, closed, counts}
        self.keys = {}      # (source, kind, key) -> [revision, live]
        self.items = {}     # position -> (id, event, collected, payload)
        self.by_id = {}     # evidence id -> payload
        self.named = {}     # payload -> [count, kinds, size]
        self.erasures, self.at, self.entries = set(), None, 0
        cover, source, tree = self.text_lines("ledger/cover.txt"), self.text_lines("ledger/entries.jsonl"), Tree()
        size, assessed = self.manifest["ledger"]["size"], self.manifest["assessed"]["size"]
        head = [next(cover, b"") for _ in range(3)]
        if head != [b"exhibit cover v1", b"size %d" % size, b"assessed %d" % assessed]:
            fail("ledger/cover.txt", "head", f"size {size}, assessed {assessed}", str(head))
        done = False
        for raw in [*cover, None]:
            if tree.size == assessed and not done:
                self.root(tree, "assessed")
                done = True
            if raw is not None:
                self.cover_item(raw, tree, source, size, assessed)
        if not done or tree.size != size:
            fail("ledger/cover.txt", "end", f"all of {size} positions", str(tree.size))
        self.root(tree, "ledger")
        if next(source, None) is not None or self.entries != self.manifest["counts"]["entries"]:
            fail("ledger/entries.jsonl", "lines", str(self.manifest["counts"]["entries"]), "others")
        self.ok("ledger entries, leading to the signed root", self.entries)

    def root(self, tree, which):
        got, want = base64.b64encode(tree.root()).decode(), self.manifest[which]["root"]
        if got != want:
            fail("ledger/entries.jsonl", f"root over {tree.size} entries", want, got)

    def cover_item(self, raw, tree, source, size, assessed):
        f = raw.decode("ascii", "replace").split(" ")
        if len(f) == 3 and f[0] == "entries" and all(re.match(r"(0|[1-9]\d{0,18})\Z", x, re.A) for x in f[1:]):
            begin, end = int(f[1]), int(f[2])
            if begin != tree.size or end <= begin or end > size or begin < assessed < end:
                fail("ledger/cover.txt", "items", f"one that begins at {tree.size}", raw.decode("ascii", "replace"))
            for n in range(begin, end):
                line = next(source, None)
                if line is None:
                    fail("ledger/entries.jsonl", f"position {n}", "a line", "the end")
                self.before = tree.root() if line.endswith(b'"type":"key","v":1}') else None
                tree.push(0, hashlib.sha256(b"\x00" + line).digest())
                self.line(n, line)
            return
        if len(f) == 4 and f[0] == "node" and re.match(r"(0|[1-9]\d?)\Z", f[1], re.A) and re.match(r"(0|[1-9]\d{0,18})\Z", f[2], re.A):
            level, begin = int(f[1]), int(f[2]) << int(f[1])
            end = begin + (1 << level)
            h = bytes.fromhex(f[3]) if DIGEST.match(f[3]) else b""
            if begin != tree.size or end > size or begin < assessed < end or len(h) != 32:
                fail("ledger/cover.txt", "items", f"one that begins at {tree.size}", raw.decode("ascii", "replace"))
            if self.whole and not self.hides and begin < assessed:
                fail("ledger/cover.txt", "items", "every entry of a whole bundle", raw.decode("ascii", "replace"))
            tree.push(level, h)
            return
        fail("ledger/cover.txt", "items", "entries or node", raw.decode("ascii", "replace")[:80])

    def line(self, n, raw):
        file, place = "ledger/entries.jsonl", f"position {n}"
        e = canonical_object(raw, file, place)
        if sorted(e) != ["at", "body", "type", "v"] or type(e["v"]) is not int or e["v"] != 1 or not isinstance(e["body"], dict) or not isinstance(e["type"], str):
            fail(file, place, "at, body, type and v", str(sorted(e)))
        at = stamp(e["at"], file, place)
        if self.at is not None and at < self.at:
            fail(file, place, "a time not before the line before it", e["at"])
        self.at, self.entries = at, self.entries + 1
        body, typ = e["body"], e["type"]
        known = {"run_opened": self.run_opened, "run_closed": self.run_closed, "evidence": self.evidence, "gone": self.gone, "erasure": self.erasure, "key": self.handover}
        if typ not in known:
            if not self.whole or self.hides:
                fail(file, place, "an entry of a type that this bundle may hold", typ)
            return
        if typ == "gone" and not self.whole:
            fail(file, place, "an entry of a type that a narrowed bundle holds", typ)
        known[typ](n, e, body, place, raw)

    def handover(self, n, _e, body, place, _raw):
        file = "ledger/entries.jsonl"
        if sorted(body) != ["by", "note", "reason"] or not body["by"] or not body["reason"]:
            fail(file, place, "the members of a handover", str(sorted(body)))
        msg = body["note"].encode()
        said = body["note"].split("\n\n", 1)[0].split("\n")
        if len(said) != 6 or said[0] != "exhibit key handover v1":
            fail(file, place, "a handover of the key", str(said)[:80])
        old, new = Key(said[4], file), Key(said[5], file)
        for key in (old, new):
            if open_note(msg, key, file, False) != "\n".join(said) + "\n" or key.name != said[1]:
                fail(file, place, "a handover by keys of " + said[1], key.line)
        if said[1] != self.cp.origin or said[2] != str(n) or said[3] != base64.b64encode(self.before).decode():
            fail(file, place, f"a handover of the ledger of {n} entries", str(said[1:4]))
        if old.line == new.line or (self.handovers and self.handovers[-1][2].line != old.line):
            fail(file, place, "a handover by the key that signed the ledger", old.line)
        self.handovers.append((n, old, new))

    def succession(self):
        """The keys that signed the ledger, each with the largest size it signs."""
        self.keys = [(old, n) for n, old, _ in self.handovers]
        self.keys.append((self.handovers[-1][2] if self.handovers else self.key, 1 << 62))
        if self.keys[-1][0].line != self.key.line:
            fail("manifest.note", "key", "the key that signs this ledger, " + self.keys[-1][0].line, self.key.line)
        if self.trusted is not None and self.trusted.line not in [k.line for k, _ in self.keys]:
            fail("manifest.note", "key", "one that the ledger was handed over to from " + self.trusted.line, self.key.line)
        if self.handovers:
            self.ok("handovers of the signing key", len(self.handovers))

    def kept(self, msg, file):
        """A checkpoint by any of the keys that was not retired then."""
        for key, until in reversed(self.keys[:-1]):
            try:
                cp = Checkpoint(msg, key, file)
            except Failure:
                continue
            if cp.size <= until:
                return cp
        return Checkpoint(msg, self.key, file)

    def opened(self, run, place):
        r = self.run.get(run)
        if r is None or r["closed"] is not None:
            fail("ledger/entries.jsonl", place, "a run that was opened before and is not closed", str(run))
        return r

    def run_opened(self, n, e, body, place, _raw):
        if body["id"] in self.run:
            fail("ledger/entries.jsonl", place, "a run that is opened once", body["id"])
        self.run[body["id"]] = {"source": body["provenance"]["source"], "opened": {"at": e["at"], "body": body, "position": n},
                                "closed": None, "evidence": {}, "gone": {}}

    def run_closed(self, n, e, body, place, _raw):
        r = self.opened(body["run"], place)
        r["closed"] = {"at": e["at"], "body": body, "position": n}
        if not self.whole or n >= self.manifest["assessed"]["size"]:
            return
        kinds = body.get("kinds") or {}
        for kind in [*r["evidence"], *r["gone"]]:
            if kind not in kinds:
                fail("ledger/entries.jsonl", place, "kinds that the run closed", kind)
        for kind, k in kinds.items():
            have = r["evidence"].get(kind, {"new": 0, "revised": 0})
            got = (have["new"], have["revised"], r["gone"].get(kind, 0))
            want = (k.get("new", 0), k.get("revised", 0), k.get("gone", 0))
            if got != want:
                fail("ledger/entries.jsonl", place, f"{want} new, revised and gone of {kind}", str(got))

    def evidence(self, n, _e, body, place, raw):
        file = "ledger/entries.jsonl"
        r = self.opened(body["run"], place)
        odd = set(body) ^ EVIDENCE_BODY
        if odd - OPTIONAL_BODY or sorted(body["subject"]) != ["id", "type"] or body.get("imported", True) is not True or body.get("url") == "":
            fail(file, place, "the members of an evidence item", str(sorted(odd)))
        if n >= self.manifest["assessed"]["size"]:
            fail(file, place, "evidence below the assessed size", str(n))
        if not DIGEST.match(body["payload"]) or type(body["revision"]) is not int or body["revision"] < 1 or natural(body["size"], file, place) < 0:
            fail(file, place, "a payload and a revision", str(body))
        kind = body["kind"]
        if self.whole:
            known = self.keys.setdefault((r["source"], kind, body["key"]), [0, True])
            if body["revision"] != known[0] + 1:
                fail(file, place, f"revision {known[0] + 1} of {body['key']}", str(body["revision"]))
            known[0], known[1] = body["revision"], True
        count = r["evidence"].setdefault(kind, {"new": 0, "revised": 0})
        count["new" if body["revision"] == 1 else "revised"] += 1
        ident = hashlib.sha256(raw).hexdigest()
        event = stamp(body["event_time"], file, place)[0] if "event_time" in body else None
        self.items[n] = (ident, event, stamp(body["collected_at"], file, place)[0], body["payload"])
        self.by_id[ident] = body["payload"]
        named = self.named.setdefault(body["payload"], [0, set(), body["size"]])
        named[0] += 1
        named[1].add(kind)
        if named[2] != body["size"]:
            fail(file, place, f"size {named[2]}", str(body["size"]))

    def gone(self, _n, _e, body, place, _raw):
        r = self.opened(body["run"], place)
        if sorted(body) != ["at", "keys", "kind", "run"]:
            fail("ledger/entries.jsonl", place, "the members of gone keys", str(sorted(body)))
        for key in body["keys"]:
            known = self.keys.get((r["source"], body["kind"], key))
            if known is None or not known[1]:
                fail("ledger/entries.jsonl", place, "keys that were there", key)
            known[1] = False
        r["gone"][body["kind"]] = r["gone"].get(body["kind"], 0) + len(body["keys"])

    def erasure(self, _n, _e, body, place, _raw):
        if not self.whole and body["payload"] not in self.manifest["erased"]:
            fail("ledger/entries.jsonl", place, "erasures of the payloads in erased", body["payload"])
        self.erasures.add(body["payload"])

    def story(self):
        m, a = self.manifest, self.assessment
        for i, r in enumerate(a["results"]):
            for d in r["evidence"]:
                if d not in self.by_id:
                    fail("assessment.json", f"result {i}, {r['expectation']}", "evidence that is in the ledger", d)
        if len(self.items) != m["counts"]["evidence"]:
            fail("manifest.json", "counts", str(len(self.items)), str(m["counts"]["evidence"]))
        if m["erased"] != sorted(set(m["erased"])):
            fail("manifest.json", "erased", "ascending, each once", "others")
        for d in m["erased"]:
            if d not in self.named or d not in self.erasures:
                fail("manifest.json", "erased", "payloads that an entry names and another erased", d)
        self.hidden = [parse_line(raw, i) for i, raw in enumerate(self.text_lines("redacted.jsonl"))]
        gone = set(m["erased"]) | {h["payload"] for h in self.hidden}
        want = sorted(d for d in self.named if d not in gone)
        if want != self.payloads:
            odd = sorted(set(want) ^ set(self.payloads))[0]
            fail(f"evidence/{odd}.json", "file", "exactly the files that entries name", "one that is missing or too many")
        for d in self.payloads:
            e = self.by_name[f"evidence/{d}.json"]
            if e.size != self.named[d][2]:
                fail(e.name, "size", str(self.named[d][2]), str(e.size))
        for r in a["runs"]:
            if r["run"] and r["run"] not in self.run:
                fail("assessment.json", "runs", "a run whose entries are in the ledger", r["run"])
        self.ok("evidence files as their entries name them", len(self.payloads))

    def runs(self):
        want = {}
        for ident, r in self.run.items():
            name = ident if re.match(r"[0-9A-Za-z][0-9A-Za-z_\-]{0,99}\Z", ident) else hashlib.sha256(ident.encode()).hexdigest()
            closed = r["closed"]
            if f"runs/{name}.json" in want:
                fail(f"runs/{name}.json", "file", "the manifest of one run", "two runs of the same name")
            kinds = (closed["body"].get("kinds") or {}) if closed else {}
            counted = {k: v for k, v in kinds.items() if v.get("independent_count", 0) >= 0}
            want[f"runs/{name}.json"] = {
                "opened": r["opened"], "closed": closed, "evidence": r["evidence"], "gone": r["gone"],
                "difference": {k: v.get("seen", 0) - v.get("independent_count", 0) for k, v in counted.items()},
                "uncounted": sorted(k for k in kinds if k not in counted)}
        if sorted(want) != sorted(self.run_files):
            fail("runs/", "files", "one for each run", str(sorted(set(want) ^ set(self.run_files)))[:120])
        for name, v in want.items():
            if self.read(name) != canonical(v).encode() + b"\n":
                fail(name, "content", "what the ledger says of the run", "something else")
        self.ok("run manifests as the ledger has them", len(want))

    # -- section 6

    def redacted(self):
        m, red = self.manifest, self.manifest["redaction"]
        hide, keep = red["hide"] or [], red["keep"] or []

        def fits(pattern, kind):
            return pattern == "*" or pattern == kind or (pattern.endswith(".*") and kind.startswith(pattern[:-1]))

        def hidden(kind):
            return any(fits(p, kind) for p in hide) and not any(fits(p, kind) for p in keep)

        erased = set(m["erased"])
        want = [d for d in sorted(self.named) if d not in erased and any(hidden(k) for k in self.named[d][1])]
        if want != [h["payload"] for h in self.hidden] or len(want) != m["counts"]["redacted"]:
            fail("redacted.jsonl", "payloads", f"the {len(want)} that the profile hides", str(len(self.hidden)))
        for h in self.hidden:
            n, kinds, _ = self.named[h["payload"]]
            if sorted(h) != ["evidence", "kinds", "payload", "why"] or h["evidence"] != n or h["kinds"] != sorted(kinds) or \
                    h["why"] != f"the profile {red['profile']} hides " + ", ".join(k for k in sorted(kinds) if hidden(k)):
                fail("redacted.jsonl", h["payload"], f"{n} lines of {sorted(kinds)}", str(h))
        away = set(want)
        for i, r in enumerate(self.assessment["results"]):
            if any(self.by_id[d] in away for d in r["evidence"]) and (not r["reason"].endswith(WITHHELD) or "owner" in r):
                fail("assessment.json", f"result {i}", "a reason that is withheld, and no owner", r["reason"])
        if not want and m["assessment"] != m["assessment_unredacted"]:
            fail("manifest.json", "assessment_unredacted", m["assessment"], m["assessment_unredacted"])
        self.ok("payloads hidden, as the profile says", len(want))

    # -- section 7

    def attestations(self):
        trust = self.manifest["trust"]
        if trust["key"] != self.key.line or trust["self_signed"] is not True:
            fail("manifest.json", "trust", "the key that sealed it, and that it vouches for itself", str(trust["key"]))
        want = []
        for i, t in enumerate(trust["attested"] or []):
            if sorted(t) != ["by", "kind", "n", "position", "root", "size", "time"] or t["n"] != i or t["kind"] not in ("rfc3161", "cosignature", "publication"):
                fail("manifest.json", f"trust.attested {i}", "an attestation", str(t))
            want += [f"attestations/{i:04d}.{x}" for x in ["json", "note", "proof"] + (["tsr"] if t["kind"] == "rfc3161" else [])]
            self.attested(f"attestations/{i:04d}", t)
        if sorted(want) != sorted(self.attested_files):
            fail("attestations/", "files", "those of the list", str(sorted(set(want) ^ set(self.attested_files)))[:120])
        self.ok("attestations bound to this ledger", len(trust["attested"] or []))

    def attested(self, name, t):
        for x in ("json", "note", "proof"):
            if f"{name}.{x}" not in self.by_name:
                fail(f"{name}.{x}", "file", "a file", "none")
        raw = self.read(name + ".json", 1 << 24)
        if not raw.endswith(b"\n"):
            fail(name + ".json", "end", "a newline", "none")
        body = canonical_object(raw[:-1], name + ".json", "content")
        checkpoint, note = body["checkpoint"].encode(), self.read(name + ".note", 1 << 20)
        more = note[len(checkpoint):]
        if not note.startswith(checkpoint) or (more if t["kind"] != "cosignature" else not re.match("\u2014 \\S+ \\S+\n\\Z", more.decode("utf-8", "replace"))):
            fail(name + ".note", "content", "the note of the attestation", note[:80].decode("utf-8", "replace"))
        cp = self.kept(checkpoint, name + ".json")
        if (cp.size, cp.root) != (t["size"], t["root"]) or cp.size > self.cp.size:
            fail(name + ".json", "size and root", f"{t['size']} {t['root']}", f"{cp.size} {cp.root}")
        if body["kind"] != t["kind"]:
            fail(name + ".json", "kind", t["kind"], str(body["kind"]))
        if t["kind"] != "publication":
            stated = self.token(name, body, checkpoint) if t["kind"] == "rfc3161" else cosigned(name, body["cosignature"], checkpoint, more)
            if stated != when(t["time"], "manifest.json", "trust.attested")[0]:
                fail("manifest.json", f"trust.attested {t['n']}", f"the time that it states, {stated}", t["time"])
        try:
            proof = [bytes.fromhex(h) for h in self.read(name + ".proof", 1 << 20).decode("ascii").split()]
        except ValueError:
            fail(name + ".proof", "content", "hexadecimal hashes", "others")
        if not consistent(cp.size, cp.hash, self.cp.size, self.cp.hash, proof):
            fail(name + ".proof", "content", "a proof from the attested root to the signed one", "another")

    def token(self, name, body, note):
        """The time that a time-stamp token states of a note, in seconds."""
        raw = self.read(name + ".tsr", 1 << 24)
        if raw != b64(body["timestamp"]["token"], name + ".json", "token"):
            fail(name + ".tsr", "content", "the token of the attestation", "another")
        try:
            info = tst_info(raw)
            imprint, text = der(info[2][1])[1][1], info[4][1].decode("ascii")
        except (IndexError, ValueError):
            fail(name + ".tsr", "content", "a time-stamp token", "another form")
        if imprint != hashlib.sha256(note).digest():
            fail(name + ".tsr", "imprint", hashlib.sha256(note).hexdigest(), imprint.hex())
        m = re.match(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d+)?Z\Z", text)
        if not m:
            fail(name + ".tsr", "genTime", "a time, UTC", text)
        return when("{}-{}-{}T{}:{}:{}Z".format(*m.groups()[:6]), name + ".tsr", "genTime")[0]

    # -- section 8

    def workbook(self):
        e, m = self.by_name["exhibit.xlsx"], self.manifest
        book = Container(self.zip.src, e.data, e.size, "exhibit.xlsx")
        entries = {x.name: x for x in book.entries}
        if book.entries[-1].name != "exhibit/seal.txt" or [x.name for x in book.entries[:-1]] != sorted(x.name for x in book.entries[:-1]):
            fail("exhibit.xlsx", "entries", "ascending names and the seal last", "others")
        seal = Seal(book.read(book.entries[-1], 16 << 20)[0], self.key, "workbook", "exhibit.xlsx: exhibit/seal.txt")
        if [p[0] for p in seal.parts] != [x.name for x in book.entries[:-1]]:
            fail("exhibit.xlsx", "entries", "those that the seal lists", "others")
        for (name, whole, packed, size, packed_size), x in zip(seal.parts, book.entries):
            seen = {}
            for _ in book.chunks(x, seen):
                pass
            if (whole, packed, size, packed_size) != (seen["sha256"], seen["packed"], x.size, x.packed):
                fail("exhibit.xlsx: " + name, "content", "sha256 " + whole, seen["sha256"])
        facts = {"as-of": m["as_of"], "period": m["period"], "snapshot": m["snapshot"], "assessment": m["assessment"],
                 "catalog": m["catalog"]["digest"], "checkpoint": f"{self.cp.size} {self.cp.root}", "controls": str(m["counts"]["controls"]),
                 "results": str(m["counts"]["results"]), "evidence": str(m["counts"]["used"])}
        if seal.facts != facts:
            odd = [k for k in facts if seal.facts.get(k) != facts[k]] + [k for k in seal.facts if k not in facts]
            fail("exhibit.xlsx: exhibit/seal.txt", odd[0], str(facts.get(odd[0])), str(seal.facts.get(odd[0])))
        self.sheets(Sheets(book, entries), facts)

    def sheets(self, book, facts):
        counts = {"Control status": 0, "Results": 0, "Evidence": 0}
        seen = set()
        for name, part in book.parts:
            base = re.sub(r" \(\d+\)\Z", "", name)
            if base not in counts:
                continue
            columns, last = None, -1
            before = 0
            for number, row in book.rows(part):
                if number <= before:
                    fail("exhibit.xlsx: sheet " + name, f"row {number}", f"a number greater than {before}", str(number))
                before = number
                if number == 1:
                    columns = {v: k for k, v in row.items()}
                    continue
                counts[base] += 1
                if base == "Evidence":
                    last = self.evidence_row(name, number, row, columns, last, seen)
        for name, fact in (("Control status", "controls"), ("Results", "results"), ("Evidence", "evidence")):
            if str(counts[name]) != facts[fact]:
                fail("exhibit.xlsx: sheet " + name, "rows", facts[fact], str(counts[name]))
        for i, r in enumerate(self.assessment["results"]):
            for d in r["evidence"]:
                if d not in seen:
                    fail("exhibit.xlsx: sheet Evidence", f"evidence of result {i}", d, "no such row")
        self.cover(book, facts)
        self.ok("workbook rows equal to ledger entries", counts["Evidence"])

    def evidence_row(self, sheet, number, row, columns, last, seen):
        file, place = "exhibit.xlsx: sheet " + sheet, f"row {number}"
        try:
            ident, event, collected, payload, position = (row.get(columns[c], "") for c in
                ("evidence id", "event time (UTC)", "collected at (UTC)", "payload sha256", "ledger position"))
        except (KeyError, TypeError):
            fail(file, "header", "the columns of evidence", str(columns)[:120])
        if not re.match(r"\d{1,18}\Z", position, re.A) or int(position) not in self.items or int(position) <= last:
            fail(file, place, "an ascending ledger position of an evidence entry", position)
        item = self.items[int(position)]
        got = (ident, seconds(event, file, place), seconds(collected, file, place), payload)
        if got != item:
            fail(file, place, f"what ledger entry {position} says: {item}", str(got))
        if ident in seen:
            fail(file, place, "each evidence item once", ident)
        seen.add(ident)
        return int(position)

    def cover(self, book, facts):
        part = dict(book.parts).get("Cover")
        if part is None:
            fail("exhibit.xlsx", "sheets", "Cover", "none")
        said = {}
        for _, row in book.rows(part):
            said.setdefault(row.get("A", ""), row.get("B", ""))
        for title, fact in (("As of", "as-of"), ("Snapshot id", "snapshot"), ("Controls", "controls"), ("Results", "results"), ("Evidence items", "evidence")):
            if said.get(title) != facts[fact]:
                fail("exhibit.xlsx: sheet Cover", title, facts[fact], str(said.get(title)))


def der(b):
    """The values of a DER sequence's content, as (tag, content)."""
    out, at = [], 0
    while at < len(b):
        tag, n, at = b[at], b[at + 1], at + 2
        if n >= 0x80:
            size = n & 0x7F
            if not 1 <= size <= 4:
                raise ValueError("a length")
            n, at = int.from_bytes(b[at:at + size], "big"), at + size
        if at + n > len(b):
            raise ValueError("a length")
        out.append((tag, b[at:at + n]))
        at += n
    return out


def tst_info(token):
    """The fields of the TSTInfo in a CMS SignedData (RFC 3161, RFC 5652)."""
    content = der(der(token)[0][1])           # contentType, [0] content
    signed = der(der(content[1][1])[0][1])    # version, digestAlgorithms, encapContentInfo …
    encap = der(signed[2][1])                 # eContentType, [0] eContent
    return der(der(der(encap[1][1])[0][1])[0][1])


def cosigned(name, c, note, line):
    """The time that a witness's signature states, once it holds."""
    file = name + ".note"
    m = re.match("\u2014 (\\S+) (\\S+)\\Z", c["line"])
    k = re.match(r"([^\s+]+)\+([0-9a-f]{8})\+(\S+)\Z", c["key"])
    if not m or not k or m[1] != k[1] or line != (c["line"] + "\n").encode():
        fail(file, "cosignature", "the line of the attestation, by its key", c["line"])
    raw, sig = b64(k[3], file, "key"), b64(m[2], file, "cosignature")
    hashed = hashlib.sha256(k[1].encode() + b"\n" + raw).digest()[:4]
    if len(raw) != 33 or raw[0] != 4 or hashed.hex() != k[2] or len(sig) != 76 or sig[:4] != hashed:
        fail(file, "cosignature", "one by the witness's key", c["line"])
    at = int.from_bytes(sig[4:12], "big")
    text = note.split(b"\n\n")[0] + b"\n"
    if not ed25519(raw[1:], b"cosignature/v1\ntime %d\n" % at + text, sig[12:]):
        fail(file, "cosignature", "a signature that holds", c["line"])
    return at


def parse_line(raw, i):
    return canonical_object(raw, "redacted.jsonl", f"line {i + 1}")


def seconds(cell, file, place):
    if cell == "":
        return None
    if re.match(r"-?\d+(\.\d+)?([eE][-+]?\d+)?\Z", cell):
        return round((float(cell) - 25569) * 86400)
    return when(cell, file, place)[0]


class Sheets:
    """The sheets of a workbook, read as far as is needed to compare them."""

    MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"

    def __init__(self, container, entries):
        self.zip, self.entries = container, entries
        rels = {r.get("Id"): r.get("Target") for r in self.xml("xl/_rels/workbook.xml.rels")}
        self.parts, self.strings = [], []
        for s in self.xml("xl/workbook.xml").iter(self.MAIN + "sheet"):
            target = rels.get(s.get(self.REL)) or ""
            self.parts.append((s.get("name"), target.lstrip("/") if target.startswith("/") else "xl/" + target))
        if "xl/sharedStrings.xml" in entries:
            for si in self.xml("xl/sharedStrings.xml").iter(self.MAIN + "si"):
                self.strings.append("".join(t.text or "" for t in si.iter(self.MAIN + "t")))

    def raw(self, name):
        if name not in self.entries:
            fail("exhibit.xlsx", "parts", name, "none")
        return self.entries[name]

    def xml(self, name):
        b, _ = self.zip.read(self.raw(name), 64 << 20)
        if b"<!" in b:
            fail("exhibit.xlsx: " + name, "content", "no declaration", "one")
        try:
            return ET.fromstring(b)
        except ET.ParseError as err:
            fail("exhibit.xlsx: " + name, "content", "XML", str(err))

    def rows(self, part):
        """Yields (number, {column: text}) for each row that has a cell."""
        parser = ET.XMLPullParser(events=("end",))
        try:
            for chunk in self.zip.chunks(self.raw(part), {}):
                if b"<!" in chunk:
                    fail("exhibit.xlsx: " + part, "content", "no declaration", "one")
                parser.feed(chunk)
                yield from self.ready(parser)
            parser.close()
            yield from self.ready(parser)
        except ET.ParseError as err:
            fail("exhibit.xlsx: " + part, "content", "XML", str(err))

    def ready(self, parser):
        for _, el in parser.read_events():
            if el.tag == self.MAIN + "row":
                row = {}
                for c in el:
                    text = self.text(c)
                    if text:
                        row[re.match(r"[A-Z]+", c.get("r", "A"))[0]] = text
                number = int(el.get("r", "0"))
                el.clear()
                if row:
                    yield number, row

    def text(self, c):
        v = c.find(self.MAIN + "v")
        if c.get("t") == "inlineStr":
            return "".join(t.text or "" for t in c.iter(self.MAIN + "t"))
        if v is None:
            return ""
        if c.get("t") == "s":
            return self.strings[int(v.text)]
        return v.text or ""


def against(bundle, path):
    """Section 10: a checkpoint that was kept from earlier."""
    with open(path, "rb") as f:
        old = bundle.kept(f.read(1 << 20), path)
    if old.size > bundle.cp.size:
        fail(path, "size", f"at most {bundle.cp.size} entries", f"{old.size}: entries were dropped, or the bundle is the older one")
    tree = Tree()
    if old.size == bundle.cp.size:
        got = bundle.cp.hash
    else:
        if not bundle.whole or bundle.hides or old.size > bundle.manifest["assessed"]["size"]:
            raise ValueError("the bundle does not hold the entries from which an earlier root could be computed")
        for n, line in enumerate(bundle.text_lines("ledger/entries.jsonl")):
            if n == old.size:
                break
            tree.push(0, hashlib.sha256(b"\x00" + line).digest())
        got = tree.root()
    if got != old.hash:
        fail(path, f"root over {old.size} entries", old.root, base64.b64encode(got).decode() + ": the ledger was rewritten")
    bundle.ok("continues the checkpoint given, entries", old.size)


def main(argv):
    args, flags = [], {}
    i = 1
    while i < len(argv):
        if argv[i] in ("--key", "--against") and i + 1 < len(argv):
            flags[argv[i]], i = argv[i + 1], i + 1
        else:
            args.append(argv[i])
        i += 1
    if len(args) != 1 or args[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        key = None
        if "--key" in flags:
            with open(flags["--key"], encoding="utf-8") as f:
                key = Key(f.read().strip(), flags["--key"])
        with open(args[0], "rb") as src:
            length = src.seek(0, 2)
            b = Bundle(src, length, key)
            try:
                b.verify()
            except (KeyError, TypeError, AttributeError, IndexError, ValueError, RecursionError) as err:
                raise Failure(f"bundle: not of the form that FORMAT.md describes: {type(err).__name__} {err}") from err
            if "--against" in flags:
                against(b, flags["--against"])
    except Failure as err:
        print("DOES NOT HOLD: " + plain(str(err)))
        return 12
    except (OSError, ValueError) as err:
        print("could not be checked: " + plain(str(err)), file=sys.stderr)
        return 2
    for line in b.held:
        print("held: " + plain(line))
    print("not assessed anew: that needs the program's rules engine (section 9)")
    if key is None:
        print("identity not established: the key was found inside; compare it with one obtained elsewhere")
    print("everything held")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
