#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu trace: files larger than memory, and who is interrupted'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-matrix.sh"

trace=$NETEMU_BUILDDIR/netemu-trace

# A sanitizer's shadow memory is larger than any limit.
nm "$trace" 2>/dev/null | grep -q __asan || test_set_prereq LIMIT

test_expect_success 'a file of 120 MB' '
	mkdir -p netemu.7.0/verbs &&
	"$NETEMU_BUILDDIR/tests/trace/gen-ring" netemu.7.0/verbs/ring-0.bin 450000 &&
	test "$(stat -c %s netemu.7.0/verbs/ring-0.bin)" -gt 115000000
'

for command in "check --format=json" "matrix --format=tsv" "export --format=csv --output=-"; do
	test_expect_success LIMIT "netemu trace $command: in 90 MB of address space" '
		(ulimit -v 90000 && "$trace" $command netemu.7.0) >out && test -s out
	'
done

test_expect_success LIMIT 'all messages are there' '
	"$trace" matrix --format=tsv netemu.7.0 >out && cat out &&
	awk "NR > 1 { bytes += \$3; messages += \$4 }
		END { exit !(bytes == 64 * 450000 && messages == 450000) }" out
'

# Of each message two requests, four calls and an arrow; and 13 calls that make the queue pairs.
test_expect_success LIMIT 'a timeline of it: each request and each call, in 90 MB' '
	{ (ulimit -v 90000; "$trace" export --output=- netemu.7.0); echo $? >rc; } |
		cut -c1-40 | grep -o "^{\"ph\":\".\"" | sort | uniq -c >kinds &&
	cat kinds && test "$(cat rc)" = 0 &&
	for count in b=900000 e=900000 s=450000 f=450000 X=1800013 C=1800000; do
		grep -q "^ *${count#*=} {\"ph\":\"${count%=*}\"\$" kinds || return 1
	done
'

# What a background job of a script is sent with Ctrl-C it ignores: SIGTERM does the same.
test_expect_success 'no half file of an export that is ended' '
	mkdir half &&
	{ "$trace" export --output=half/trace.json netemu.7.0 2>err & } &&
	pid=$! &&
	until ls -A half | grep -q .; do kill -0 $pid || break; done &&
	kill $pid && test_expect_code 1 wait $pid &&
	grep "netemu trace export: interrupted" err &&
	ls -A half >left && test_must_be_empty left
'

test_done
