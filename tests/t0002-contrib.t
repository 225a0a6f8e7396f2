#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='the set-up commands of contrib'

. "$SHARNESS"

contrib=$NETEMU_SRCDIR/contrib

for script in check quickstart install-packages; do
	test_expect_success "$script: --help says how, a wrong option is refused with exit 2" "
		\"\$contrib/$script\" --help >help &&
		grep \"Usage: $script\" help &&
		test_expect_code 2 \"\$contrib/$script\" --frobnicate 2>err &&
		grep frobnicate err
	"
done

# Packages

test_expect_success 'each package has a purpose and stands there once' '
	sed -e "s/#.*//" -e "/^ *$/d" "$contrib/packages.txt" >list &&
	test "$(wc -l <list)" -gt 20 &&
	! grep -vE "^[a-z0-9.+-]+ +[^ ]" list &&
	! awk "{ print \$1 }" list | sort | uniq -d | grep .
'

test_expect_success 'every package that configure names is in the list' '
	grep -ohE "\[[a-z0-9]+-(dev|nox)\]" "$NETEMU_SRCDIR/configure.ac" "$NETEMU_SRCDIR"/m4/netemu_*.m4 |
		tr -d "[]" | sort -u >named &&
	test "$(wc -l <named)" -ge 6 &&
	awk "{ print \$1 }" list | sort >have &&
	comm -23 named have >lacking &&
	test_must_be_empty lacking
'

if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
	test_set_prereq DEBIAN
fi

test_expect_success DEBIAN 'install-packages names what is missing, and only that' '
	mkdir tool && cp "$contrib/install-packages" tool &&
	printf "# comment\n\nbash  shell\nno-such-package-of-netemu  nothing\ncoreutils\n" >tool/packages.txt &&
	test_expect_code 1 tool/install-packages --dry-run 2>err &&
	echo "install-packages: missing: no-such-package-of-netemu" >expected &&
	test_cmp expected err
'

test_expect_success DEBIAN 'install-packages is quiet when all is there' '
	printf "bash  shell\n" >tool/packages.txt &&
	tool/install-packages >out 2>&1 &&
	test_must_be_empty out
'

# What check counts, on a tree whose configure and tests are a few lines.
# tree RESULT...: with these test results, and a make check that fails if one did.
tree() {
	rm -rf tree && mkdir -p tree/contrib &&
		cp "$contrib/check" tree/contrib &&
		printf ':test-result: %s\n' "$@" >tree/results &&
		makefile 'echo reason of the failure >one.log' 'cp ../src/results one.trs' \
			'! grep -qE ": (FAIL|ERROR)" one.trs'
}

# makefile COMMAND...: configure makes one whose check runs these.
makefile() {
	printf 'all check-programs:\ncheck:\n' >tree/stub &&
		printf '\t%s\n' "$@" >>tree/stub &&
		printf '#!/bin/sh\n' | tee tree/contrib/install-packages >tree/autogen.sh &&
		printf '#!/bin/sh\ncp ../src/stub Makefile\n' >tree/configure &&
		chmod +x tree/configure tree/autogen.sh tree/contrib/install-packages
}

check() {
	TMPDIR=/tmp tree/contrib/check --no-user "$@" >out 2>err
}

work_of() {
	sed -n 's/.*copying the tree to //p' err
}

test_expect_success 'check counts results and succeeds when none failed' '
	tree "PASS a" "PASS b" "SKIP c" "XFAIL d" &&
	check &&
	test "$(tail -n 1 out)" = "3 passed, 0 failed, 1 skipped" &&
	! test -e "$(work_of)"
'

test_expect_success 'without skipped tests its line says nothing of them' '
	tree "PASS a" &&
	check &&
	test "$(tail -n 1 out)" = "1 passed, 0 failed"
'

test_expect_success 'check fails when a test failed, shows its log and keeps the build' '
	tree "PASS a" "FAIL b" "ERROR c" &&
	test_must_fail check --logs &&
	test "$(tail -n 1 out)" = "1 passed, 2 failed" &&
	grep -x "reason of the failure" out &&
	work=$(work_of) &&
	test "$(cat "$work/logs/all/one.log")" = "reason of the failure" &&
	rm -r "$work"
'

test_expect_success 'check fails when no test ran' '
	tree "PASS a" && : >tree/results &&
	test_must_fail check &&
	test "$(tail -n 1 out)" = "0 passed, 0 failed"
'

test_expect_success 'check fails, with its last line, when the build does' '
	tree "PASS a" &&
	printf "all:\n\tfalse\n" >tree/stub &&
	test_must_fail check &&
	test "$(tail -n 1 out)" = "0 passed, 1 failed" &&
	rm -r "$(work_of)"
'

test_expect_success 'check fails when make check ends without a word' '
	tree "PASS a" &&
	makefile false &&
	test_must_fail check &&
	test "$(tail -n 1 out)" = "0 passed, 1 failed" &&
	rm -r "$(work_of)"
'

test_done
