#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# schedule-compare.py SACCT JOBS: did the simulator (jobs.csv) start jobs in the
# order in which Slurm did (sacct -P), on the same nodes, each waiting for the
# end of the same others?  Prints both in seconds.
import csv
import datetime
import re
import sys

SLACK = 4  # s between an end and the start that waited for it


def nodes_of_slurm(text):
    names = []
    for prefix, ranges, single in re.findall(r"([a-z]+)\[([0-9,-]+)\]|([a-z0-9]+)", text):
        if single:
            names.append(single)
            continue
        for part in ranges.split(","):
            low, _, high = part.partition("-")
            names += [f"{prefix}{i}" for i in range(int(low), int(high or low) + 1)]
    return names


def nodes_of_ours(text):
    names = []
    for part in text.split():
        low, _, high = part.partition("..")
        first, last = (int(re.sub(r"\D", "", name)) for name in (low, high or low))
        names += [f"{low.rstrip('0123456789')}{i}" for i in range(first, last + 1)]
    return names


def seconds(text):
    return datetime.datetime.fromisoformat(text).timestamp()


def real_jobs(path):
    rows = list(csv.DictReader(open(path), delimiter="|"))
    zero = min(seconds(row["Submit"]) for row in rows)
    return {row["JobID"]: (seconds(row["Submit"]) - zero, seconds(row["Start"]) - zero,
                           seconds(row["End"]) - zero, nodes_of_slurm(row["NodeList"]))
            for row in rows}


def simulated_jobs(path):
    return {row["id"]: (float(row["submit"]), float(row["start"]), float(row["end"]),
                        nodes_of_ours(row["hosts"]))
            for row in csv.DictReader(open(path))}


def waits_for(jobs):
    """The jobs whose end let each one start that had to wait."""
    waits = {}
    for name, (submit, start, _, _) in jobs.items():
        if start - submit > SLACK:
            waits[name] = sorted(other for other, job in jobs.items()
                                 if other != name and 0 <= start - job[2] <= SLACK)
    return waits


def order(jobs, like):
    """By start; what starts together stands as in LIKE."""
    return sorted(jobs, key=lambda name: (round(like[name][1] / SLACK / 2), int(name)))


real, ours = real_jobs(sys.argv[1]), simulated_jobs(sys.argv[2])
print("job  submit   Slurm start  end  nodes        simulated start  end")
for name in real:
    print(f"{name:>3} {real[name][0]:7.0f} {real[name][1]:13.0f} {real[name][2]:4.0f}"
          f"  {','.join(real[name][3]):<24} {ours[name][1]:7.0f} {ours[name][2]:4.0f}")
same = (order(real, real) == order(ours, ours) and waits_for(real) == waits_for(ours) and
        all(real[name][3] == ours[name][3] for name in real))
print("waits for:", waits_for(real), "simulated:", waits_for(ours))
sys.exit(0 if same else 1)
