#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='the pingpong programs of libibverbs, with every option they offer'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device.sh"
device_need ibv_devices ibv_devinfo ibv_rc_pingpong

# offers PROGRAM OPTION: by its own usage.
offers() {
	"$1" --help 2>&1 | grep -q "^ *$2,"
}

# exchanged BYTES: both sides say that they moved so many, and that data are right.
exchanged() {
	for log in server.log client.log; do
		grep -q "^$1 bytes in " $log || { cat $log; return 1; }
	done
	! grep invalid server.log client.log
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
	echo "failed: $*"
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

test_expect_success 'ibv_devices and ibv_devinfo -v show the device' '
	device ibv_devices >out && grep "netemu0" out &&
	device ibv_devinfo -v >out 2>err && test_must_be_empty err &&
	grep "hca_id:.*netemu0" out && grep "link_layer:.*InfiniBand" out &&
	grep "state:.*PORT_ACTIVE" out && nothing_left
'

for transport in $DEVICE_TRANSPORTS; do
	for program in ibv_rc_pingpong ibv_uc_pingpong ibv_ud_pingpong ibv_srq_pingpong \
		ibv_xsrq_pingpong; do
		test_expect_success "$program over $transport, InfiniBand" '
			device_set "transport=$transport,link_layer=ib" &&
			pingpongs $program && pingpong $program -g 0 && pingpong $program -g 0 -e
		'
		test_expect_success "$program over $transport, Ethernet" '
			device_set "transport=$transport,link_layer=ethernet" &&
			pingpongs $program -g 0
		'
	done

	test_expect_success "two clients of one ibv_xsrq_pingpong over $transport" '
		device_set "transport=$transport,link_layer=ib" &&
		cat >clients <<-"END" &&
			#!/bin/sh
			ibv_xsrq_pingpong -p $1 127.0.0.1 & first=$!
			ibv_xsrq_pingpong -p $1 127.0.0.1 && wait $first
		END
		chmod +x clients && pair "ibv_xsrq_pingpong -c 2 -p PORT" "./clients PORT"
	'

	test_expect_success "messages of 1 B and of 1 MiB over $transport" '
		device_set "transport=$transport" &&
		for size in 1 1048576; do
			for program in ibv_rc_pingpong ibv_uc_pingpong; do
				both $program -c -s $size -n 20 -r 20 &&
					exchanged $((40 * size)) || return 1
			done
		done
	'
done

device_done
