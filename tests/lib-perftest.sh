# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib-perftest.sh - each program of perftest with each option, and with pairs of them
#
#	device_set link_layer=ib && echo "-q 8" >lines && each runs ib_write_bw lines
#
# After lib-device.sh or lib-device-slurm.sh.  Lines of options are in the files
# base, further, rare, pairs, singles (without pairs) and all.

xrc_possible
tools="ib_send_lat ib_send_bw ib_write_lat ib_write_bw ib_read_lat ib_read_bw ib_atomic_lat
	ib_atomic_bw"
refused_table=$NETEMU_SRCDIR/tests/device/perftest-refused.txt

# Combinations of options, one per line: the words of each, "default" for none.
cat >base <<'END'
-a
-b
-q 8
-e
-c UC
-c UD
-c XRC
--use-srq
END
cat >further <<'END'
--odp
--use_old_post_send
-x 0
END
cat >rare <<'END'
-I 0
-I 128
-Q 1
-g
-l 4
-m 256
-o 1
-r 16
-s 1
-s 1000000
-t 1
-A CMP_AND_SWAP
-N
-U
-b --report-both
--inline_recv=64
--latency_gap=1
--mr_per_qp
--perform_warm_up
--pkey_index=0
--recv_post_list=4
--reversed
END
grep -q "^HugePages_Free: *[1-9]" /proc/meminfo && echo "--use_hugepages" >>rare
awk '{ option[NR] = $0 } END {
	for (i = 1; i <= NR; i++)
		for (j = i + 1; j <= NR; j++)
			if (option[i] !~ /^-c/ || option[j] !~ /^-c/) print option[i], option[j]
}' base >pairs
{ echo default; cat base further; } >singles
{ cat singles pairs rare; } >all

# options LINE TOOL: what stands for it on the command line; few messages are
# enough.  Latencies are in cycles but once: that saves a look at the clock.
options() {
	case $1 in
	default) echo "-F -n 100" ;;
	*-a*) echo "$1 -F -n 5" ;;
	*) echo "$1 -F -n 100" ;;
	esac
	case $2$1 in
	*_latdefault) ;;
	*_lat*) echo "-C" ;;
	esac
}

# said LOG: the first line of it that says something.
said() {
	grep -v -e '^-*$' -e '^ *$' "$1" | sed -n '1s/^ *//; 1s/ *$//; 1p'
}

# without_device TOOL LINE: what it is refused for before it looks for a device.
without_device() {
	# shellcheck disable=SC2046 # words
	timeout 10 "$1" $(options "$2" "$1") -d no-such-device >log 2>&1
	case $? in 0 | 12[4-7]) echo "it ran" && return ;; esac
	grep -q -e "Did not detect devices" -e "IB device no-such-device not found" log || said log
}

# results TOOL LINE: there is a line of numbers for each size.
results() {
	case $2 in
	*--reversed*) sizes=server.log ;; # the client is the one that waits then
	*) sizes=client.log ;;
	esac
	sizes=$(grep -cE '^ *[0-9]+ +[0-9]+ +[0-9.]+' $sizes)
	case $1$2 in
	*--report-both*) test "$sizes" = 3 ;; # the sum, and of each side
	*-a*-c\ UD* | *-c\ UD*-a*) test "$sizes" = 12 ;;
	*-a*) test "$sizes" = 23 ;;
	*) test "$sizes" = 1 ;;
	esac || { say_why "not a line for each size" client.log; return 1; }
}

# runs TOOL LINE
runs() {
	# shellcheck disable=SC2046 # words
	both "$1" $(options "$2" "$1") && results "$1" "$2" && return
	say_why "FAILED: $1 $2"
	return 1
}

# refuses TOOL LINE SENTENCE: it does so itself, in this sentence.
refuses() {
	# shellcheck disable=SC2046 # words
	device "$1" $(options "$2" "$1") >log 2>&1 && {
		say_why "NOT REFUSED: $1 $2" log
		return 1
	}
	test "$(said log)" = "$3" && return
	say_why "FAILED: $1 $2" log
	return 1
}

# impossible TOOL LINE: -g asks the subnet manager by MADs, which go through a kernel's
# device alone.  Atomics warm up by requests without IBV_SEND_SIGNALED, and then poll for
# their completions for ever: no device gives them.
impossible() {
	case "$1 $2" in
	"ib_atomic_bw --perform_warm_up" | *" -g") return 0 ;;
	esac
	return 1
}

# each FUNCTION TOOL FILE: FUNCTION TOOL LINE, of all lines that perftest does not
# refuse; all are tried, and those that failed are told.
each() {
	bad=0
	while read -r line; do
		case $line in *XRC*) test_have_prereq XRC || continue ;; esac
		impossible "$2" "$line" && continue
		grep -q "^$2	$line	" refused || "$1" "$2" "$line" || bad=1
	done <"$3" 3<&-
	return $bad
}

# ask_perftest: what it refuses of itself is asked of perftest, which is given no
# device; `refused` gets it.
ask_perftest() {
	for tool in $tools; do
		while read -r line; do
			why=$(without_device "$tool" "$line")
			test -z "$why" || printf '%s\t%s\t%s\n' "$tool" "$line" "$why"
		done <all
	done >refused
}

# known_version: the committed table is of this version of perftest.
known_version() {
	ib_send_lat -V 2>&1 | grep -qxF "$(sed -n 's/^# //p' "$refused_table" | tail -n 1)"
}

# refuses_all: all that is in `refused`, where there is a device.
refuses_all() {
	bad=0
	while IFS="	" read -r tool line why; do
		refuses "$tool" "$line" "$why" || bad=1
	done <refused
	return $bad
}

# each_tool TRANSPORT LINK: a test of each program, of the lines that tried() says.
each_tool() {
	for tool in $tools; do
		tried "$1" "$2" "$tool" >lines
		test -s lines || continue
		test_expect_success "$tool over $1, $2" 'each runs $tool lines'
	done
}
