#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='configure says what is missing, and parts can be left out'

. "$SHARNESS"

if test -e "$NETEMU_SRCDIR/config.status"; then
	skip_all='the source tree is configured itself'
	test_done
fi

# Nothing of what is built here is run: not optimized, it takes half of the time.
CFLAGS=-O0
CONFIG_SHELL=/bin/sh # quicker than bash, where it is dash
export CFLAGS CONFIG_SHELL

# The trash directory has a blank in its name, which configure refuses.
build=$(mktemp -d "${TMPDIR:-/tmp}/netemu-build-XXXXXX")
trap 'status=$?; cd /; rm -rf "$build"; (exit $status); die' EXIT
trap 'exit 143' INT TERM HUP

configure() {
	rm -rf "$build/x" && mkdir "$build/x" &&
		(cd "$build/x" && "$NETEMU_SRCDIR/configure" -q --disable-dependency-tracking \
			--cache-file="$build/cache" "$@")
}

# refused SENTENCE ARG...: configure stops with that sentence.
refused() {
	sentence=$1
	shift
	test_must_fail configure "$@" >out 2>&1 && grep -F -e "$sentence" out
}

# lacking VARIABLE: as configure, with the answer to one check turned into no.
lacking() {
	cp "$build/cache" "$build/cache.good" &&
		sed "s/^$1=.*/$1=\${$1=no}/" "$build/cache.good" >"$build/cache" &&
		test_must_fail configure >out 2>&1
	lacked=$?
	mv "$build/cache.good" "$build/cache"
	return $lacked
}

test_expect_success 'configure succeeds here and sums up' '
	configure >summary &&
	grep "SPANK plugins .*\(for Slurm [0-9]\|no\)" summary &&
	grep "MPI profiler .*\(yes\|no\)" summary
'

while read -r variable what package; do
	test_expect_success "without $what it names the package $package" "
		lacking $variable &&
		grep \"$what not found: install the Debian package '$package'\" out
	"
done <<LIST
ac_cv_header_uthash_h uthash.h uthash-dev
ac_cv_header_slurm_spank_h slurm/spank.h libslurm-dev
ac_cv_header_mpi_h mpi.h libopenmpi-dev
ac_cv_header_infiniband_verbs_h infiniband/verbs.h libibverbs-dev
LIST

test_expect_success 'without what pkg-config knows it names the package' '
	(PKG_CONFIG_LIBDIR=/nonexistent && PKG_CONFIG_PATH= &&
		export PKG_CONFIG_LIBDIR PKG_CONFIG_PATH &&
		refused "install the Debian package '\''libjansson-dev'\''" --cache-file=/dev/null)
'

test_expect_success 'without sharness it names the package and the way around' '
	refused "install the Debian package '\''sharness'\'' or configure with --disable-tests" \
		SHARNESS=/nonexistent/sharness.sh --cache-file=/dev/null
'

test_expect_success 'wrong values are refused by name' '
	refused "--enable-sanitize takes address and undefined, not '\''memory'\''" --enable-sanitize=memory &&
	refused "--enable-werror takes yes or no, not '\''maybe'\''" --enable-werror=maybe &&
	refused "--with-slurm takes yes, no or an absolute directory, not '\''22.05'\''" --with-slurm=22.05 &&
	refused "--with-slurm: '\''/nonexistent'\'' is not a directory" --with-slurm=/nonexistent &&
	refused "--with-mpi: '\''/nonexistent'\'' is not a directory" --with-mpi=/nonexistent
'

test_expect_success 'Slurm, MPI and verbs can be left out' '
	configure --without-slurm --without-mpi --without-verbs --disable-man --disable-tests >summary &&
	grep "SPANK plugins  *no$" summary &&
	grep "MPI profiler  *no$" summary &&
	grep "verbs parts  *no$" summary
'

test_expect_success 'the build without them works' '
	make -C "$build/x" -j2 >make.out 2>&1 &&
	test -e "$build/x/libprog.la" &&
	! find "$build/x" -name "*netprof.so" | grep .
'

test_done
