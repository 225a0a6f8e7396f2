#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench-run.py - what runs of netemu sim take, from scenario to results

    make bench-run [MOST=1000000]

A sweep of 12 cases (the one of PFSim when it is there, else one like it) with
the results of netemu and those of PFSim; how time and memory grow with jobs and
hosts; and the routing of as many starts and the same pairs with networkx in the
same run, as a simulator in Python does it.  Prints, never passes or fails.
Processor time counts, as a machine may have other work to do; a peak below some
15 MB is that of Python.
"""
import csv
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROW = "%-34s %9s %9s %9s %9s %12s"


def run(*arguments):
    """Run netemu-sim; returns wall and processor seconds, and peak MB."""
    start = time.monotonic()
    child = subprocess.Popen(["netemu-sim", *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit("bench-run: netemu-sim %s failed" % " ".join(arguments))
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def show(what, jobs, wall, cpu, peak):
    print(ROW % (what, jobs, "%.2f" % wall, "%.2f" % cpu, "%.0f" % peak, "%.0f" % (jobs / cpu)))
    sys.stdout.flush()


def rows(path, **form):
    with open(path, newline="") as file:
        return list(csv.DictReader(file, **form))


def count_started(output):
    return sum(row["start"] != "" for entry in os.scandir(output) if entry.is_dir()
               for row in rows(os.path.join(entry.path, "jobs.csv")))


OWN_SWEEP = """
topology: xgft:4x4x3:1x2x2@slots=8
output: sweep
plots: no
duration: 1000
algorithms:
  scheduler: fcfs
  host_selector: [linear, random]
  process_mapper: [block, cyclic]
  router: [dmodk, greedy, greedy-max]
jobs:
  - submit: {distribution: exponential, params: {mean: 10}}
    duration: {distribution: exponential, params: {mean: 5}}
    ranks: 128
    pattern: nn3d
    bytes: 1MiB
"""


def write(name, text):
    with open(name, "w") as file:
        file.write(text)


def bench_sweep():
    theirs = os.path.join(os.environ.get("NETEMU_SHARED_DATA", ""), "pfsim")
    there = os.path.exists(os.path.join(theirs, "xgft-cg.yml"))
    text = OWN_SWEEP
    if there:
        os.symlink(os.path.join(theirs, "traces"), "traces")
        with open(os.path.join(theirs, "xgft-cg.yml")) as file:
            text = re.sub(r"(?m)^duration:.*$", "duration: 10000", file.read()) + "plots: no\n"
    write("sweep.yml", text)
    name = "sweep of 12, CG of 128 ranks" if there else "sweep of 12, nn3d of 128 ranks"
    took = run("run", "sweep.yml", "--output", "sweep")
    show(name, count_started("sweep"), *took)
    if there:
        took = run("run", "sweep.yml", "--compat=pfsim", "--output", "compat")
        show("the same, as PFSim does", count_started("sweep"), *took)


PAIRS = """
topology: xgft:4x4x3:1x2x2@slots=8
output: pairs
plots: no
algorithms: {host_selector: random, router: greedy-max}
jobs:
  - submit: {distribution: exponential, params: {mean: 5}}
    duration: {distribution: exponential, params: {mean: 10}}
    count: %d
    ranks: 128
    pattern: all-to-all
    bytes: 1MiB
"""


def hosts_of(text):
    """The hosts of a cell, as "h000..h001 h004"."""
    hosts = []
    for part in text.split():
        ends = re.findall(r"(\D+)(\d+)", part)
        first, last = int(ends[0][1]), int(ends[-1][1])
        hosts += ["%s%0*d" % (ends[0][0], len(ends[0][1]), h) for h in range(first, last + 1)]
    return hosts


def route_in_python(networkx, graph, jobs):
    """Each pair goes over the path whose highest load is lowest; returns the most seen."""
    load = dict.fromkeys(graph.edges, 0)
    most = 0
    ends = []
    for job in sorted(jobs, key=lambda job: float(job["start"])):
        for end, used in [e for e in ends if e[0] <= float(job["start"])]:
            for link in used:
                load[link] -= 1
            ends.remove((end, used))
        hosts, used = hosts_of(job["hosts"]), []
        for source in hosts:
            for target in hosts:
                if source == target:
                    continue
                paths = networkx.all_shortest_paths(graph, source, target)
                best = min((list(zip(p, p[1:])) for p in paths),
                           key=lambda links: max(load[link] for link in links))
                for link in best:
                    load[link] += 1
                used += best
        most = max(most, *load.values())
        ends.append((float(job["end"]), used))
    return most


def bench_networkx(count=100):
    if not importlib.util.find_spec("networkx"):
        print("python3-networkx is not there: nothing to compare with")
        return
    write("pairs.yml", PAIRS % count)
    took = run("run", "pairs.yml")
    show("starts of 240 pairs of hosts", count, *took)
    import networkx  # not before: what runs has the peak of this process at least
    graph = networkx.DiGraph()
    graph.add_edges_from((row["src"], row["dst"])
                         for row in rows("pairs/0/links.tsv", delimiter="\t"))
    jobs = rows("pairs/0/jobs.csv")
    wall, cpu = time.monotonic(), time.process_time()
    most = route_in_python(networkx, graph, jobs)
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    show("the same with networkx, routing only", count, wall, cpu, 0)
    print("  all of netemu sim run is %.0f times as fast; busiest link of the Python one: "
          "%d pairs" % (cpu / took[1], most))


GROWTH = """
topology: xgft:%dx20:1x1
output: growth
plots: no
network: no
algorithms: {scheduler: easy}
jobs:
  - submit: {distribution: exponential, params: {mean: %g}}
    duration: {distribution: uniform, params: {min: 10, max: 60}}
    count: %d
    nodes: %d
    ranks: %d
"""


def bench_growth(hosts, jobs):
    nodes = max(1, hosts // 100)
    write("growth.yml", GROWTH % (hosts // 20, 35 * nodes / (0.8 * hosts), jobs, nodes, nodes))
    took = run("run", "growth.yml")
    show("%d hosts, load 0.8, no network" % hosts, jobs, *took)
    shutil.rmtree("growth")


def main():
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    with tempfile.TemporaryDirectory(prefix="bench-run.") as folder:
        os.chdir(folder)
        print(ROW % ("what", "jobs", "wall/s", "cpu/s", "peak/MB", "jobs/cpu s"))
        bench_sweep()
        jobs = 1000
        while jobs <= most:
            bench_growth(1000, jobs)
            jobs *= 10
        for hosts in (1000, 10000, 100000):
            bench_growth(hosts, min(most, 10000))
        bench_networkx()
        os.chdir("/")


if __name__ == "__main__":
    main()
