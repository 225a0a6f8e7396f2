# SPDX-License-Identifier: Apache-2.0
# ---------------------------------------------------------------------
# NETEMU_WITH(PART, HELP)
#   --with-PART=yes|no|DIR; sets with_PART and, for a DIR, PART_prefix.
# ---------------------------------------------------------------------
AC_DEFUN([NETEMU_WITH], [
  AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1@<:@=DIR@:>@], [$2])], [], [with_$1=yes])
  $1_prefix=
  AS_CASE([$with_$1],
    [yes|no], [],
    [/*], [AS_IF([test -d "$with_$1"], [$1_prefix=$with_$1],
      [AC_MSG_ERROR([--with-$1: '$with_$1' is not a directory])])],
    [AC_MSG_ERROR([--with-$1 takes yes, no or an absolute directory, not '$with_$1'])])
])

# ---------------------------------------------------------------------
# NETEMU_SLURM
#   The SPANK plugins need slurm/spank.h alone: every symbol comes from the
#   program that loads them.  A plugin works with the Slurm it was built for.
# ---------------------------------------------------------------------
AC_DEFUN([NETEMU_SLURM], [
  NETEMU_WITH([slurm], [build the SPANK plugins, with Slurm's headers from DIR/include])
  SLURM_VERSION=
  AS_IF([test "$with_slurm" != no], [
    AS_IF([test -n "$slurm_prefix"], [SLURM_CPPFLAGS="-I$slurm_prefix/include"])
    saved_CPPFLAGS=$CPPFLAGS
    CPPFLAGS="$CPPFLAGS $SLURM_CPPFLAGS"
    AC_CHECK_HEADER([slurm/spank.h], [],
      [NETEMU_MISSING([slurm/spank.h], [libslurm-dev], [--without-slurm])],
      [#include <stdint.h>
       #include <sys/types.h>])
    AC_MSG_CHECKING([for the version of Slurm])
    AC_COMPUTE_INT([slurm_number], [SLURM_VERSION_NUMBER], [#include <slurm/slurm_version.h>],
      [AC_MSG_ERROR([slurm/slurm_version.h has no SLURM_VERSION_NUMBER])])
    SLURM_VERSION=$(printf '%d.%02d.%d' $(( (slurm_number >> 16) & 255 )) $(( (slurm_number >> 8) & 255 )) $(( slurm_number & 255 )))
    AC_MSG_RESULT([$SLURM_VERSION])
    CPPFLAGS=$saved_CPPFLAGS
    AC_DEFINE_UNQUOTED([SLURM_BUILD_VERSION], ["$SLURM_VERSION"], [Slurm the plugins are built for])
  ])
  AC_SUBST([SLURM_CPPFLAGS])
  AC_SUBST([SLURM_VERSION])
  AM_CONDITIONAL([WITH_SLURM], [test "$with_slurm" != no])
])

# ---------------------------------------------------------------------
# NETEMU_MPI
#   libnetprof.so needs <mpi.h> of Open MPI, and links nothing of it.
# ---------------------------------------------------------------------
AC_DEFUN([NETEMU_MPI], [
  NETEMU_WITH([mpi], [build the MPI traffic profiler, with Open MPI from DIR])
  AS_IF([test "$with_mpi" != no], [
    AC_PATH_PROG([MPICC], [mpicc.openmpi], [], [$mpi_prefix/bin:$PATH])
    AS_IF([test -z "$MPICC"], [AC_PATH_PROG([MPICC], [mpicc], [], [$mpi_prefix/bin:$PATH])])
    AS_IF([test -z "$MPICC"], [NETEMU_MISSING([mpicc], [libopenmpi-dev], [--without-mpi])])
    AC_PATH_PROGS([MPIFORT], [mpifort.openmpi mpifort], [], [$mpi_prefix/bin:$PATH])
    MPI_CPPFLAGS=$($MPICC --showme:compile 2>/dev/null)
    saved_CPPFLAGS=$CPPFLAGS
    CPPFLAGS="$CPPFLAGS $MPI_CPPFLAGS"
    AC_CHECK_HEADER([mpi.h], [], [NETEMU_MISSING([mpi.h], [libopenmpi-dev], [--without-mpi])])
    AC_CHECK_DECL([OMPI_MAJOR_VERSION], [],
      [AC_MSG_ERROR([mpi.h is not Open MPI's: install the Debian package 'libopenmpi-dev', name it by --with-mpi=DIR, or configure with --without-mpi])],
      [#include <mpi.h>])
    CPPFLAGS=$saved_CPPFLAGS
  ])
  AC_SUBST([MPI_CPPFLAGS])
  AM_CONDITIONAL([WITH_MPI], [test "$with_mpi" != no])
  AM_CONDITIONAL([WITH_MPIFORT], [test "$with_mpi" != no && test -n "$MPIFORT"])
])

# ---------------------------------------------------------------------
# NETEMU_VERBS
#   The emulated device and the verbs tracer need <infiniband/verbs.h>; the tracer
#   records calls of librdmacm where its header is.
# ---------------------------------------------------------------------
AC_DEFUN([NETEMU_VERBS], [
  NETEMU_WITH([verbs], [build what stands on libibverbs, with its headers from DIR/include])
  AS_IF([test "$with_verbs" != no], [
    AS_IF([test -n "$verbs_prefix"], [VERBS_CPPFLAGS="-I$verbs_prefix/include"])
    saved_CPPFLAGS=$CPPFLAGS
    CPPFLAGS="$CPPFLAGS $VERBS_CPPFLAGS"
    AC_CHECK_HEADER([infiniband/verbs.h], [],
      [NETEMU_MISSING([infiniband/verbs.h], [libibverbs-dev], [--without-verbs])])
    AC_CHECK_HEADER([rdma/rdma_cma.h], [with_rdmacm=yes], [with_rdmacm="no (librdmacm-dev)"],
      [#include <infiniband/verbs.h>])
    CPPFLAGS=$saved_CPPFLAGS
  ])
  AC_SUBST([VERBS_CPPFLAGS])
  AM_CONDITIONAL([WITH_VERBS], [test "$with_verbs" != no])
])

# ---------------------------------------------------------------------
# NETEMU_PMIX
#   Programs that look for each other ask PMIx where it is there.  Its header
#   is enough: the library is loaded when a job has it.
# ---------------------------------------------------------------------
AC_DEFUN([NETEMU_PMIX], [
  PKG_CHECK_MODULES([PMIX], [pmix],
    [with_pmix=yes; AC_DEFINE([HAVE_PMIX], [1], [Define to 1 if you have <pmix.h>.])],
    [with_pmix="no (libpmix-dev)"])
  AC_SUBST([PMIX_CFLAGS])
])

# ---------------------------------------------------------------------
# NETEMU_MAN, NETEMU_TESTS
# ---------------------------------------------------------------------
AC_DEFUN([NETEMU_MAN], [
  AC_ARG_ENABLE([man],
    [AS_HELP_STRING([--disable-man], [leave the man pages out])], [], [enable_man=yes])
  AS_IF([test "$enable_man" != no],
    [NETEMU_REQUIRE_PROG([SCDOC], [scdoc], [scdoc], [--disable-man])])
  AM_CONDITIONAL([WITH_MAN], [test "$enable_man" != no])
])

AC_DEFUN([NETEMU_TESTS], [
  AC_ARG_ENABLE([tests],
    [AS_HELP_STRING([--disable-tests], [do without make check])], [], [enable_tests=yes])
  AS_IF([test "$enable_tests" != no], [
    NETEMU_REQUIRE([CMOCKA], [cmocka], [libcmocka-dev], [--disable-tests])
    AC_ARG_VAR([SHARNESS], [where sharness.sh is])
    AS_IF([test -z "$SHARNESS"], [SHARNESS=/usr/share/sharness/sharness.sh])
    AS_IF([test ! -r "$SHARNESS"], [NETEMU_MISSING([$SHARNESS], [sharness], [--disable-tests])])
  ])
  AC_SUBST([SHARNESS])
  AM_CONDITIONAL([WITH_TESTS], [test "$enable_tests" != no])
])

# ---------------------------------------------------------------------
# NETEMU_SUMMARY
# ---------------------------------------------------------------------
AC_DEFUN([NETEMU_SUMMARY], [
  AS_IF([test "$with_slurm" != no], [summary_slurm="for Slurm $SLURM_VERSION"], [summary_slurm="no"])
  AS_IF([test "$with_mpi" != no], [summary_mpi="yes ($MPICC)"], [summary_mpi="no"])
  AS_IF([test "$with_verbs" != no], [summary_verbs="yes"], [summary_verbs="no" with_rdmacm="no"])
  cat <<EOF

  $PACKAGE $VERSION
    SPANK plugins        $summary_slurm
    MPI profiler         $summary_mpi
    verbs parts          $summary_verbs
    traces librdmacm     $with_rdmacm
    rendezvous by PMIx   $with_pmix
    man pages            $enable_man
    tests                $enable_tests
    sanitizers           $enable_sanitize
    warnings are errors  $enable_werror
    compiler             $CC $CFLAGS
    installs below       $prefix

EOF
])
