#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu replay --compat: the messages of each of ASTRA-sim'"'"'s reference runs'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device.sh"
. "$NETEMU_SRCDIR/tests/lib-replay.sh"
test_have_prereq CHAKRA || {
	skip_all='no reference runs (NETEMU_SHARED_DATA)'
	test_done
}

# Ranks of a model live in one process.
cat >one-process <<'END'
#!/bin/sh
shift
exec "$REPLAY" "$@"
END
cat >many-processes <<'END'
#!/bin/sh
count=$1 rank=0 pids= status=0
shift
meeting=$(mktemp -d)
while test $rank -lt "$count"; do
	NETEMU_RDV=file:$meeting:$count NETEMU_RANK=$rank "$REPLAY" "$@" &
	pids="$pids $!"
	rank=$((rank + 1))
done
for pid in $pids; do wait "$pid" || status=1; done
rm -rf "$meeting"
exit $status
END
chmod +x one-process many-processes
export REPLAY

# rows NETWORK RUNNER: all of them, and none is passed over.
rows() {
	python3 "$NETEMU_SRCDIR/tests/replay/astra-rows.py" "$CHAKRA" "$1" "$PWD/$2" >rows &&
	total=$(sed -n "s/^1\.\.//p" rows) && test "$total" -gt 100 &&
	test "$(grep -c "^ok" rows)" -eq "$total" || {
		grep -A1 "^not ok" rows
		false
	}
}

test_expect_success 'model: messages, sizes and cycles of all rows' '
	rows model one-process
'

test_expect_success 'tcp: messages and sizes of all rows' '
	rows tcp many-processes
'

test_expect_success VERBS 'verbs: messages and sizes of all rows' '
	export LD_PRELOAD="$LIBNETEMU" NETEMU="$device_settings" &&
	rows verbs many-processes &&
	unset LD_PRELOAD NETEMU
'

test_done
