# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154 # variables of sharness
#
# lib-netprof.sh - for tests of the plugin netprof on a private cluster
#
#	. "$NETEMU_SRCDIR/tests/lib-cluster.sh"
#	. "$NETEMU_SRCDIR/tests/lib-netprof.sh"
#	netprof_start 4 auto=yes

recorder=netprof
. "$NETEMU_SRCDIR/tests/lib-recorder.sh"
netprof_plugin=$recorder_plugin
netprof_libexec=$recorder_libexec
netprof_lib=$recorder_lib

netprof_line() {
	recorder_line "$@"
}

netprof_start() {
	recorder_start "$@"
	netprof_conf=$recorder_conf
}

netprof_set() {
	recorder_set "$@"
}
