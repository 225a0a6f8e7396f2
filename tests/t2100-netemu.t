#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu finds its commands'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-matrix.sh"

test_expect_success 'a command beside it is run, with its arguments and status' '
	mkdir run && ours 0 1 0 5 1 5 1 >run/rank-0.json &&
	netemu matrix --format=tsv run >out && tsv "0 0 5 1" >expected && test_cmp expected out &&
	test_expect_code 1 netemu matrix ./nothing &&
	test_expect_code 2 netemu matrix --nonsense
'

test_expect_success 'a command in PATH is run' '
	mkdir bin && printf "#!/bin/sh\necho \"\$0\" \"\$@\"\nexit 7\n" >bin/netemu-my-own && chmod +x bin/netemu-my-own &&
	test_expect_code 7 env PATH="$PWD/bin:$PATH" netemu my-own "a b" --c >out &&
	grep "netemu-my-own a b --c$" out
'

test_expect_success 'the one beside netemu goes before the one in PATH' '
	cp bin/netemu-my-own bin/netemu-matrix &&
	PATH="$PWD/bin:$PATH" netemu matrix --version >out && grep "^netemu-matrix [0-9]" out
'

test_expect_success 'an unknown command is said, with a guess' '
	test_expect_code 2 netemu matrx 2>err &&
	echo "netemu: '\''matrx'\'' is not a command (did you mean '\''matrix'\''?); netemu help lists them" >expected &&
	test_cmp expected err &&
	test_expect_code 2 netemu xyzzyx 2>err && ! grep "did you mean" err &&
	test_expect_code 2 env PATH="$PWD/bin:$PATH" netemu my-onw 2>err && grep "mean .my-own.?" err
'

test_expect_success 'a name with a slash is never a program' '
	mkdir -p netemu-x && cp bin/netemu-my-own netemu-x/y &&
	test_expect_code 2 netemu x/y && test_expect_code 2 netemu ../x && test_expect_code 2 netemu ""
'

test_expect_success 'help lists every command once' '
	netemu help >out && netemu --help >out2 && test_cmp out out2 &&
	for command in help jobs matrix; do
		test "$(grep -c "^  $command " out)" -eq 1 || return 1
	done &&
	PATH="$PWD/bin:$PATH" netemu help | grep "^  my-own" &&
	test_expect_code 2 netemu 2>err >out && test_must_be_empty out && test_cmp out2 err
'

test_expect_success 'help of a command opens its manual' '
	mkdir man && printf "#!/bin/sh\necho man \"\$@\"\n" >man/man && chmod +x man/man &&
	test "$(PATH="$PWD/man:$PATH" netemu help matrix)" = "man netemu-matrix" &&
	test "$(PATH="$PWD/man:$PATH" netemu help jobs)" = "man netemu-jobs" &&
	test "$(PATH="$PWD/man:$PATH" netemu help help)" = "man netemu"
'

test_expect_success '--version' '
	netemu --version >out && grep "^netemu [0-9]" out
'

test_done
