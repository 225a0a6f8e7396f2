#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu replay plot: pictures of time and bandwidth'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device.sh"
. "$NETEMU_SRCDIR/tests/lib-replay.sh"

command -v python3 >/dev/null || skip_all="python3 is not installed"
test -z "$skip_all" || test_done

# Three sizes of one kind, two other kinds, computation and nothing at all.
cat >work.json <<END
{"workload_graph": [
{"Id": 1, "NodeType": 4, "runtime": 50, "data_deps": []},
{"Id": 2, "NodeType": 7, "comm_type": "ALL_REDUCE", "comm_size": 4096, "data_deps": [1]},
{"Id": 3, "NodeType": 7, "comm_type": "ALL_REDUCE", "comm_size": 65536, "data_deps": [2]},
{"Id": 4, "NodeType": 7, "comm_type": "ALL_REDUCE", "comm_size": 1048576, "data_deps": [3]},
{"Id": 5, "NodeType": 7, "comm_type": "ALL_TO_ALL", "comm_size": 65536, "data_deps": [4]},
{"Id": 6, "NodeType": 7, "comm_type": "BARRIER", "comm_size": 0, "data_deps": [5]}]}
END
echo '{"endpoint-delay": 10}' >system.json

# marks.py PICTURE SUMMARY...: an XML parser reads it, and what its marks say is all that the
# summaries have, no more and no less.
cat >marks.py <<\END
import json, os, sys
import xml.etree.ElementTree as tree
SVG = "{http://www.w3.org/2000/svg}"
root = tree.parse(sys.argv[1]).getroot()
assert root.tag == SVG + "svg", root.tag
width, height = float(root.get("width")), float(root.get("height"))
marks = [c for c in root.iter(SVG + "circle") if c.get("data-what")]
found = []
for mark in marks:
    assert mark.find(SVG + "title").text, mark.attrib
    assert 0 < float(mark.get("cx")) < width and 0 < float(mark.get("cy")) < height, mark.attrib
    key = (mark.get("data-collective"), mark.get("data-ranks"), mark.get("data-bytes"))
    found.append((mark.get("data-file"), mark.get("data-side"), mark.get("data-what"),
                  mark.get("data-rank") or key, float(mark.get("data-value"))))
wanted = []
for path in sys.argv[2:]:
    name = path
    if os.path.isdir(path):
        name = path + "/replay/summary.json"
    summary = json.load(open(name))
    for side, part in (("measured", summary), ("predicted", summary.get("predicted"))):
        if not part:
            continue
        for one in part["collectives"]:
            key = (one["collective"], str(one["ranks"]), str(one["bytes"]))
            wanted += [(name, side, what, key, float(one[what]))
                       for what in ("p50_ns", "p99_ns", "algbw", "busbw")]
        for one in part["ranks"]:
            wanted += [(name, side, what, str(one["rank"]), float(one[what]))
                       for what in ("finish_ns", "cpu_ns", "compute_ns", "communication_ns")]
assert wanted
assert sorted(map(str, found)) == sorted(map(str, wanted)), \
    set(map(str, found)) ^ set(map(str, wanted))
# of one series a longer time stands higher
series = {}
for mark in marks:
    if mark.get("data-bytes") and mark.get("data-what").endswith("_ns"):
        key = tuple(mark.get("data-" + k, "") for k in ("file", "side", "what", "collective"))
        series.setdefault(key, []).append((float(mark.get("data-value")), float(mark.get("cy"))))
for points in series.values():
    points.sort()
    assert all(a[1] >= b[1] for a, b in zip(points, points[1:])), points
print(len(marks))
END

test_expect_success 'all that a summary of the model has is in the picture' '
	"$REPLAY" --network=model --ranks 4 --workload work.json --system system.json \
		--summary model.json >out &&
	"$REPLAY" plot -o model.svg model.json >out && test_must_be_empty out &&
	python3 marks.py model.svg model.json >marks &&
	test $(cat marks) -eq $((5 * 4 + 4 * 4)) &&
	"$REPLAY" plot model.json >out && test_cmp model.svg out
'

test_expect_success 'measured and predicted side by side, of a run directory' '
	ranks 4 --network=tcp --workload work.json --system system.json --dir run --predict \
		--model topology=Switch,bandwidth=1GB/s,latency=5us >out &&
	"$REPLAY" plot --output=run.svg run &&
	python3 marks.py run.svg run >marks &&
	test $(cat marks) -eq $((2 * (5 * 4 + 4 * 4)))
'

test_expect_success 'two summaries in one picture; names with marks of XML' '
	cp model.json "a&b <\"c\">.json" &&
	"$REPLAY" plot -o two.svg "a&b <\"c\">.json" run/replay/summary.json &&
	python3 marks.py two.svg "a&b <\"c\">.json" run/replay/summary.json
'

test_expect_success 'of many ranks a mark stands for some, and the longest' '
	cat >many.py <<-\END &&
	import json
	ranks = [dict(rank=r, finish_ns=100 + r, cpu_ns=0, compute_ns=0, communication_ns=r % 7)
	         for r in range(3000)]
	json.dump(dict(version=1, ranks=ranks, collectives=[]), open("many.json", "w"))
	END
	python3 many.py && "$REPLAY" plot -o many.svg many.json &&
	test $(grep -c "data-what=\"finish_ns\"" many.svg) -eq 1000 &&
	grep "data-what=\"finish_ns\" data-rank=\"2997-2999\" data-value=\"3099\"" many.svg
'

# refused SENTENCE ARGS...: 1, that sentence, and no picture.
refused() {
	sentence=$1
	shift
	rm -f no.svg
	test_expect_code 1 "$REPLAY" plot -o no.svg "$@" 2>err && grep -e "$sentence" err &&
		test ! -e no.svg
}
test_expect_success 'what is no summary is refused with its name and place' '
	echo "{" >broken.json && echo "[]" >list.json &&
	echo "{\"version\": 2}" >later.json &&
	echo "{\"version\": 1, \"ranks\": []}" >less.json &&
	echo "{\"version\": 1, \"ranks\": [{\"rank\": -1}], \"collectives\": []}" >minus.json &&
	echo "{\"version\": 1, \"ranks\": [], \"collectives\": []}" >empty.json &&
	refused "unable to read .nowhere.json" nowhere.json &&
	refused "broken.json.: line" broken.json &&
	refused "list.json. is no summary" list.json &&
	refused "version 2" later.json &&
	refused "less.json.: collectives" less.json &&
	refused "minus.json.: ranks.0..rank: a whole number" minus.json &&
	refused "empty.json.: there are neither" empty.json &&
	refused "minus.json" model.json minus.json &&
	test_expect_code 1 "$REPLAY" plot -o nowhere/no.svg model.json 2>err &&
	grep "nowhere/no.svg" err &&
	test_expect_code 2 "$REPLAY" plot 2>err && grep "which summary" err
'

device_done
