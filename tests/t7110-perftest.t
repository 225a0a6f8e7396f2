#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='perftest: each program with each option (TEST_LONG=t: every pair of them)'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device.sh"
device_need ib_send_lat ib_atomic_bw

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
--use_hugepages
END
awk '{ option[NR] = $0 } END {
	for (i = 1; i <= NR; i++)
		for (j = i + 1; j <= NR; j++)
			if (option[i] !~ /^-c/ || option[j] !~ /^-c/) print option[i], option[j]
}' base >pairs
{ echo default; cat base further; } >singles
{ cat singles pairs rare; } >all

# perftest measures the clock for 0.2 s at each size of messages: without TEST_LONG
# few runs have all sizes (-a), and few are carried by queues.
cat >some-sizes <<'END'
direct ib ib_send_bw -a
direct ib ib_write_lat -a
END
cat >some-queues <<'END'
queue ib ib_send_lat default
queue ib ib_send_lat -e
queue ib ib_send_bw -b
queue ib ib_send_bw -c UC
queue ib ib_send_bw -c UD
queue ib ib_send_bw -c XRC
queue ib ib_send_bw --use-srq
queue ib ib_write_lat default
queue ib ib_write_bw -q 8
queue ib ib_write_bw -s 1048576
queue ib ib_read_lat default
queue ib ib_read_bw -s 1048576
queue ib ib_atomic_lat default
queue ib ib_atomic_bw -b
END

# tried TRANSPORT LINK TOOL: the combinations that are.
tried() {
	case $1-$2-$TEST_LONG in
	*-ib-?*) cat all ;;
	*-ethernet-?*) cat singles ;;
	direct-ib-) grep -vx -e -a singles ;;
	direct-ethernet-) echo default ;;
	esac
	test -n "$TEST_LONG" || sed -n "s/^$1 $2 $3 //p" some-sizes some-queues
}

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

# results TOOL LINE: both sides have printed a line of numbers for each size.
results() {
	sizes=$(grep -cE '^ *[0-9]+ +[0-9]+ +[0-9.]+' client.log)
	case $1$2 in
	*-a*-c\ UD* | *-c\ UD*-a*) test "$sizes" = 12 ;;
	*-a*) test "$sizes" = 23 ;;
	*) test "$sizes" = 1 ;;
	esac || { cat client.log; return 1; }
}

# runs TOOL LINE
runs() {
	# shellcheck disable=SC2046 # words
	both "$1" $(options "$2" "$1") && results "$1" "$2" && return
	echo "FAILED: $1 $2"
	return 1
}

# refuses TOOL LINE SENTENCE: it does so itself, in this sentence.
refuses() {
	# shellcheck disable=SC2046 # words
	device "$1" $(options "$2" "$1") >log 2>&1 && { echo "NOT REFUSED: $1 $2"; return 1; }
	test "$(said log)" = "$3" && return
	echo "FAILED: $1 $2"
	cat log
	return 1
}

# each FUNCTION TOOL FILE: FUNCTION TOOL LINE, of all lines that perftest does not
# refuse; all are tried, and those that failed are told.
each() {
	bad=0
	while read -r line; do
		grep -q "^$2	$line	" refused || "$1" "$2" "$line" || bad=1
	done <"$3" 3<&-
	return $bad
}

# What perftest refuses of itself is asked of perftest, which is given no device.
for tool in $tools; do
	while read -r line; do
		why=$(without_device "$tool" "$line")
		test -z "$why" || printf '%s\t%s\t%s\n' "$tool" "$line" "$why"
	done <all
done >refused

if ib_send_lat -V 2>&1 | grep -qxF "$(sed -n 's/^# //p' "$refused_table" | tail -n 1)"; then
	test_set_prereq KNOWN
else
	echo "# another version of perftest than the table's"
fi

test_expect_success KNOWN 'perftest refuses what it is known to refuse, and no more' '
	grep -v "^#" "$refused_table" >expected && test_cmp expected refused
'

test_expect_success 'it does so in the same words where there is a device' '
	bad=0 &&
	while IFS="	" read -r tool line why; do
		refuses $tool "$line" "$why" || bad=1
	done <refused && test $bad = 0
'

for transport in $DEVICE_TRANSPORTS; do
	for link in ib ethernet; do
		for tool in $tools; do
			tried "$transport" "$link" "$tool" >lines
			test -s lines || continue
			test_expect_success "$tool over $transport, $link" '
				device_set "transport=$transport,link_layer=$link" &&
				each runs $tool lines
			'
		done
	done
done

# Over transport=auto, by a client that may not touch the server's memory, to a server
# that never calls the library while it is written to.
unshare --user --map-root-user true 2>/dev/null && test_set_prereq USERNS

test_expect_success USERNS 'who may not touch the memory of its peer sends by queues' '
	device_set transport=auto &&
	for tool in ib_write_bw ib_write_lat ib_read_bw ib_atomic_bw ib_send_lat; do
		pair "$tool -F -n 100 -p PORT" \
			"unshare --user --map-root-user $tool -F -n 100 -p PORT 127.0.0.1" || return
	done
'

device_done
