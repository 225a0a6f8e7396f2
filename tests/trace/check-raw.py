#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check-raw.py - is this a file as nettrace-raw(5) says?

	check-raw.py FILE [CHROME]

Says what is wrong and exits 1, or prints how often each call is in it as words
CALL=NUMBER, and the bytes of each opcode posted as OPCODE.bytes=NUMBER.  With the
timeline of the same run, CHROME: whether both have the same events.
"""
import collections
import json
import sys

INT, TEXT, HEX, BOOL, LIST = "int", "text", "hex", "bool", "list"
HEAD = {"format": TEXT, "version": INT, "job": TEXT, "step": TEXT, "processes": LIST,
        "events": LIST}
PROCESS = {"rank": INT, "ranks": INT, "node": TEXT, "program": TEXT, "pid": INT, "tag": TEXT,
           "clock": TEXT, "clock_offset_ns": INT, "level": TEXT, "clean": BOOL, "stream": BOOL,
           "records": INT, "dropped": INT, "lost": INT, "empty_polls": INT}
EVENT = {"time": INT, "rank": INT, "thread": INT, "call": TEXT}
SEND = {"qpn": INT, "wr_id": INT, "opcode": TEXT, "bytes": INT, "sges": INT}
RECEIVE = {"wr_id": INT, "bytes": INT, "sges": INT}
COMPLETION = {"qpn": INT, "wr_id": INT, "status": TEXT, "bytes": INT, "src_qp": INT, "slid": INT,
              "sl": INT, "empty_polls": INT, "batch": INT}
DEVICE = {"what": TEXT, "at": INT, "qpn": INT, "device": INT, "remote_qpn": INT, "bytes": INT}
LATENCY = {"qpn": INT, "count": INT, "min_ticks": INT, "max_ticks": INT, "sum_ticks": INT,
           "buckets": LIST}
CALL = {"result": INT}
SHAPES = {
    "ibv_post_send": SEND, "ibv_wr": SEND,
    "ibv_post_recv": RECEIVE, "ibv_post_srq_recv": RECEIVE,
    "ibv_poll_cq": COMPLETION, "ibv_start_poll": COMPLETION, "ibv_next_poll": COMPLETION,
    "device": DEVICE, "summary": {}, "latency": LATENCY,
}
POSTS = ("ibv_post_send", "ibv_wr", "ibv_post_recv", "ibv_post_srq_recv")
SGE = {"address": HEX, "length": INT, "lkey": INT}


def fail(what, where=None):
    sys.exit("check-raw: %s%s" % (what, "" if where is None else ": " + str(where)[:400]))


def unique(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        fail("a key stands twice in one object", [key for key, _ in pairs])
    return found


def is_a(value, kind):
    if kind == INT:  # what a double cannot hold is text
        return (isinstance(value, int) and not isinstance(value, bool)) or is_a(value, HEX)
    if kind == HEX:
        return isinstance(value, str) and value.startswith("0x") and int(value, 16) >= 0
    return isinstance(value, {TEXT: str, BOOL: bool, LIST: list}[kind])


def check(value, fields):
    for key, kind in fields.items():
        if key not in value:
            fail("no '%s'" % key, value)
        if not is_a(value[key], kind):
            fail("'%s' is no %s" % (key, kind), value)


def check_duration(event, version):
    """Not all posts are timed."""
    if "duration" not in event and version > 1 and event["call"] in POSTS:
        return
    check(event, {"duration": INT})
    if event["duration"] < 0:
        fail("of less than no time", event)


def check_sges(event):
    if "sge" not in event:
        return
    for sge in event["sge"]:
        check(sge, SGE)
    if len(event["sge"]) != event["sges"]:
        fail("so many elements", event)
    if sum(sge["length"] for sge in event["sge"]) != event["bytes"]:
        fail("the elements have other bytes", event)


def check_raw(raw):
    check(raw, HEAD)
    if raw["format"] != "nettrace-raw" or raw["version"] not in (1, 2):
        fail("format '%s' version %s" % (raw["format"], raw["version"]))
    records = 0
    for process in raw["processes"]:
        check(process, PROCESS)
        records += process["records"]
    ranks = {process["rank"] for process in raw["processes"]}
    for event in raw["events"]:
        check(event, EVENT)
        check_duration(event, raw["version"])
        check(event, SHAPES.get(event["call"], CALL))
        check_sges(event)
        if event["rank"] not in ranks:
            fail("of no rank", event)
    if len(raw["events"]) > records:
        fail("%d events of %d records" % (len(raw["events"]), records))


def of_raw(raw, start):
    """What both say of an event, as the timeline has it."""
    for event in raw["events"]:
        if event["call"] in ("device", "summary", "latency"):
            yield event["rank"], event["call"], event["qpn"] if "qpn" in event else 0
            continue
        what = (event["rank"], event["time"] - start, event.get("duration", "untimed"))
        if event["call"] in SHAPES:
            yield what + (event.get("qpn", event.get("srq")), event["wr_id"],
                          event.get("opcode"), event.get("status"),
                          None if event.get("status", "SUCCESS") != "SUCCESS"
                          else event["bytes"])
        else:
            yield what + (event["call"], event["result"])


def ns(text):
    return int(text.replace(".", ""))


def of_chrome(chrome):
    for event in chrome["traceEvents"]:
        args = event.get("args", {})
        if event.get("cat") == "device" and event["ph"] in "bi":
            yield event["pid"], "device", None
        if event.get("cat") in ("summary", "latency"):
            yield event["pid"], event["cat"], args.get("qpn", 0)
        if event["ph"] != "X" or event["cat"] != "verbs":
            continue
        what = (event["pid"], ns(event["ts"]),
                ns(event["dur"]) if args.get("timed", True) else "untimed")
        if not args.get("timed", True) and ns(event["dur"]):
            fail("not timed, and so long", event)
        for part in args.get("requests", args.get("completions", ())):
            yield what + (part.get("qpn", part.get("srq")), part["wr_id"], part.get("opcode"),
                          part.get("status"), part.get("bytes"))
        if "result" in args:
            if args["duration_ns"] != what[2]:
                fail("two durations", event)
            yield what + (event["name"], args["result"])


def without_qpn(event):
    return event[:2] + (None,) if event[1] == "device" else event


def compare(raw, chrome):
    start = int(chrome["otherData"]["start_ns"])
    one = collections.Counter(without_qpn(event) for event in of_raw(raw, start))
    other = collections.Counter(of_chrome(chrome))
    for event, number in ((one - other) + (other - one)).items():
        fail("%d times in one and not in the other" % number, event)


def load(path, **how):
    with open(path, encoding="utf-8") as stream:
        return json.load(stream, object_pairs_hook=unique, **how)


def main():
    raw = load(sys.argv[1])
    check_raw(raw)
    if len(sys.argv) > 2:
        compare(raw, load(sys.argv[2], parse_float=str))
    calls = collections.Counter(event["call"] for event in raw["events"])
    sizes = collections.Counter()
    for event in raw["events"]:
        if SHAPES.get(event["call"]) is SEND:
            sizes[event["opcode"]] += event["bytes"]
    print(" ".join(["%s=%d" % item for item in sorted(calls.items())] +
                   ["%s.bytes=%d" % item for item in sorted(sizes.items())]))


main()
