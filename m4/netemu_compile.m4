# SPDX-License-Identifier: Apache-2.0
# ---------------------------------------------------------------------
# NETEMU_WARNINGS
#   WARN_CFLAGS: the warnings the tree is free of; --enable-werror makes
#   them errors (CI only: a newer compiler must not break a user's build).
# ---------------------------------------------------------------------
AC_DEFUN([NETEMU_WARNINGS], [
  AC_ARG_ENABLE([werror],
    [AS_HELP_STRING([--enable-werror], [treat compiler warnings as errors])],
    [AS_CASE([$enableval], [yes|no], [],
      [AC_MSG_ERROR([--enable-werror takes yes or no, not '$enableval'])])],
    [enable_werror=no])
  WARN_CFLAGS="-std=gnu11 -Wall -Wextra -Wshadow=local -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wpointer-arith -Wvla"
  saved_CFLAGS=$CFLAGS
  CFLAGS="-Werror -Wshadow=local"
  AC_MSG_CHECKING([whether $CC knows -Wshadow=local])
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])], [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     WARN_CFLAGS=$(echo "$WARN_CFLAGS" | sed 's/ -Wshadow=local//')])
  CFLAGS=$saved_CFLAGS
  AS_IF([test "$enable_werror" = yes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
  AC_SUBST([WARN_CFLAGS])
])

# ---------------------------------------------------------------------
# NETEMU_SANITIZE
#   --enable-sanitize=address,undefined for programs, modules and tests.
#   A preloaded library cannot carry the address sanitizer into a program
#   that was built without it, so what is preloaded gets only 'undefined'.
# ---------------------------------------------------------------------
AC_DEFUN([NETEMU_SANITIZE], [
  AC_ARG_ENABLE([sanitize],
    [AS_HELP_STRING([--enable-sanitize=LIST], [build with the sanitizers of LIST: address, undefined])],
    [], [enable_sanitize=no])
  sanitize_undefined=no
  AS_CASE([$enable_sanitize],
    [no], [],
    [yes], [enable_sanitize=address,undefined; sanitize_undefined=yes],
    [address], [],
    [undefined|address,undefined|undefined,address], [sanitize_undefined=yes],
    [AC_MSG_ERROR([--enable-sanitize takes address and undefined, not '$enable_sanitize'])])
  AS_IF([test "$enable_sanitize" != no], [
    SAN_CFLAGS="-fsanitize=$enable_sanitize -fno-sanitize-recover=all -fno-omit-frame-pointer -g"
    AS_IF([test $sanitize_undefined = yes],
      [GUEST_SAN_CFLAGS="-fsanitize=undefined -fsanitize-undefined-trap-on-error -g"])
  ])
  AC_SUBST([SAN_CFLAGS])
  AC_SUBST([GUEST_SAN_CFLAGS])
  AM_CONDITIONAL([SANITIZE], [test "$enable_sanitize" != no])
])

# ---------------------------------------------------------------------
# NETEMU_HARDENING
#   Flags for what is preloaded into other people's programs or runs as
#   root.  No -z now for plugins: a symbol that one host program lacks must
#   not keep the plugin from loading.
# ---------------------------------------------------------------------
AC_DEFUN([NETEMU_HARDENING], [
  HARD_CFLAGS="-fstack-protector-strong -D_FORTIFY_SOURCE=2"
  AS_CASE([" $CFLAGS $CPPFLAGS "],
    [*_FORTIFY_SOURCE*|*" -O0 "*], [HARD_CFLAGS="-fstack-protector-strong"])
  saved_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS -Werror -fstack-clash-protection"
  AC_MSG_CHECKING([whether $CC knows -fstack-clash-protection])
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
    [AC_MSG_RESULT([yes])
     HARD_CFLAGS="$HARD_CFLAGS -fstack-clash-protection"],
    [AC_MSG_RESULT([no])])
  CFLAGS=$saved_CFLAGS
  HARD_LDFLAGS="-Wl,-z,relro -Wl,-z,noexecstack"
  AC_SUBST([HARD_CFLAGS])
  AC_SUBST([HARD_LDFLAGS])
])
