#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu replay plot: pictures of time and bandwidth'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device.sh"
. "$NETEMU_SRCDIR/tests/lib-replay.sh"

command -v python3 >/dev/null || skip_all="python3 is not installed"
test -z "$skip_all" || test_done

if command -v gnuplot >/dev/null; then
	test_set_prereq GNUPLOT
fi

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

# numbers.py SCRIPT SUMMARY...: the data of the script are all that the summaries have, no
# more and no less.
cat >numbers.py <<\END
import json, os, re, sys
found, block = [], None
for line in open(sys.argv[1]):
    begin = re.match(r"\$(collective|ranks)_.* << EOD", line)
    of = re.match(r"# (measured|predicted), '(.*)': '(.*)'$", line)
    ranks = re.match(r"# of (\d+) ranks", line)
    if of:
        side, name, kind = of.group(1), of.group(2).replace("\'\'", "\'"), of.group(3)
    elif ranks:
        kind = (kind, int(ranks.group(1)))
    elif begin:
        block = begin.group(1)
    elif line == "EOD\n":
        block = None
    elif block:
        found.append((name, side, kind) + tuple(map(float, line.split())))
wanted = []
for path in sys.argv[2:]:
    name = path + "/replay/summary.json" if os.path.isdir(path) else path
    summary = json.load(open(name))
    for side, part in (("measured", summary), ("predicted", summary.get("predicted"))):
        if not part:
            continue
        for one in part["collectives"]:
            wanted.append((name, side, (one["collective"], one["ranks"])) + tuple(
                float(one[key]) for key in ("bytes", "p50_ns", "p99_ns", "algbw", "busbw")))
        for one in part["ranks"]:
            wanted.append((name, side, "ranks") + tuple(float(one[key]) for key in (
                "rank", "finish_ns", "cpu_ns", "compute_ns", "communication_ns")))
assert wanted
assert sorted(map(str, found)) == sorted(map(str, wanted)), \
    set(map(str, found)) ^ set(map(str, wanted))
print(len(found))
END

# plot PICTURE SUMMARY...: gnuplot has nothing to say, and draws.
plot() {
	picture=$1
	shift
	"$REPLAY" plot -o "$picture" "$@" >out 2>&1 && test_must_be_empty out && test -s "$picture"
}

test_expect_success GNUPLOT 'all that a summary of the model has is in the picture' '
	"$REPLAY" --network=model --ranks 4 --workload work.json --system system.json \
		--summary model.json >out &&
	plot model.svg model.json && python3 numbers.py model.gnuplot model.json >rows &&
	test $(cat rows) -eq $((5 + 4)) &&
	python3 -c "import xml.etree.ElementTree as t; t.parse(\"model.svg\")" &&
	for text in "all-reduce of 4 ranks: time" "all-to-all of 4 ranks: bandwidth" "lanes of the ranks"; do
		grep "$text" model.svg || return 1
	done
'

test_expect_success GNUPLOT 'measured and predicted side by side, of a run directory' '
	ranks 4 --network=tcp --workload work.json --system system.json --dir run --predict \
		--model topology=Switch,bandwidth=1GB/s,latency=5us >out &&
	plot run.svg run && python3 numbers.py run.gnuplot run >rows &&
	test $(cat rows) -eq $((2 * (5 + 4))) &&
	grep "measured p50" run.svg && grep "predicted p50" run.svg &&
	grep "lanes of the ranks, predicted" run.svg
'

test_expect_success GNUPLOT 'two summaries in one picture; names that are no words of gnuplot' "
	cp model.json \"a'b.json\" &&
	plot two.svg \"a'b.json\" run/replay/summary.json &&
	python3 numbers.py two.gnuplot \"a'b.json\" run/replay/summary.json
"

test_expect_success GNUPLOT 'a name in a summary runs nothing' '
	cat >evil.py <<-\END &&
	import json
	summary = json.load(open("model.json"))
	summary["collectives"][0]["collective"] = "x\n!touch ran\n`touch ran`\x27; system(\x27touch ran\x27) #"
	json.dump(summary, open("evil.json", "w"))
	END
	python3 evil.py && plot evil.svg evil.json && ! test -e ran
'

test_expect_success 'without gnuplot it is said, and the script is kept' '
	mkdir bin &&
	echo "{\"version\": 1, \"ranks\": [{\"rank\": 0, \"finish_ns\": 1, \"cpu_ns\": 0,
		\"compute_ns\": 0, \"communication_ns\": 1}], \"collectives\": []}" >one.json &&
	test_expect_code 1 env PATH="$PWD/bin" "$REPLAY" plot -o lone.svg one.json 2>err &&
	grep "gnuplot is not installed" err && test -s lone.gnuplot && ! test -e lone.svg
'

# refused SENTENCE ARGS...: 1, that sentence, and no picture.
refused() {
	sentence=$1
	shift
	rm -f no.svg
	test_expect_code 1 "$REPLAY" plot -o no.svg "$@" 2>err && grep -e "$sentence" err &&
		! test -e no.svg && ! test -e no.gnuplot
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
	refused "minus.json" one.json minus.json &&
	test_expect_code 1 "$REPLAY" plot -o nowhere/no.svg one.json 2>err &&
	grep "nowhere/no.gnuplot" err &&
	test_expect_code 2 "$REPLAY" plot -o no.txt one.json 2>err && grep "no.txt. ends in neither" err &&
	test_expect_code 2 "$REPLAY" plot 2>err && grep "which summary" err
'

device_done
