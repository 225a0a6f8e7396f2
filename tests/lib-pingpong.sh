# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib-pingpong.sh - the pingpong programs of libibverbs, with every option they offer
#
#	device_set link_layer=ib && pingpongs ibv_rc_pingpong -g 0
#
# After lib-device.sh or lib-device-slurm.sh.

pingpong_programs="ibv_rc_pingpong ibv_uc_pingpong ibv_ud_pingpong ibv_srq_pingpong
	ibv_xsrq_pingpong"
xrc_possible

# needs PROGRAM: what the test of it needs.
needs() {
	case $1 in *_xsrq_*) echo XRC ;; esac
}

# devices_shown LINK: by ibv_devices and ibv_devinfo.
devices_shown() {
	test "$1" = ib && layer=InfiniBand || layer=Ethernet
	device ibv_devices >devices && grep -q "netemu0" devices &&
		device ibv_devinfo -v >devinfo 2>err && test ! -s err &&
		grep -q "hca_id:.*netemu0" devinfo && grep -q "link_layer:.*$layer" devinfo &&
		grep -q "state:.*PORT_ACTIVE" devinfo && return
	say_why "no device of $layer" devices devinfo err
	return 1
}

# offers PROGRAM OPTION: by its own usage.
offers() {
	"$1" --help 2>&1 | grep -q "^ *$2,"
}

# exchanged BYTES: both sides say that they moved so many, and that data are right.
exchanged() {
	for log in server.log client.log; do
		grep -q "^$1 bytes in " $log || { say_why "no $1 bytes" $log; return 1; }
	done
	! grep invalid server.log client.log || { say_why "wrong data" server.log client.log; return 1; }
}

# pingpong PROGRAM OPTION...: 200 messages of 4000 bytes each way (a UD message of
# 2000); with srq by each of 4 queue pairs.
pingpong() {
	case $1 in
	*_xsrq_*)
		both "$@" && return
		;;
	*_srq_*)
		both "$@" -s 4000 -n 200 -q 4 -r 100 && exchanged 1600000 && return
		;;
	*_ud_*)
		both "$@" -s 2000 -n 200 -r 100 && exchanged 800000 && return
		;;
	*)
		both "$@" -s 4000 -n 200 -r 100 && exchanged 1600000 && return
		;;
	esac
	say_why "FAILED: $*"
	return 1
}

# pingpongs PROGRAM COMMON...: with COMMON alone, with each option, and with some
# together.
pingpongs() {
	program=$1
	shift
	pingpong "$program" "$@" || return 1
	for option in -e -N -c -o -O -t -j; do
		offers "$program" $option || continue
		case $program$option in
		*_xsrq_*-c) pingpong "$program" "$@" || return 1 ;; # clients
		*) pingpong "$program" "$@" $option || return 1 ;;
		esac
	done
	# not -e with -t: the program takes an event without a completion for an error
	if offers "$program" -N; then
		pingpong "$program" "$@" -e -N -c && pingpong "$program" "$@" -t -N -c &&
			pingpong "$program" "$@" -o -P -c || return 1
	elif test "$program" != ibv_xsrq_pingpong; then
		pingpong "$program" "$@" -e -c || return 1
	fi
}

# two_clients: of one ibv_xsrq_pingpong.
two_clients() {
	cat >clients <<-"END"
		#!/bin/sh
		ibv_xsrq_pingpong -p $1 $2 & first=$!
		ibv_xsrq_pingpong -p $1 $2 && wait $first
	END
	chmod +x clients && pair "ibv_xsrq_pingpong -c 2 -p PORT" "./clients PORT HOST"
}

# one_size BYTES: messages of so many.
one_size() {
	for program in ibv_rc_pingpong ibv_uc_pingpong; do
		both $program -c -s "$1" -n 20 -r 20 && exchanged $((40 * $1)) || return 1
	done
}
