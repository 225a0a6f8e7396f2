#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench-net.py - bandwidth of replayed collectives beside that of the network alone

    make bench-replay-net [RANKS=2,4] [SIZES=64k,1M,16M,64M] [TURNS=3]

Busbw (definitions of nccl-tests) of all-reduce by ring and all-to-all over netemu0, without
latency or rate, beside as many ib_write_bw pairs at once as there are ranks: one write for
each message of the ring, as large as that, and 64 KiB, its default.  The same collectives of
Open MPI over UCX's rc_v (its all-reduce adds numbers, a replay without --verify does not), and
the ring over TCP, which is beside verbs.  All of one row is measured in turn; ratios are
medians of those of each turn, with the least and the most.  Nothing passes or fails.

Ranks and the senders of pairs are bound to CPUs in turn.  Ranks wait for each other and pairs do
not: what else the machine does slows a ring down more than pairs, and so do more ranks than
CPUs.  The load is printed.
"""
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(sys.argv[1])
REPLAY = os.path.join(BUILD, "netemu-replay")
MPI = os.path.join(BUILD, "tests/replay/bench-mpi")
LIBRARY = os.path.join(BUILD, ".libs/libnetemu.so")
CPUS = os.cpu_count()
SECONDS = 60      # no program takes longer
VOLUME = 1 << 30  # bytes of each rank, of one measurement; at most TIMES times
TIMES = 10000
PLAIN = '{"endpoint-delay": 0, "active-chunks-per-dimension": 1, "preferred-dataset-splits": 1, ' \
        '"all-reduce-implementation": ["ring"], "all-to-all-implementation": ["direct"]}'


def size_of(text):
    return int(re.sub("[kM]$", "", text)) << {"k": 10, "M": 20}.get(text[-1], 0)


def chosen(name, default, read):
    return [read(word) for word in (os.environ.get(name) or default).split(",")]


RANKS = chosen("RANKS", "2,4", int)
SIZES = chosen("SIZES", "64k,1M,16M,64M", size_of)
TURNS = chosen("TURNS", "3", int)[0]


def on(cpu):
    """Words in front of the command of one of several processes."""
    return ["taskset", "-c", str(cpu % CPUS)]


def device(**more):
    return dict(os.environ, LD_PRELOAD=LIBRARY, NETEMU="device=emulated", **more)


def finish(children, what):
    """Outputs of all, or None when one has failed."""
    deadline = time.monotonic() + SECONDS
    outputs, failed = [], False
    for child in children:
        try:
            outputs.append(child.communicate(timeout=max(1, deadline - time.monotonic())))
            failed |= child.returncode != 0
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            failed = True
    if failed:
        print("bench-net: %s failed: %s" % (what, " ".join(e for _, e in outputs)[-300:]),
              file=sys.stderr)
    return None if failed else [o for o, _ in outputs]


def start(command, env):
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True)


def listens(port):
    for table in "tcp", "tcp6":
        with open("/proc/net/" + table, encoding="ascii") as file:
            words = [line.split() for line in file]
        if any(w[1].endswith(":%04X" % port) and w[3] == "0A" for w in words):
            return True
    return False


class Ports:
    next = 18900 + os.getpid() % 500


def pairs(count, size):
    """COUNT ib_write_bw at once, of one second: mean bytes/s."""
    servers, clients = [], []
    for i in range(count):
        Ports.next += 1
        # of large ones few under way, each counted when it is over
        words = ["ib_write_bw", "-F", "-s", str(size), "-D", "1", "-f", "0", "-p", str(Ports.next),
                 *(["-t", "8", "-Q", "1"] if size > 1 << 18 else [])]
        servers.append(start([*on(i + 1), *words], device()))
        deadline = time.monotonic() + 5
        while not listens(Ports.next) and time.monotonic() < deadline:
            time.sleep(0.005)
        clients.append([*on(i), *words, "127.0.0.1"])
    outputs = finish([start(words, device()) for words in clients] + servers, "ib_write_bw")
    rates = [float(line.split()[3]) * 1048576 for out in outputs or [] for line in out.splitlines()
             if re.match(r" *%d +\d+ +[0-9.]+ +[0-9.]+" % size, line)]
    return statistics.mean(rates) if rates else None


def replayed(network, trace, ranks, times, work):
    """Busbw of TRACE's collective, bytes/s."""
    meeting = tempfile.mkdtemp(dir=work)
    summary = os.path.join(meeting, "summary")
    words = [REPLAY, "--network=" + network, "--workload", trace, "--system",
             os.path.join(work, "system.json"), "--iterations", str(times + 2), "--warmup", "2",
             "--quiet", "--summary", summary]
    outputs = finish([start([*on(rank), *words],
                            device(NETEMU_RDV="file:%s:%d" % (meeting, ranks),
                                   NETEMU_RANK=str(rank)))
                      for rank in range(ranks)], "a replay")
    if outputs is None:
        return None
    with open(summary, encoding="utf-8") as file:
        return json.load(file)["collectives"][0]["busbw"]


def mpi(ranks, size, times):
    """Busbw of all-reduce and all-to-all, bytes/s."""
    env = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
               OMPI_MCA_mpi_yield_when_idle="0", OMPI_MCA_rmaps_base_oversubscribe="1",
               OMPI_MCA_plm_rsh_agent="/bin/false", OMPI_MCA_pml="ucx", OMPI_MCA_osc="ucx",
               UCX_TLS="rc_v,self", UCX_NET_DEVICES="netemu0:1")
    words = ["mpirun", "-n", str(ranks), *(["--bind-to", "core"] if ranks <= CPUS else []),
             "-x", "LD_PRELOAD=" + LIBRARY, "-x", "NETEMU=device=emulated",
             MPI, str(size), str(times)]
    outputs = finish([start(words, env)], "Open MPI")
    return [float(word) for word in outputs[0].split()] if outputs else [None, None]


def trace(kind, ranks, size, work):
    prefix = os.path.join(work, "%s.%d.%d" % (kind, ranks, size))
    if not os.path.exists(prefix + ".0.et"):
        subprocess.run([REPLAY, "generate", kind, prefix, "--ranks", str(ranks), "--size",
                        str(size)], check=True, stdout=subprocess.DEVNULL)
    return prefix


def ratio(values, others):
    """Of each turn: "MEDIAN (LEAST to MOST)"."""
    all_of = sorted(a / b for a, b in zip(values, others) if a and b)
    if not all_of:
        return "-"
    return "%.2f (%.2f to %.2f)" % (statistics.median(all_of), all_of[0], all_of[-1])


def gigabytes(values):
    known = [v for v in values if v]
    return "%.2f" % (statistics.median(known) / 1e9) if known else "-"


def measure(ranks, size, work):
    times = max(3, min(TIMES, VOLUME // size))
    turn = {
        "pairs": pairs(ranks, size // ranks),
        "pairs64k": pairs(ranks, 65536),
        "pair": pairs(1, size // ranks) if ranks == 2 else None,
        "ring": replayed("verbs", trace("all-reduce", ranks, size, work), ranks, times, work),
        "exchange": replayed("verbs", trace("all-to-all", ranks, size, work), ranks, times, work),
        "tcp": replayed("tcp", trace("all-reduce", ranks, size, work), ranks, times // 4 + 1, work),
    }
    # its ranks spin: where they share CPUs one row can take minutes
    if os.path.exists(MPI) and ranks <= CPUS:
        turn["mpi ring"], turn["mpi exchange"] = mpi(ranks, size, times)
    return turn


def row(ranks, size, turns):
    def of(name):
        return [turn.get(name) for turn in turns]

    print("%d ranks, %d KiB: GB/s: all-reduce %s, all-to-all %s, each pair %s (64 KiB: %s), MPI "
          "%s and %s, TCP %s" % (ranks, size >> 10, *map(gigabytes, map(of, (
              "ring", "exchange", "pairs", "pairs64k", "mpi ring", "mpi exchange", "tcp")))))
    for name, beside in (("ring", "pairs"), ("ring", "pairs64k"), ("ring", "pair"),
                         ("exchange", "pairs"), ("exchange", "pairs64k"), ("ring", "mpi ring"),
                         ("exchange", "mpi exchange"), ("tcp", "ring")):
        if turns[0].get(name) and turns[0].get(beside):
            print("    %-10s / %-13s %s" % (NAMES[name], NAMES[beside],
                                            ratio(of(name), of(beside))))
    sys.stdout.flush()


NAMES = {"ring": "all-reduce", "exchange": "all-to-all", "tcp": "TCP", "pairs": "pairs",
         "pairs64k": "pairs, 64 KiB", "pair": "one pair", "mpi ring": "MPI", "mpi exchange": "MPI"}


def main():
    for program in "ib_write_bw", "taskset":
        if not shutil.which(program):
            sys.exit("bench-net: %s is not installed" % program)
    work = tempfile.mkdtemp()
    os.environ["NETEMU_SHM"] = tempfile.mkdtemp(prefix="nt.", dir="/dev/shm")
    with open(os.path.join(work, "system.json"), "w", encoding="ascii") as file:
        file.write(PLAIN)
    print("%d CPUs, load %s" % (CPUS, " ".join("%.1f" % value for value in os.getloadavg())))
    try:
        for ranks in RANKS:
            for size in SIZES:
                row(ranks, size, [measure(ranks, size, work) for _ in range(TURNS)])
        print("load %s" % " ".join("%.1f" % value for value in os.getloadavg()))
    finally:
        shutil.rmtree(work)
        shutil.rmtree(os.environ["NETEMU_SHM"])


main()
