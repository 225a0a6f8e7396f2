#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench-export.py - how fast `netemu trace export` writes

	bench-export.py [MIB [TURNS]]

Makes a file of MIB MiB of records (gen-threads), exports it in each format, and writes
the same bytes with plain write(2): the best of TURNS each.  Not a test: it prints, and
never fails for being slow.  Processor time says it also on a machine that others use.
Expects both programs in PATH.
"""
import os
import resource
import subprocess
import sys
import tempfile
import time

BLOCK = 1 << 20


def best(turns, work):
    return min(work() for _ in range(turns))


def export(ring, form, out):
    """(elapsed, processor) seconds."""
    begun = time.monotonic()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["netemu-trace", "export", "--format=" + form, "--output=" + out, ring],
                   check=True)
    elapsed = time.monotonic() - begun
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return elapsed, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime


def copy(source, target):
    """The same of write(2)."""
    elapsed = processor = 0.0
    with open(source, "rb", buffering=0) as read:
        file = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        while True:
            block = read.read(BLOCK)
            if not block:
                break
            begun, used = time.monotonic(), time.process_time()
            os.write(file, block)
            elapsed += time.monotonic() - begun
            processor += time.process_time() - used
        os.close(file)
    os.unlink(target)
    return elapsed, processor


def main():
    mib = sys.argv[1] if len(sys.argv) > 1 else "64"
    turns = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as folder:
        ring, out = os.path.join(folder, "ring-0.bin"), os.path.join(folder, "out")
        made = subprocess.run(["gen-threads", ring, mib], check=True, capture_output=True, text=True)
        counts = dict(word.split("=") for word in made.stdout.split())
        records = sum(int(counts[key]) for key in ("sends", "receives", "completions"))
        print("%s MiB of records, %d of them; best of %d" % (mib, records, turns))
        for form in ("chrome", "raw", "csv"):
            elapsed, processor = best(turns, lambda: export(ring, form, out))
            size = os.path.getsize(out)
            written = best(turns, lambda: copy(out, out + ".copy"))
            print("%-6s %6.0f MB  %5.2f s elapsed, write(2) of the same alone %5.2f s" %
                  (form, size / 1e6, elapsed, written[0]))
            print("        processor %5.2f s: %.2f million events/s, %.0f MB/s, ratio to"
                  " write(2) %.1f" % (processor, records / processor / 1e6,
                                      size / processor / 1e6, processor / written[1]))
            os.unlink(out)


main()
