#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='the emulated device says what it was asked to be, beside real ones'

# shellcheck disable=SC1090
. "$SHARNESS"

: "${LIBNETEMU:=$NETEMU_BUILDDIR/.libs/libnetemu.so}"
: "${CC:=cc}"
test -e "$LIBNETEMU" || skip_all='built without the emulated device'
command -v ibv_devinfo >/dev/null || skip_all='ibv_devinfo is not installed'
test -z "$skip_all" || test_done
unset NETEMU NETEMU_FABRIC NETEMU_NODE SYSFS_PATH

NETEMU_SHM=$(mktemp -d /dev/shm/nt.XXXXXX) || error "no directory in shared memory"
export NETEMU_SHM
remove_shm() {
	rm -rf "$NETEMU_SHM"
}
cleanup remove_shm
trap 'status=$?; remove_shm; (exit $status); die' EXIT
trap 'exit 143' INT TERM HUP

# device SETTINGS COMMAND...: run it with the device.
device() {
	settings=$1
	shift
	timeout -k 5 60 env "LD_PRELOAD=$LIBNETEMU" "NETEMU=device=emulated${settings:+,$settings}" \
		"$@"
}

# devinfo SETTINGS: "NAME VALUE" of ibv_devinfo -v in devinfo, blanks as one.
devinfo() {
	device "$1" ibv_devinfo -v >full &&
	sed -n "s/^[[:space:]]*\([A-Za-z_ ]*[A-Za-z_]\):[[:space:]]*\(..*\)/\1 \2/p" full |
		sed "s/[[:space:]]\{1,\}/ /g" >devinfo
}

# says LINE: devinfo has it.
says() {
	grep -qxF "$1" devinfo || {
		echo "there is no '$1' in:"
		cat devinfo
		return 1
	}
}

test_expect_success 'ibv_devices lists it, and not without the library' '
	device "" ibv_devices >devices &&
	grep "netemu0" devices &&
	{ ibv_devices >alone 2>&1 || :; } &&
	! grep netemu alone
'

test_expect_success 'its GUID is that of its file' '
	device "" cat /sys/class/infiniband/netemu0/node_guid >file &&
	guid=$(tr -d : <file) &&
	test ${#guid} = 16 &&
	test "$guid" != 0000000000000000 &&
	device "" ibv_devices >devices &&
	grep "netemu0.*$guid" devices
'

# SETTING LINE of devinfo
cat >limits <<-\EOF
	max_qp=123 max_qp 123
	max_qp_wr=456 max_qp_wr 456
	max_sge=7 max_sge 7
	max_cq=89 max_cq 89
	max_cqe=1011 max_cqe 1011
	max_mr=1213 max_mr 1213
	max_pd=14 max_pd 14
	max_mw=15 max_mw 15
	max_srq=16 max_srq 16
	max_srq_wr=17 max_srq_wr 17
	max_srq_sge=8 max_srq_sge 8
	max_ah=19 max_ah 19
	max_rd_atomic=4 max_qp_rd_atom 4
	max_rd_atomic=4 max_qp_init_rd_atom 4
	max_mcast_grp=21 max_mcast_grp 21
	max_mcast_qp=22 max_mcast_qp_attach 22
	max_mr_size=64MiB max_mr_size 0x4000000
	max_dm_size=4096 maximum available device memory 4096Bytes
	mtu=1024 active_mtu 1024 (3)
	mtu=256 active_mtu 256 (1)
	link_layer=ib link_layer InfiniBand
	link_layer=ethernet link_layer Ethernet
EOF

while read -r setting line; do
	test_expect_success "$setting is told" "
		devinfo '$setting' && says '$line'
	"
done <limits

test_expect_success 'all of them at once' '
	all=$(sed "s/ .*//" limits | grep -v "^mtu=256\|^link_layer=ib" | sort -u | paste -sd,) &&
	devinfo "$all" &&
	while read -r setting line; do
		case $setting in
		mtu=256 | link_layer=ib) ;;
		*) says "$line" || return 1 ;;
		esac
	done <limits
'

# Link widths and lane rates whose product is at least what was asked for.
while read -r rate width speed; do
	test_expect_success "rate=$rate is a link of $width with lanes of $speed Gbit/s" "
		devinfo rate=$rate &&
		grep '^active_width $width ' devinfo &&
		grep '^active_speed $speed Gbps' devinfo
	"
done <<-\EOF
	2.5Gbit/s 1X 2.5
	10Gbit/s 4X 2.5
	40Gbit/s 4X 10.0
	56Gbit/s 4X 14.0
	100Gbit/s 4X 25.0
	12.5GB/s 4X 25.0
	200Gbit/s 4X 50.0
	400Gbit/s 4X 100.0
	none 4X 50.0
EOF

test_expect_success 'on Ethernet its GIDs are of RoCE, and have the address of an interface' '
	device link_layer=ethernet ibv_devinfo -v >full &&
	grep "GID\[ *0\].*RoCE v[12]" full &&
	device link_layer=ib ibv_devinfo -v >full &&
	grep "GID\[ *0\]:[[:space:]]*fe80:" full &&
	! grep "GID\[.*RoCE" full
'

# For each GID of netemu0 its address and its interface, or -.
cat >interfaces <<-\EOF
	cd /sys/class/infiniband/netemu0/ports/1 || exit 1
	for g in 0 1 2 3 4 5 6 7; do
		address=$(cat gids/$g 2>/dev/null) || continue
		echo "$address $(cat gid_attrs/ndevs/$g 2>/dev/null || echo -)"
	done
EOF

# Of the machine: every address as a GID, and its interface.
cat >addresses.py <<-\EOF
	import ipaddress, json, subprocess
	for link in json.loads(subprocess.check_output(["ip", "-j", "addr"])):
	    for a in link.get("addr_info", []):
	        ip = ipaddress.ip_address(a["local"])
	        if ip.version == 4:
	            ip = ipaddress.IPv6Address(b"\0" * 10 + b"\xff\xff" + ip.packed)
	        print(ip.exploded, link["ifname"])
EOF

command -v ip >/dev/null && command -v python3 >/dev/null && test_set_prereq IP

test_expect_success IP 'on Ethernet a GID belongs to the interface with its address' '
	device link_layer=ethernet sh interfaces >gids &&
	python3 addresses.py >addresses &&
	grep -v "^fe80" gids >others && test -s others &&
	while read -r gid interface; do
		expect=$(sed -n "s/^$gid //p" addresses | head -n 1) &&
		test "$interface" = "${expect:--}" || return 1
	done <others &&
	# the link-local one goes with the first of them
	test "$(sed -n "1s/.* //p" gids)" = "$(sed -n "1s/.* //p" others)"
'

test_expect_success 'several devices, one of them different' '
	device devices=3,max_qp=11,netemu1.max_qp=22 ibv_devinfo -v >full &&
	grep "hca_id\|max_qp:" full | sed "s/.*:[[:space:]]*//" >actual &&
	printf "%s\n" netemu0 11 netemu1 22 netemu2 11 >expect &&
	test_cmp expect actual
'

test_expect_success 'a program that asks for no device has nothing of it' '
	cat >idle.c <<-\EOF &&
	#include <stdio.h>
	#include <stdlib.h>
	int main(void)
	{
		return system("ls /proc/$PPID/task | wc -l; ls -l /proc/$PPID/fd | grep -cF $NETEMU_SHM; "
			      "ls $NETEMU_SHM | wc -l");
	}
	EOF
	"$CC" -o idle idle.c &&
	device "" ./idle >actual &&
	printf "%s\n" 1 0 0 >expect &&
	{ cat actual; test_cmp expect actual; }
'

test_expect_success 'what is wrong in the settings is said once, and the host is left alone' '
	{ LD_PRELOAD=$LIBNETEMU NETEMU=latency=soon ibv_devices >out 2>err || :; } &&
	grep "^netemu: .*latency" err >lines &&
	test $(wc -l <lines) = 1 &&
	! grep "netemu0" out &&
	{ LD_PRELOAD=$LIBNETEMU NETEMU=no ibv_devices >out 2>err || :; } &&
	! grep netemu out &&
	! grep netemu err
'

program=$NETEMU_SRCDIR/tests/device/load-verbs.c
test_expect_success 'a program that loads libibverbs by itself finds and uses it' '
	"$CC" -o probe "$program" &&
	ldd probe >linked &&
	! grep ibverbs linked &&
	device max_qp=77 ./probe >actual &&
	printf "%s\n" netemu0 "77 4" >expect &&
	test_cmp expect actual
'

# Constructors run before those of a preloaded library: they may be the first to look.
test_expect_success 'a library that looks for devices when it is loaded harms nothing' '
	cat >early.c <<-\EOF &&
	#include <stdio.h>
	#include <sys/stat.h>

	static __attribute__((constructor)) void look(void)
	{
		struct stat st;

		printf("%d\n", stat("/sys/class/infiniband/netemu0", &st));
	}
	EOF
	"$CC" -shared -fPIC -o libearly.so early.c &&
	"$CC" -o later "$program" -Wl,--no-as-needed -L. -learly -Wl,-rpath,. &&
	device max_qp=77 ./later >actual &&
	printf "%s\n" 0 netemu0 "77 4" >expect &&
	test_cmp expect actual
'

# --- beside a real device ---

. "$NETEMU_SRCDIR/tests/lib-stub.sh"
stub_make

# with_node LIBRARIES COMMAND...: run it with the device's node.
with_node() {
	preload=$1
	shift
	env "LD_PRELOAD=$preload./node.so" NETEMU=device=emulated "$@"
}

test_expect_success STUB 'a real device is listed behind ours, with its own GUID' '
	with_node "$LIBNETEMU:" ibv_devices >devices &&
	sed -n "s/^ *\([a-z]*[0-9]\)[[:space:]]*\([0-9a-f]*\)$/\1 \2/p" devices >actual &&
	test $(wc -l <actual) = 2 &&
	sed -n 1p actual | grep "^netemu0 " &&
	sed -n 2p actual | grep "^stub0 0011223344556677$"
'

test_expect_success STUB 'opening it is what libibverbs makes of it' '
	{ with_node "" ibv_devinfo -d stub0 >expect 2>&1; echo $? >>expect; } &&
	{ with_node "$LIBNETEMU:" ibv_devinfo -d stub0 >actual 2>&1; echo $? >>actual; } &&
	test_cmp expect actual
'

test_expect_success STUB 'without ours there is only the real one' '
	with_node "" ibv_devices >expect &&
	with_node "$LIBNETEMU:" env NETEMU=no ibv_devices >actual &&
	test_cmp expect actual
'

test_expect_success 'nothing is left in shared memory' '
	find "$NETEMU_SHM" -mindepth 1 >left &&
	test_must_be_empty left
'

test_done
