#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check-chrome.py - is this a trace in the Chrome trace event format?

	check-chrome.py [--whole] FILE

Says what is wrong with FILE and exits 1, or prints what is in it as words
NAME=NUMBER.  --whole: all ranks are in it, so an arrow has both its ends.

Rules of the format (Trace Event Format, "JSON Object Format"): fields that each
phase has to have; asynchronous events paired by category, number and process;
arrows paired by category and number, both ends on slices of their tracks.  Rules of
netemu-trace(1): times in order and slices nested on each track, no slice of less
than no time, no number that a double cannot hold.
"""
import collections
import json
import sys

EXACT = 2**53 - 1
MUST = {
    "X": ("name", "cat", "ts", "dur", "pid", "tid"),
    "b": ("name", "cat", "ts", "id", "pid", "tid"),
    "e": ("name", "cat", "ts", "id", "pid", "tid"),
    "n": ("name", "cat", "ts", "id", "pid", "tid"),
    "s": ("name", "cat", "ts", "id", "pid", "tid"),
    "f": ("name", "cat", "ts", "id", "pid", "tid"),
    "i": ("name", "ts", "s", "pid", "tid"),
    "C": ("name", "ts", "args", "pid"),
    "M": ("name", "args", "pid"),
}
NAMES = {
    "process_name": "name", "process_labels": "labels", "process_sort_index": "sort_index",
    "thread_name": "name", "thread_sort_index": "sort_index",
}


def fail(what, event=None):
    where = "" if event is None else ": " + json.dumps(event)[:400]
    sys.exit("check-chrome: %s%s" % (what, where))


def unique(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        fail("a key stands twice in one object: %s" % [key for key, _ in pairs])
    return found


def check_numbers(value, event):
    if isinstance(value, dict):
        for part in value.values():
            check_numbers(part, event)
    elif isinstance(value, list):
        for part in value:
            check_numbers(part, event)
    elif isinstance(value, int) and abs(value) > EXACT:
        fail("%d is no exact double" % value, event)


def ns(text, event):
    """Times are read as text: exact, in ns."""
    whole, point, part = text.lstrip("-").partition(".")
    if not point or len(part) != 3 or not (whole + part).isdigit():
        fail("'%s' is not microseconds with three decimals" % text, event)
    number = int(whole + part)
    return -number if text.startswith("-") else number


def check_fields(event):
    ph = event.get("ph")
    if ph not in MUST:
        fail("phase '%s'" % ph, event)
    for key in MUST[ph]:
        if key not in event:
            fail("no '%s'" % key, event)
    for key in ("pid", "tid"):
        if key in event and not isinstance(event[key], int):
            fail("'%s' is no integer" % key, event)
    if "ts" in event:
        event["ts"] = ns(str(event["ts"]), event)
    if "dur" in event:
        event["dur"] = ns(str(event["dur"]), event)
        if event["dur"] < 0:
            fail("takes less than no time", event)
    check_numbers(event.get("args"), event)


def check_named(event):
    if event["name"] not in NAMES or list(event["args"]) != [NAMES[event["name"]]]:
        fail("no such metadata", event)


def check_slices(tracks):
    for slices in tracks.values():
        stack, last = [], None
        for slice_ in slices:
            begin, end = slice_["ts"], slice_["ts"] + slice_["dur"]
            if last is not None and begin < last:
                fail("earlier than the one before it on its track", slice_)
            last = begin
            while stack and stack[-1] <= begin:
                stack.pop()
            if stack and end > stack[-1]:
                fail("ends after the slice that it began in", slice_)
            stack.append(end)


def check_pairs(events):
    open_, done = {}, set()
    for event in events:
        key = (event["pid"], event["cat"], event["id"])
        if event["ph"] == "b":
            if key in open_ or key in done:
                fail("the number is taken", event)
            open_[key] = event
        elif event["ph"] == "e":
            begun = open_.pop(key, None)
            if begun is None:
                fail("ends without a beginning", event)
            if event["ts"] < begun["ts"]:
                fail("ends before it begins", event)
            if event["tid"] != begun["tid"]:
                fail("ends on another track", event)
            done.add(key)
    if open_:
        fail("begins without an end", next(iter(open_.values())))


def check_arrows(events, tracks, whole):
    """An end without "bp" belongs to the slice that begins next: at once."""
    ends = {"s": {}, "f": {}}
    for event in events:
        key = (event["cat"], event["id"])
        if key in ends[event["ph"]]:
            fail("two arrows of one number", event)
        ends[event["ph"]][key] = event
    starts = {track: set(x["ts"] for x in slices) for track, slices in tracks.items()}
    for ph in "sf":
        for event in ends[ph].values():
            if event["ts"] not in starts.get((event["pid"], event["tid"]), ()):
                fail("an arrow beside all slices", event)
    both = ends["s"].keys() & ends["f"].keys()
    if whole and len(both) != len(ends["f"]):
        key = next(iter(ends["f"].keys() - both))
        fail("an arrow from nowhere", ends["f"][key])
    for key in both:
        if ends["f"][key]["ts"] < ends["s"][key]["ts"]:
            fail("received before it was sent", ends["f"][key])
    return len(both)


def check_order(events):
    """All but slices of other instruments, per track, as they stand in the file."""
    last = {}
    for event in events:
        if event["ph"] in "Xsfbei" and event.get("cat") not in ("device", "mpi"):
            key = (event["pid"], event["tid"])
            if event["ts"] < last.get(key, event["ts"]):
                fail("earlier than what stands before it", event)
            last[key] = event["ts"]


def main():
    whole = sys.argv[1] == "--whole"
    with open(sys.argv[-1], encoding="utf-8") as stream:
        trace = json.load(stream, object_pairs_hook=unique, parse_float=str)
    if not isinstance(trace, dict) or not isinstance(trace.get("traceEvents"), list):
        fail("no object with traceEvents")
    if trace.get("displayTimeUnit") not in ("ms", "ns"):
        fail("displayTimeUnit '%s'" % trace.get("displayTimeUnit"))
    other = trace.get("otherData")
    for key in ("start_ns", "job", "step", "processes"):
        if key not in other:
            fail("otherData without '%s'" % key)
    check_numbers({k: v for k, v in other.items() if k != "processes"}, None)
    tracks, phases = collections.defaultdict(list), collections.defaultdict(list)
    for event in trace["traceEvents"]:
        check_fields(event)
        phases[event["ph"]].append(event)
        if event["ph"] == "X":
            tracks[event["pid"], event["tid"]].append(event)
        if event["ph"] == "M":
            check_named(event)
    named = {(e["pid"], e["tid"]) for e in phases["M"] if e["name"] == "thread_name"}
    for event in trace["traceEvents"]:
        if event["ph"] in "Xbesfi" and (event["pid"], event["tid"]) not in named:
            fail("on a track without a name", event)
    check_slices(tracks)
    check_pairs([e for e in trace["traceEvents"] if e["ph"] in "be"])
    check_order(trace["traceEvents"])
    arrows = check_arrows(phases["s"] + phases["f"], tracks, whole)
    requests = [e for e in phases["b"] if e["cat"] == "wr"]
    print("processes=%d tracks=%d slices=%d requests=%d arrows=%d counters=%d errors=%d"
          " device=%d" %
          (len({e["pid"] for e in trace["traceEvents"]}), len(named), len(phases["X"]),
           len(requests), arrows, len(phases["C"]),
           len([e for e in phases["i"] if e.get("cat") == "error"]),
           len([e for e in trace["traceEvents"] if e.get("cat") == "device"])))


main()
