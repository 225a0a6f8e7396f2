#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='srun --netemu: programs on the device, also with --netprof'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"
. "$NETEMU_SRCDIR/tests/lib-pair.sh"

skip_unless ib_write_bw ibv_rc_pingpong ucx_perftest mpicc
library=$NETEMU_BUILDDIR/.libs/libnetemu.so
plugin=$NETEMU_BUILDDIR/spank/.libs
test -r "$plugin/netemu.so" && test -r "$library" || {
	skip_all="the SPANK plugins or the device are not built"
	test_done
}
shm=$(mktemp -d "${TMPDIR:-/tmp}/nt.XXXXXX") && chmod 1777 "$shm" || exit 1
cleanup 'rm -rf "$shm"'
cluster_plugstack "optional $plugin/netemu.so lib=$library bin=$NETEMU_BUILDDIR shm=$shm" \
	"optional $plugin/netprof.so lib=$NETEMU_BUILDDIR/.libs/libnetprof.so libexec=$NETEMU_BUILDDIR"
cluster_start 2 --plugstack plugstack.conf
srun --mpi=list 2>&1 | grep -qw pmix && test -r "$NETEMU_BUILDDIR/.libs/libnetprof.so" &&
	test_set_prereq PMIX

# ends.sh PROGRAM OPTION...: rank 0 is the server; the client tries until it listens.
cat >ends.sh <<'END'
#!/bin/sh
test "$SLURM_PROCID" != 0 || exec "$@" >server.log 2>&1
for try in $(seq 300); do
	"$@" 127.0.0.1 >client.log 2>&1 && exit
	sleep 0.1
done
exit 1
END
chmod +x ends.sh

# ends PROGRAM OPTION...: a port is added to them.
ends() {
	port_next
	: >server.log
	: >client.log
	srun -N2 -n2 --netemu ./ends.sh "$@" -p "$port" >out 2>err && return
	say_why "$* -p $port" out err server.log client.log
	return 1
}

test_expect_success 'ibv_rc_pingpong' 'ends ibv_rc_pingpong -c -n 200'
test_expect_success 'ib_write_bw' 'ends ib_write_bw -F -n 200'
test_expect_success 'ucx_perftest' '
	ends ucx_perftest -f -n 200 -w 20 -d netemu0:1 -x rc_verbs -t am_lat
'

# run OPTION...: a program that checks what it gets, over the device alone; `out`
# is what it says, `ops` what its ranks sent to whom.
run() {
	rm -rf netemu.*
	OMPI_MCA_pml=ucx UCX_TLS=rc_v,self UCX_NET_DEVICES=netemu0:1 \
		srun --mpi=pmix -N2 -n4 "$@" ./verify messages >out 2>err &&
		echo "4 ranks: right" >expected && test_cmp expected out && return
	say_why "srun $*" out err
	return 1
}

test_expect_success PMIX 'Open MPI over UCX' '
	mpicc -o verify "$NETEMU_SRCDIR/tests/device/mpi-verify.c" && run --netemu
'

test_expect_success PMIX 'with --netprof too: both libraries, a file for each rank' '
	run --netemu --netprof && ls netemu.*/mpi/rank-*.json >files && test "$(wc -l <files)" = 4 &&
	xargs "$NETEMU_BUILDDIR/tests/rankdump" <files | grep "^op " | sort >with
'

test_expect_success PMIX 'the matrix is what it is without the device' '
	rm -rf netemu.* && OMPI_MCA_pml=ob1 srun --mpi=pmix -N2 -n4 --netprof ./verify messages >out &&
	ls netemu.*/mpi/rank-*.json | xargs "$NETEMU_BUILDDIR/tests/rankdump" |
		grep "^op " | sort >without && test -s without && test_cmp without with
'

test_done
