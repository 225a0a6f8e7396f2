#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench-predict.py - what is measured on netemu0 beside what --predict says, and how exact gaps are

Each case is a run of ranks on nodes of their own (or that share a device), with so many
iterations that single disturbances do not count: the median is compared.  Then timed gaps of one rank
that has nothing else to do: by how much a node begins after it was to begin.  Only prints; what
else the machine does is in all of it.
"""
import json, os, shutil, subprocess, sys, tempfile
from statistics import median

BUILD = os.environ.get("NETEMU_BUILDDIR", os.getcwd())
DEVICE, REPLAY = (os.path.join(BUILD, name) for name in ("netemu-device", "netemu-replay"))
KINDS = {"all-reduce": "ALL_REDUCE", "all-to-all": "ALL_TO_ALL"}
MB = 1000000

# ranks, ranks on each node, network, what, algorithm, bytes, iterations
CASES = [
    (2, 1, "rate=100Mbit/s,latency=10us", "p2p", "", 1 * MB, 10),
    (2, 1, "rate=1Gbit/s,latency=10us", "p2p", "", 4 * MB, 20),
    (2, 1, "rate=1Gbit/s,latency=10ms", "p2p", "", 16 * MB, 5),
    (2, 1, "rate=10Gbit/s,latency=1ms", "p2p", "", 16 * MB, 10),
    (4, 1, "rate=100Mbit/s,latency=10us", "all-reduce", "ring", 1 * MB, 10),
    (4, 1, "rate=100Mbit/s,latency=1ms", "all-reduce", "ring", 1 * MB, 10),
    (4, 1, "rate=1Gbit/s,latency=100us", "all-reduce", "ring", 1 * MB, 20),
    (4, 1, "rate=1Gbit/s,latency=100us", "all-reduce", "ring", 16 * MB, 5),
    (4, 1, "rate=100Mbit/s,latency=1ms", "all-reduce", "direct", 1 * MB, 10),
    (4, 1, "rate=100Mbit/s,latency=10us", "all-to-all", "direct", 1 * MB, 10),
    (4, 1, "rate=1Gbit/s,latency=100us", "all-to-all", "direct", 1 * MB, 20),
    (4, 1, "rate=1Gbit/s,latency=100us", "all-to-all", "direct", 16 * MB, 5),
    (2, 1, "rate=100Mbit/s,latency=10us,devices=2", "all-reduce", "ring", 1 * MB, 10),
    (2, 1, "rate=1Gbit/s,latency=100us,devices=2", "all-reduce", "ring", 4 * MB, 20),
    (2, 1, "rate=100Mbit/s,latency=10us,devices=3", "p2p", "", 1 * MB, 10),
    (4, 1, "latency=10us,topology=kary:2:2@rate=100Mbit/s", "all-reduce", "ring", 1 * MB, 10),
    (4, 1, "latency=10us,topology=kary:2:2@rate=100Mbit/s", "all-to-all", "direct", 1 * MB, 10),
    (4, 1, "latency=100us,topology=kary:2:2@rate=1Gbit/s", "all-to-all", "direct", 4 * MB, 10),
    (4, 2, "rate=100Mbit/s,latency=10us", "all-reduce", "ring", 1 * MB, 10),
    (4, 4, "rate=100Mbit/s,latency=10us", "all-to-all", "direct", 1 * MB, 10),
]
GAPS, GAP_US = 1000, 1000


def node(**keys):
    return dict({"Id": 0, "data_deps": []}, **keys)


def write_trace(ranks, what, size):
    """A prefix, or a file for all ranks."""
    if what in KINDS:
        nodes = [node(NodeType=7, comm_type=KINDS[what], comm_size=size)]
        json.dump({"workload_graph": nodes}, open("trace.json", "w"))
        return "trace.json"
    for rank in range(ranks):
        # one sends to the other, ...
        keys = {"NodeType": 6, "comm_src": rank - 1} if rank % 2 else \
               {"NodeType": 5, "comm_dst": rank + 1}
        nodes = [node(comm_size=size, comm_tag=1, **keys)]
        json.dump({"workload_graph": nodes}, open("trace.%d.json" % rank, "w"))
        subprocess.run([REPLAY, "convert", "trace.%d.json" % rank, "trace.%d.et" % rank],
                       check=True)
    return "trace"


def run(ranks, each, network, arguments):
    """All ranks of one run; what rank 0 says of it."""
    meeting = tempfile.mkdtemp(dir=".")
    started = []
    for rank in reversed(range(ranks)):
        environment = dict(os.environ, NETEMU_RANK=str(rank),
                           NETEMU_RDV="file:%s:%d" % (os.path.abspath(meeting), ranks))
        started.append(subprocess.Popen(
            ["timeout", "-k", "5", "100", DEVICE, "run", "--fabric=bench-predict",
             "--nodes=%d" % (ranks // each), "--node=%d" % (rank // each), network, REPLAY,
             "--system=system.json", "--summary=summary.json", *arguments],
            env=environment, stdout=subprocess.DEVNULL))
    if any([process.wait() for process in started]):
        sys.exit("bench-predict.py: a run has failed")
    shutil.rmtree(meeting)
    return json.load(open("summary.json"))


def times(summary, what, iterations):
    """ns of an iteration: the median where each is known."""
    if what in KINDS:
        return summary["collectives"][0]["p50_ns"]
    return max(rank["finish_ns"] for rank in summary["ranks"]) / iterations


def devices_of(network):
    """All that a node has: for each of its ranks."""
    count = next((int(key[len("devices="):]) for key in network.split(",")
                  if key.startswith("devices=")), 1)
    return "+".join("netemu%d" % i for i in range(count))


def run_case(ranks, each, network, what, algorithm, size, iterations):
    json.dump({"endpoint-delay": 0, **({what + "-implementation": [algorithm]} if algorithm else {})},
              open("system.json", "w"))
    trace = write_trace(ranks, what, size)
    arguments = ["--workload=" + trace, "--predict", "--warmup=1", "--iterations=%d" % iterations,
                 "--rdma_driver=" + devices_of(network)]
    runs = [run(ranks, each, network, arguments) for _ in range(1 if what in KINDS else 3)]
    measured = median(times(summary, what, iterations) for summary in runs)
    predicted = times(runs[0]["predicted"], what, iterations)
    where = "%d ranks" % ranks + (", %d a device" % each if each > 1 else "")
    print("%-20s %-46s %-18s %4d MB %11.3f ms %11.3f ms  x %.3f" %
          (where, network, " ".join([what, algorithm]), size // MB, measured / 1e6,
           predicted / 1e6, measured / predicted), flush=True)


def run_gaps(spin):
    nodes = [dict(node(NodeType=4, is_cpu_op=True, runtime=GAP_US), Id=i,
                  data_deps=[i - 1] if i else []) for i in range(GAPS)]
    json.dump({"workload_graph": nodes}, open("trace.json", "w"))
    json.dump({}, open("system.json", "w"))
    rank = run(1, 1, "latency=1us", ["--workload=trace.json", "--spin=" + spin])["ranks"][0]
    print("%d gaps of %d us, --spin=%-6s begin too late by: median %.1f us, p99 %.1f us, at most "
          "%.1f us; all together %+.1f us" %
          (GAPS, GAP_US, spin, rank["late_p50_ns"] / 1e3, rank["late_p99_ns"] / 1e3,
           rank["late_max_ns"] / 1e3, rank["finish_ns"] / 1e3 - GAPS * GAP_US), flush=True)


def main():
    shm = tempfile.mkdtemp(prefix="nt.", dir="/dev/shm")
    directory = tempfile.mkdtemp()
    os.environ.update(NETEMU_SHM=shm)
    os.environ.pop("NETEMU_FABRIC", None)
    os.chdir(directory)
    try:
        print("load %.1f on %d processors" % (os.getloadavg()[0], os.cpu_count()))
        print("%-20s %-46s %-18s %7s %14s %14s" % ("", "network", "", "", "measured", "predicted"))
        for case in CASES:
            run_case(*case)
        # "always" never sleeps: what it is late by is the machine's
        for spin in ("auto", "always") * 3:
            run_gaps(spin)
    finally:
        os.chdir("/")
        shutil.rmtree(directory)
        shutil.rmtree(shm)


main()
