#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu trace: --help, manual and completion know the same options'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-matrix.sh"
. "$NETEMU_SRCDIR/tests/lib-completion.sh"

manual=$NETEMU_SRCDIR/doc/netemu-trace.1.scd

# Commands, by --help.
commands() {
	netemu trace --help | sed -n 's/^  \([a-z][a-z]*\)  *[A-Za-z].*/\1/p'
}

# Long options of a command, by its --help.
of_help() {
	netemu trace "$1" --help | grep -oE '^ +(-.,)? *--[a-z]+' | grep -oE -e '--[a-z]+' | sort -u
}

# The same by the manual: its own, and those of all commands.
of_manual() {
	sed -n "/^## netemu trace $1\$/,/^#/p; /^# OPTIONS OF ALL/,/^# FILES/p" "$manual" |
		grep '^\*-' | grep -oE -e '--[a-z]+' | sort -u
}

test_expect_success 'there are commands, all in the synopsis of the manual' '
	commands >names && test -s names &&
	while read -r name; do
		grep -q "^\*netemu trace $name\*" "$manual" || echo "$name"
	done <names >missing && test_must_be_empty missing
'

for command in $(commands); do
	test_expect_success "netemu trace $command: manual" '
		of_help $command >expected && of_manual $command >actual &&
		test "$(wc -l <expected)" -gt 1 && test_cmp expected actual
	'
	test_expect_success BASH "netemu trace $command: completion" '
		complete_words netemu trace $command -- | sed "s/=\$//" | sort -u >actual &&
		test_cmp expected actual
	'
	test_expect_success "netemu trace $command: wrong usage is 2, a run that is not there is 1" '
		test_expect_code 2 netemu trace $command --no-such-option &&
		test_expect_code 2 netemu trace $command &&
		case $command in diff) other=nowhere ;; *) other= ;; esac &&
		test_expect_code 1 netemu trace $command nowhere $other 2>err && grep nowhere err
	'
done

test_expect_success BASH 'completion offers commands and runs' '
	mkdir -p netemu.12.0 && complete_words netemu trace "" >out &&
	while read -r name; do
		grep -x "$name" out || return 1
	done <names &&
	complete_words netemu trace matrix 12 >out && grep -x 12.0 out
'

test_expect_success 'the manual tells of each column of the summary' '
	"$NETEMU_BUILDDIR/tests/trace/gen-ring" ring-0.bin 3 &&
	netemu trace summary --format=tsv ring-0.bin >table &&
	sed -n 2p table | tr "\t" "\n" | grep -v "^what\$\|^latency_\|^polled_late_" >names && test -s names &&
	while read -r name; do
		grep -q "^\*.*\*$name\*\|^\*$name\*" "$manual" || echo "$name"
	done <names >missing && test_must_be_empty missing
'

test_done
