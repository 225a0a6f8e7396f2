#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='--help, manual and completion know the same options'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-matrix.sh"
. "$NETEMU_SRCDIR/tests/lib-completion.sh"

# Long options of a command, by its --help.
of_help() {
	netemu "$1" --help | grep -oE '^ +(-.,)? *--[a-z]+' | grep -oE -e '--[a-z]+' | sort -u
}

# The same by its manual: the bold ones that begin a line.
of_manual() {
	sed -n '/^# OPTIONS/,/^# COLUMNS\|^# FIGURES\|^# EXIT/p' "$NETEMU_SRCDIR/doc/netemu-$1.1.scd" |
		grep '^\*-' | grep -oE -e '--[a-z]+' | sort -u
}

# The same by completion.
of_completion() {
	complete_words netemu "$1" -- | sed 's/=$//' | sort -u
}

for command in jobs matrix; do
	test_expect_success "netemu $command: manual" '
		of_help $command >expected && of_manual $command >actual &&
		test "$(wc -l <expected)" -gt 4 && test_cmp expected actual
	'
	test_expect_success BASH "netemu $command: completion" '
		of_completion $command >actual && test_cmp expected actual
	'
done

# one_of OPTION: what its message lists as possible.
one_of() {
	netemu matrix "$1=?" x 2>&1 | sed -n "s/.*is not //p" | sed 's/ or /, /' | tr -d ' ' | tr ',' '\n' | sort
}

test_expect_success BASH 'completion offers the values that the program takes' '
	for option in --what --by --op --from --format; do
		one_of $option >expected &&
		complete_words netemu matrix $option = "" | sort >actual &&
		test_cmp expected actual || return 1
	done &&
	netemu jobs --format="?" 2>&1 | sed -n "s/.*the columns are //p" | tr " " "\n" >expected &&
	printf "table\ntsv\njson\n" >>expected && sort expected >sorted &&
	complete_words netemu jobs --format = "" | sort >actual && test_cmp sorted actual
'

test_expect_success BASH 'completion offers commands and runs' '
	mkdir -p netemu.12.0 && complete_words netemu "" >out &&
	grep -x jobs out && grep -x matrix out &&
	complete_words netemu matrix 12 >out && grep -x 12.0 out &&
	complete_words netemu matrix net >out && grep -x netemu.12.0 out
'

test_expect_success 'the manual lists every column of netemu jobs' '
	netemu jobs --format="?" 2>&1 | sed -n "s/.*the columns are //p" | tr " " "\n" | sort >expected &&
	sed -n "/^# COLUMNS/,/^# EXIT/p" "$NETEMU_SRCDIR/doc/netemu-jobs.1.scd" | grep "^\*" |
		grep -o "[a-z]*" | sort >actual && test_cmp expected actual
'

test_expect_success 'the manual of rank files lists every operation' '
	one_of --op | while read -r op; do
		grep -q "_${op}_" "$NETEMU_SRCDIR/doc/netprof-rank.5.scd" || echo "$op"
	done >missing && test_must_be_empty missing
'

test_done
