# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# lib-opensm.sh - forwarding tables by OpenSM for fabrics that ibsim simulates
#
# Sets the prerequisite OPENSM when there is everything it takes.

for umad2sim in /usr/lib/*/umad2sim/libumad2sim.so /usr/lib64/umad2sim/libumad2sim.so \
	/usr/lib/umad2sim/libumad2sim.so; do
	test -e "$umad2sim" && break
done
PATH=$PATH:/usr/sbin:/sbin
if test -e "$umad2sim" && command -v ibsim >/dev/null && command -v opensm >/dev/null &&
	command -v ibnetdiscover >/dev/null; then
	test_set_prereq OPENSM
	opensm_missing=
else
	opensm_missing='no ibsim, opensm and ibnetdiscover here'
fi

# The name of the sockets of this ibsim is its own, so several may run.
opensm_ready() {
	tries=600
	until grep -q "@$IBSIM_SOCKNAME:ctl" /proc/net/unix; do
		tries=$((tries - 1))
		test $tries -gt 0 && kill -0 "$1" || return 1
		sleep 0.1
	done
}

# opensm_sweep ENGINE [OPTION...], in the folder for the results
opensm_sweep() {
	engine=$1
	shift
	: >opensm.conf
	LD_PRELOAD=$umad2sim timeout 120 opensm -F "$PWD/opensm.conf" -f "$PWD/opensm.log" -o \
		-D 0x43 -R "$engine,no_fallback" "$@" >opensm.out 2>&1 &&
		LD_PRELOAD=$umad2sim timeout 120 ibnetdiscover >ibnetdiscover.txt 2>discover.err &&
		LD_PRELOAD=$umad2sim timeout 120 ibnetdiscover -p >ibnetdiscover-p.txt 2>>discover.err &&
		test -s opensm-lfts.dump
}

# opensm_route SPEC ENGINE DIR [OPTION...]
# DIR/ibnetdiscover.txt, ibnetdiscover-p.txt, opensm-lfts.dump and
# opensm-subnet.lst of the topology SPEC, routed by ENGINE (minhop, ftree, updn,
# dnup, dfsssp, lash, ...) with OPTIONs for OpenSM.
opensm_route() {
	spec=$1 engine=$2 dir=$3
	shift 3
	mkdir -p "$dir" && "$NETEMU_BUILDDIR/tests/gen-fabric" "$spec" >"$dir/net" || return 1
	(
		cd "$dir" || exit 1
		IBSIM_SOCKNAME=netemu-$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
		OSM_TMP_DIR=$PWD OSM_CACHE_DIR=$PWD
		export IBSIM_SOCKNAME OSM_TMP_DIR OSM_CACHE_DIR
		# the net of each node counts in its tables, with room to spare
		ibsim -s -n -N 20000 -S 4000 -P 100000 net >ibsim.log 2>&1 &
		pid=$!
		rc=1
		opensm_ready $pid && opensm_sweep "$engine" "$@" && rc=0
		kill $pid 2>/dev/null
		wait $pid 2>/dev/null
		test $rc = 0 || tail -n 20 ibsim.log opensm.out
		exit $rc
	)
}
