#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='what the plugins that record export and need, and its unit tests under valgrind'

. "$SHARNESS"

plugin=$NETEMU_BUILDDIR/spank/.libs/netprof.so
test -r "$plugin" || {
	skip_all="the SPANK plugins are not built"
	test_done
}
! command -v valgrind >/dev/null || test_set_prereq VALGRIND
! grep -q '^SAN_CFLAGS = ..*' "$NETEMU_BUILDDIR/Makefile" || test_set_prereq SANITIZE

for name in netprof nettrace; do
	plugin=$NETEMU_BUILDDIR/spank/.libs/$name.so

	test_expect_success "$name exports what SPANK looks for and nothing else" '
		nm -D --defined-only "$plugin" | awk "{ print \$3 }" | sort >actual &&
		cat >expected <<-END &&
		plugin_name
		plugin_type
		plugin_version
		slurm_spank_exit
		slurm_spank_init
		slurm_spank_init_post_opt
		slurm_spank_local_user_init
		slurm_spank_task_exit
		slurm_spank_task_init
		slurm_spank_user_init
		spank_plugin_version
		END
		test_cmp expected actual
	'

	test_expect_success !SANITIZE "$name links libc alone" '
		readelf -d "$plugin" | sed -n "s/.*(NEEDED).*\[\(.*\)\]/\1/p" >needed &&
		! grep -v -x -e "libc\.so\.6" -e "ld-linux.*" -e "libpthread.*" needed
	'

	# A symbol that one host program lacks must not keep it from loading.
	test_expect_success "symbols of $name are bound lazily, relocations are read-only" '
		readelf -d "$plugin" >dynamic &&
		! grep -e BIND_NOW -e "FLAGS.*NOW" dynamic &&
		readelf -l "$plugin" | grep GNU_RELRO &&
		! readelf -lW "$plugin" | grep "GNU_STACK.*RWE"
	'

	test_expect_success "of Slurm $name takes only what every supported version has" '
		nm -D --undefined-only "$plugin" | awk "{ print \$2 }" | grep -e slurm -e spank >used &&
		! grep -v -x -e slurm_error -e slurm_info -e spank_context -e spank_get_item \
			-e spank_getenv -e spank_setenv -e spank_unsetenv -e spank_option_register used
	'
done

for name in unit-kvlist unit-units unit-settings unit-parts unit-collector unit-plugin; do
	test_expect_success VALGRIND,!SANITIZE "$name is clean under valgrind" '
		CMOCKA_MESSAGE_OUTPUT=STDOUT valgrind -q --error-exitcode=9 --leak-check=full \
			--child-silent-after-fork=yes --log-file=valgrind.log \
			"$NETEMU_BUILDDIR/tests/$name" >out 2>&1 || {
			cat out valgrind.log
			return 1
		}
	'
done

test_done
