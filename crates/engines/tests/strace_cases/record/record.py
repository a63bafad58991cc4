#!/usr/bin/env python3
"""Records again what strace makes of the calls in case files, in place.

usage: record.py FILE.txt...        (needs strace 6.1 and a C compiler; see ../README.md for the format)

A new record is written by hand as `call`, `pre`, `post` and `line ?`. A record that is marked `differs` stays so.
"""
import os
import re
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def blob(text):
    addr, data = text.split(" ")
    return int(addr, 16), bytes.fromhex(data)


def read(path):
    """Options, and for each record its call, its blobs and the index of its last line."""
    lines = open(path).read().split("\n")
    options, base, cases = [], [], []
    for at, line in enumerate(lines):
        key, _, rest = line.partition(" ")
        if key == "options":
            options = rest.split()
        elif key == "base":
            base.append(blob(rest))
        elif key == "call":
            cases.append({"call": rest.split(), "pre": list(base), "post": []})
        elif key in ("pre", "post"):
            cases[-1][key].append(blob(rest))
        elif key in ("line", "differs"):
            cases[-1]["at"] = at
    return lines, options, cases


def pack(cases):
    out = [struct.pack("<Q", len(cases))]
    for case in cases:
        bits, number, *args = case["call"]
        words = [int(bits), int(number), *(int(word, 16) for word in args[:6]), int(args[7]) & (2**64 - 1)]
        out.append(struct.pack("<11Q", *words, len(case["pre"]), len(case["post"])))
        for addr, data in case["pre"] + case["post"]:
            out.append(struct.pack("<QQ", addr, len(data)) + data + b"\0" * (-len(data) % 8))
    return b"".join(out)


def record(path, program, folder):
    lines, options, cases = read(path)
    binary, log = os.path.join(folder, "cases"), os.path.join(folder, "log")
    with open(binary, "wb") as file:
        file.write(pack(cases))
    command = ["strace", "-e", "signal=none", "-a", "1", "-o", log, *options, program, binary]
    subprocess.run(command, env={**os.environ, "TZ": "UTC"}, stderr=subprocess.DEVNULL, timeout=120)
    seen = open(log, errors="surrogateescape").read().split("\n")
    start = max(at for at, line in enumerate(seen) if line.startswith("seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW"))
    seen = [line for line in seen[start + 1:] if line and not line.startswith(("+++", "strace: "))]
    if len(seen) < len(cases):
        sys.exit(f"{path}: {len(cases)} calls but {len(seen)} lines")
    for case, line in zip(cases, seen):
        line = re.sub(r"\) +(= (?:-?\d|\?|0x)[^=]*$)", r") \1", line)
        key = lines[case["at"]].split(" ")[0]
        lines[case["at"]] = f"{key} {line}"
    with open(path, "w") as file:
        file.write("\n".join(lines))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "calls")
        subprocess.run(["cc", "-O1", "-o", program, os.path.join(HERE, "calls.c")], check=True)
        for path in sys.argv[1:]:
            record(path, program, folder)


main()
