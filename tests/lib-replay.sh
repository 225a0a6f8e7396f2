# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib-replay.sh - run `netemu replay` on several ranks, by hand
#
#	. "$NETEMU_SRCDIR/tests/lib-device.sh"
#	. "$NETEMU_SRCDIR/tests/lib-replay.sh"
#	ranks 4 --network=tcp --workload trace
#
# What each rank says is in out.RANK and err.RANK; ranks prints what rank 0 does.

REPLAY=$NETEMU_BUILDDIR/netemu-replay
CHAKRA=${NETEMU_SHARED_DATA:-$NETEMU_SRCDIR/../shared/data}/chakra
test -r "$CHAKRA/astra_ref.json" && test_set_prereq CHAKRA
# What is preloaded comes before the runtime of the address sanitizer, which does not bear that.
replay_is_plain() {
	! nm "$REPLAY" 2>/dev/null | grep -q __asan
}
test -e "$LIBNETEMU" && replay_is_plain && test_set_prereq VERBS

# one_rank RANK ARGS...: in place of the shell; $meeting is where they meet.
one_rank() {
	NETEMU_RDV=$meeting NETEMU_RANK=$1
	export NETEMU_RDV NETEMU_RANK
	shift
	exec $replay_with timeout -k 5 60 "$REPLAY" "$@"
}

# ranks N ARGS...: 0 when all ranks end so, else 1; each says how it ended in status.RANK.
ranks() {
	ranks_count=$1
	shift
	rm -rf meeting out.* err.* status.*
	mkdir meeting
	meeting=file:$PWD/meeting:$ranks_count
	rank=0
	while test $rank -lt "$ranks_count"; do
		{
			(one_rank $rank "$@") >out.$rank 2>err.$rank
			echo $? >status.$rank
		} &
		rank=$((rank + 1))
	done
	wait
	cat out.0
	cat err.* >&2
	! grep -vqx 0 status.*
}

# Over the emulated device: what stands in front of the program.
replay_over_device() {
	replay_with="env LD_PRELOAD=$LIBNETEMU NETEMU=$device_settings"
}
replay_with=
