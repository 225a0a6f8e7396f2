# SPDX-License-Identifier: Apache-2.0
# ---------------------------------------------------------------------
# NETEMU_MISSING(WHAT, DEBIAN-PACKAGE[, HOW-TO-DO-WITHOUT])
#   Stop with the one sentence that helps.
# ---------------------------------------------------------------------
AC_DEFUN([NETEMU_MISSING], [
  AC_MSG_ERROR([$1 not found: install the Debian package '$2'm4_ifnblank([$3], [ or configure with $3])])
])

# ---------------------------------------------------------------------
# NETEMU_REQUIRE(VAR, PKG-CONFIG-MODULE, DEBIAN-PACKAGE[, WITHOUT])
#   Set VAR_CFLAGS and VAR_LIBS.
# ---------------------------------------------------------------------
AC_DEFUN([NETEMU_REQUIRE], [
  PKG_CHECK_MODULES([$1], [$2], [], [NETEMU_MISSING([$2], [$3], [$4])])
])

# ---------------------------------------------------------------------
# NETEMU_REQUIRE_HEADER(HEADER, DEBIAN-PACKAGE[, WITHOUT])
# ---------------------------------------------------------------------
AC_DEFUN([NETEMU_REQUIRE_HEADER], [
  AC_CHECK_HEADER([$1], [], [NETEMU_MISSING([$1], [$2], [$3])], [AC_INCLUDES_DEFAULT])
])

# ---------------------------------------------------------------------
# NETEMU_REQUIRE_PROG(VAR, PROGRAM, DEBIAN-PACKAGE[, WITHOUT])
# ---------------------------------------------------------------------
AC_DEFUN([NETEMU_REQUIRE_PROG], [
  AC_PATH_PROG([$1], [$2], [], [$PATH:/usr/sbin:/sbin])
  AS_IF([test -z "$$1"], [NETEMU_MISSING([$2], [$3], [$4])])
])
