#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='what libnetemu.so exports, and who gets it'

# shellcheck disable=SC1090
. "$SHARNESS"

: "${LIBNETEMU:=$NETEMU_BUILDDIR/.libs/libnetemu.so}"
if ! test -e "$LIBNETEMU"; then
	skip_all='built without the emulated device'
	test_done
fi
unset NETEMU NETEMU_FABRIC NETEMU_NODE
REAL=$(/sbin/ldconfig -p | sed -n 's/.*libibverbs\.so\.1 .* => //p' | head -n 1)
export REAL
: "${CC:=cc}"
# with the undefined sanitizer it ends at what is no address of an object
grep -q "^GUEST_SAN_CFLAGS = ." "$NETEMU_BUILDDIR/Makefile" && ubsan="\|libubsan" || { ubsan=; test_set_prereq PLAIN; }

test_expect_success 'it needs libc alone' '
	libc=$(ldd /bin/true | sed -n "s/.*=> \(.*libc\.so[^ ]*\) .*/\1/p") &&
	loader=$(ldd /bin/true | sed -n "s/^[[:space:]]*\(\/[^ ]*ld-[^ ]*\) .*/\1/p") &&
	nm -D --defined-only "$libc" "$loader" | sed -n "s/.* //; s/@.*//p" | sort -u >defined &&
	nm -D --undefined-only "$LIBNETEMU" | awk "\$1 == \"U\" { print \$2 }" |
		sed "s/@.*//" | sort -u >undefined &&
	test -s defined && test -s undefined &&
	comm -13 defined undefined >missing &&
	test_must_be_empty missing &&
	readelf -d "$LIBNETEMU" | grep NEEDED >needed &&
	! grep -v "libc\.so\|ld-linux$ubsan" needed
'

test_expect_success 'every public function of libibverbs is there in the same version' '
	nm -D --defined-only "$REAL" | awk "{ print \$3 }" | grep "@@IBVERBS_1\." | sort >public &&
	test $(wc -l <public) -gt 70 &&
	nm -D --defined-only "$LIBNETEMU" | awk "{ print \$3 }" | sort >exported &&
	comm -23 public exported >missing &&
	test_must_be_empty missing
'

test_expect_success 'what others of rdma-core use, and newer functions, have no version' '
	for name in ibv_query_gid_type ibv_reg_mr_ex ibv_alloc_dmah ibv_query_port_speed; do
		echo $name
	done | sort >wanted &&
	comm -23 wanted exported >missing &&
	test_must_be_empty missing
'

# Paths lead elsewhere, so the functions that take one are there too.
cat >paths <<-\EOF
	__fxstatat
	__fxstatat64
	__lxstat
	__lxstat64
	__open64_2
	__open_2
	__openat64_2
	__openat_2
	__readlink_chk
	__readlinkat_chk
	__realpath_chk
	__xstat
	__xstat64
	access
	canonicalize_file_name
	chdir
	eaccess
	euidaccess
	faccessat
	fopen
	fopen64
	fstatat
	fstatat64
	glob
	glob64
	lstat
	lstat64
	open
	open64
	openat
	openat64
	opendir
	readlink
	readlinkat
	realpath
	scandir
	scandir64
	stat
	stat64
	statx
EOF

test_expect_success 'nothing else is exported' '
	grep -v "^_\{0,1\}ibv_\|_to_ibv_rate@\|^IBVERBS_1\.\|^dlsym$\|^dlvsym$" exported |
		LC_ALL=C sort >actual &&
	LC_ALL=C sort paths >expect &&
	test_cmp expect actual
'

for program in /bin/true "bash -c :" "python3 -c pass"; do
	test_expect_success "it loads into $program" "
		if command -v ${program%% *}; then
			LD_BIND_NOW=1 LD_PRELOAD='$LIBNETEMU' $program >out 2>err &&
			test_must_be_empty out &&
			test_must_be_empty err
		fi
	"
done

# bound PROGRAM SYMBOL: the library that the program's reference to SYMBOL has
# been bound to, and the version.
bound() {
	LD_DEBUG=bindings LD_DEBUG_OUTPUT=$PWD/debug LD_BIND_NOW=1 \
		LD_PRELOAD=$LIBNETEMU "$1" >/dev/null 2>&1
	cat debug.* |
		sed -n "s|.*binding file $1 \[0\] to \([^ ]*\) .*\`$2' \[\(.*\)\]|\1 \2|p"
	rm -f debug.*
}

test_expect_success 'a program linked with libibverbs gets ours' '
	cat >links.c <<-\EOF &&
	extern void *ibv_get_device_list(int *count);
	extern void *ibv_reg_mr_iova2(void);
	int main(int argc, char **argv)
	{
		(void)argv;
		return argc > 9 ? ibv_get_device_list(&argc) == ibv_reg_mr_iova2() : 0;
	}
	EOF
	"$CC" -o links links.c -Wl,--no-as-needed "$REAL" &&
	echo "$LIBNETEMU IBVERBS_1.1" >expect &&
	bound ./links ibv_get_device_list >actual &&
	test_cmp expect actual &&
	echo "$LIBNETEMU IBVERBS_1.8" >expect &&
	bound ./links ibv_reg_mr_iova2 >actual &&
	test_cmp expect actual
'

test_expect_success 'a program of the oldest version gets the one of libibverbs' '
	cat >old.c <<-\EOF &&
	extern void *old_list(int *count);
	__asm__(".symver old_list, ibv_get_device_list@IBVERBS_1.0");
	int main(int argc, char **argv)
	{
		(void)argv;
		return argc > 9 ? old_list(&argc) != 0 : 0;
	}
	EOF
	"$CC" -o old old.c -Wl,--no-as-needed "$REAL" &&
	bound ./old ibv_get_device_list >actual &&
	grep "libibverbs\.so.* IBVERBS_1\.0$" actual &&
	! grep netemu actual
'

# A libibverbs whose functions only say that they have been called.
test_expect_success PLAIN 'what is of another device goes to libibverbs' '
	sed "s/@@/ /" public >names &&
	{
		echo "#include <stdio.h>" &&
		echo "long called(const char *name) { puts(name); return 0; }" &&
		awk "{ printf \"long %s(void) { return called(\\\"%s\\\"); }\\n\", \$1, \$1 }" names
	} >stub.c &&
	awk "{ names[\$2] = names[\$2] \$1 \"; \" }
	     END { for (v in names) print v \" { global: \" names[v] \"};\" }" names >stub.map &&
	"$CC" -shared -fPIC -o libibverbs.so.1 -Wl,-soname,libibverbs.so.1 \
		-Wl,--version-script=stub.map stub.c &&
	cat >caller.c <<-\EOF &&
	#define _GNU_SOURCE
	#include <dlfcn.h>
	#include <stdio.h>
	/* Each object of verbs begins with a pointer to its context, which begins
	 * with one to its device: this is all of them.
	 */
	static void *object[64] = { object };
	int main(int argc, char **argv)
	{
		setvbuf(stdout, NULL, _IOLBF, 0);
		for (int i = 1; i < argc; i++) {
			long (*function)(void *, void *, long, long, long, long) =
				(long (*)(void *, void *, long, long, long, long))dlsym(
					RTLD_DEFAULT, argv[i]);

			if (!function)
				return 1;
			function(object, object, 1, 0, 0, 0);
		}
		return 0;
	}
	EOF
	"$CC" -o caller caller.c -Wl,--no-as-needed -L. -l:libibverbs.so.1 &&
	grep -v "device_list" names | sed "s/ .*//" >others &&
	LD_LIBRARY_PATH=$PWD LD_PRELOAD=$LIBNETEMU ./caller $(cat others) >actual &&
	test_cmp others actual
'

# mine DLSYM NAME: who of netemu and libibverbs answers.
cat >ask.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static const char *owner(const void *function)
{
	Dl_info info;

	if (!function)
		return "nobody";
	if (!dladdr(function, &info))
		return "unknown";
	return strrchr(info.dli_fname, '/') ? strrchr(info.dli_fname, '/') + 1 : info.dli_fname;
}

int main(int argc, char **argv)
{
	void *verbs = dlopen("libibverbs.so.1", RTLD_NOW), *math = dlopen("libm.so.6", RTLD_NOW);

	if (argc != 1 || !verbs || !math)
		return argv[0] == NULL;
	printf("dlsym %s\n", owner(dlsym(verbs, "ibv_open_device")));
	printf("dlvsym 1.1 %s\n", owner(dlvsym(verbs, "ibv_open_device", "IBVERBS_1.1")));
	printf("dlvsym 1.0 %s\n", owner(dlvsym(verbs, "ibv_open_device", "IBVERBS_1.0")));
	printf("dlvsym 1.8 %s\n", owner(dlvsym(verbs, "ibv_reg_mr_iova2", "IBVERBS_1.8")));
	printf("dlvsym 9.9 %s\n", owner(dlvsym(verbs, "ibv_open_device", "IBVERBS_9.9")));
	printf("private %s\n", owner(dlsym(verbs, "ibv_cmd_reg_mr")));
	printf("none %s\n", owner(dlsym(verbs, "ibv_no_such_function")));
	printf("error %s\n", dlerror() ? "yes" : "no");
	printf("cos %s\n", owner(dlsym(math, "cos")));
	printf("not there %s\n", owner(dlsym(math, "ibv_open_device")));
	printf("default %s\n", owner(dlsym(RTLD_DEFAULT, "open")));
	printf("next %s\n", owner(dlsym(RTLD_NEXT, "puts")));
	return 0;
}
END

test_expect_success 'dlopen(), dlsym() and dlvsym() of libibverbs get ours' '
	"$CC" -o ask ask.c &&
	real=$(basename "$(readlink -f "$REAL")") &&
	LD_PRELOAD=$LIBNETEMU ./ask | sed "s/libibverbs\.so.*/libibverbs/; s/lib[cm]\.so.*/libc or libm/" >actual &&
	cat >expect <<-\EOF &&
	dlsym libnetemu.so
	dlvsym 1.1 libnetemu.so
	dlvsym 1.0 libibverbs
	dlvsym 1.8 libnetemu.so
	dlvsym 9.9 nobody
	private libibverbs
	none nobody
	error yes
	cos libc or libm
	not there nobody
	default libnetemu.so
	next libc or libm
	EOF
	test_cmp expect actual
'

# Two libraries that wrap dlsym() and a function of libibverbs; what they wrap they
# find with RTLD_NEXT.
cat >wrap.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

const char *ibv_node_type_str(int type)
{
	const char *(*next)(int) = (const char *(*)(int))dlsym(RTLD_NEXT, "ibv_node_type_str");

	printf("%s ", WHO);
	return next(type);
}
END
cat >prints.c <<'END'
#include <dlfcn.h>
#include <stdio.h>

const char *ibv_node_type_str(int type);

int main(int argc, char **argv)
{
	void *verbs = dlopen("libibverbs.so.1", RTLD_NOW);
	const char *(*found)(int) =
		(const char *(*)(int))dlsym(verbs, "ibv_node_type_str");

	(void)argv;
	puts(argc > 1 ? ibv_node_type_str(1) : found(1));
	return 0;
}
END

test_expect_success 'RTLD_NEXT of a library in front of it and of one behind it' '
	"$CC" -shared -fPIC "-DWHO=\"front\"" -o front.so wrap.c &&
	"$CC" -shared -fPIC "-DWHO=\"behind\"" -o behind.so wrap.c &&
	"$CC" -o prints prints.c -Wl,--no-as-needed "$REAL" &&
	LD_PRELOAD=./front.so:$LIBNETEMU:./behind.so ./prints linked >actual &&
	echo "front behind InfiniBand channel adapter" >expect &&
	test_cmp expect actual &&
	LD_PRELOAD=./front.so:$LIBNETEMU:./behind.so ./prints >actual &&
	echo "behind InfiniBand channel adapter" >expect &&
	test_cmp expect actual
'

# The hook of another tool, which gets at the C library in its own way.
cat >tool.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

void *dlsym(void *handle, const char *name)
{
	static void *(*real)(void *, const char *);

	if (!real)
		real = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
	if (!real)
		real = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.17");
	if (strncmp(name, "ibv_", 4) == 0) {
		printf("tool ");
		fflush(stdout);
		return real(RTLD_NEXT, name);
	}
	return real(handle, name);
}
END

test_expect_success 'of several hooks the first acts, and ours finds what it needs' '
	"$CC" -O0 -shared -fPIC -o tool.so tool.c &&
	LD_PRELOAD=./tool.so:$LIBNETEMU ./prints >actual &&
	echo "tool InfiniBand channel adapter" >expect &&
	test_cmp expect actual &&
	LD_PRELOAD=$LIBNETEMU:./tool.so ./prints >actual &&
	echo "InfiniBand channel adapter" >expect &&
	test_cmp expect actual
'

test_done
