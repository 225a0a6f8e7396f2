#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""astra-rows.py - replay each reference run of ASTRA-sim and compare what was sent

Usage: astra-rows.py DATA NETWORK RUNNER...

DATA is the folder with astra_ref.json and microbenchmarks/; RUNNER N ARGS... runs N ranks of
`netemu replay`.  NETWORK is verbs, tcp or model.  Of each row the messages and bytes of each
ordered pair and the sizes that rank 0 sends must be those of the reference, for a model also the set of distinct finish
cycles.  One line of TAP for each row.
"""
import json
import os
import subprocess
import sys
import tempfile

DIFFERENT = {}  # row: reason why it cannot be matched


def name_of(row):
    return " ".join(str(row[k]) for k in ("tag", "backend", "coll", "N", "impl", "topo", "dims",
                                          "splits", "active", "opt", "pol", "args"))


def system_of(row):
    dims = row["dims"].split("x")
    algorithms = row["impl"].split("x") if len(dims) > 1 else [row["impl"]]
    system = {
        "scheduling-policy": row["pol"], "endpoint-delay": 10,
        "active-chunks-per-dimension": row["active"],
        "preferred-dataset-splits": row["splits"],
        "collective-optimization": row["opt"], "local-mem-bw": 1600,
    }
    for coll in ("all-reduce", "all-gather", "reduce-scatter", "all-to-all"):
        system[coll + "-implementation"] = algorithms
    return system


def write(folder, name, content):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        json.dump(content, file)
    return path


def run(row, data, network, runner, folder):
    """The summary of a replay of ROW, or a sentence."""
    summary = os.path.join(folder, "summary.json")
    args = runner + [str(row["N"]), "--network=" + network, "--compat", "--quiet",
                     "--system", write(folder, "system.json", system_of(row)),
                     "--logical_topology", row["dims"], "--summary", summary,
                     "--workload", "%s/microbenchmarks/%s/%dnpus_1MB/%s" % (
                         data, row["coll"], row["N"], row["coll"])] + row["args"].split()
    if network == "model":
        args += ["--model", "topology=%s,bandwidth=50,latency=500,congestion=%s" % (
            row["topo"].replace("x", "+"), "yes" if row["backend"] == "aware" else "no")]
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    if done.returncode:
        return None, done.stdout.decode(errors="replace").strip()
    with open(summary) as file:
        return json.load(file), ""


def compare(row, summary, network):
    pairs = {"%d->%d" % (p["src"], p["dst"]): [p["messages"], p["bytes"]]
             for p in summary["pairs"]}
    if pairs != row["pairs"]:
        return "pairs are %s, not %s" % (pairs, row["pairs"])
    sizes = {str(p["dst"]): sorted(size for size, _ in p["sizes"])
             for p in summary["pairs"] if p["src"] == 0}
    if sizes != {peer: sorted(r[2]) for peer, r in row["r0"].items()}:
        return "rank 0 sends sizes %s, not %s" % (sizes, row["r0"])
    cycles = sorted({r["finish_ns"] for r in summary["ranks"]})
    if network == "model" and cycles != sorted(row["cycles"]):
        return "cycles are %s, not %s" % (cycles, row["cycles"])
    return ""


def main():
    data, network, runner = sys.argv[1], sys.argv[2], sys.argv[3:]
    with open(os.path.join(data, "astra_ref.json")) as file:
        rows = json.load(file)
    failed = 0
    print("1..%d" % len(rows))
    with tempfile.TemporaryDirectory() as folder:
        for number, row in enumerate(rows, 1):
            summary, why = run(row, data, network, runner, folder)
            if summary:
                why = compare(row, summary, network)
            name = name_of(row)
            failed += bool(why) and name not in DIFFERENT
            print("%s %d - %s%s" % ("not ok" if why else "ok", number, name,
                                    " # TODO " + DIFFERENT[name] if name in DIFFERENT else ""))
            if why:
                print("# " + why)
    return failed != 0


sys.exit(main())
