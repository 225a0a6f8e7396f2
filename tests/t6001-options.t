#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu sim, netemu device: --help, manual and completion know the same'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-completion.sh"

PATH=$NETEMU_BUILDDIR:$PATH
LC_ALL=C
export PATH LC_ALL

# Commands of netemu $part by --help.
commands() {
	netemu "$part" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'
}

# Long options of a command, by its --help.
of_help() {
	netemu "$part" "$1" --help | grep -oE '^ +(-.,)? *--[a-z-]+' | grep -oE -e '--[a-z-]+' | sort -u
}

# The section of a command in the manual: the bold ones that begin a line.
of_manual() {
	section "$1" | grep '^\*-' | grep -oE -e '--[a-z-]+' | sort -u
}

section() {
	sed -n "/^# $(echo "$1" | tr "[:lower:]" "[:upper:]")\$/,/^# /p" \
		"$NETEMU_SRCDIR/doc/netemu-$part.1.scd"
}

of_completion() {
	complete_words netemu "$part" "$1" -- | sed 's/=$//' | sort -u
}

# A command is compared from the day on which the manual has its section.
for part in sim device; do
	for command in $(commands); do
		test -n "$(section "$command")" || continue
		test_expect_success "netemu $part $command: manual" '
			of_help $command >expected && of_manual $command >actual &&
			test "$(wc -l <expected)" -gt 2 && test_cmp expected actual
		'
		test_expect_success BASH "netemu $part $command: completion" '
			of_completion $command >actual && test_cmp expected actual
		'
	done
	test_expect_success BASH "completion offers every command of netemu $part" '
		complete_words netemu $part "" | sort >offered && commands | sort >expected &&
		test -s expected && comm -23 expected offered >missing &&
		test_must_be_empty missing &&
		complete_words netemu-$part "" | sort >actual && test_cmp offered actual
	'
done

test_expect_success BASH 'completion offers the keys of netemu device run' '
	netemu device run --help | grep -oE "^[a-z_]+=" | sort >expected && test -s expected &&
	complete_words netemu device run "" | grep -E "^[a-z_]+=$" | sort >actual &&
	test_cmp expected actual &&
	complete_words netemu-device run lat >actual && echo "latency=" >expected &&
	test_cmp expected actual &&
	complete_words netemu device run latency = 2us,ra >actual && echo "2us,rate=" >expected &&
	test_cmp expected actual &&
	complete_words netemu device run latency = 2us,transport = q >actual && echo queue >expected &&
	test_cmp expected actual
'

test_expect_success BASH 'completion offers the keys of netemu device set' '
	netemu device set --help | sed "s,--[a-z]*=,,g" | grep -oE "\b[a-z]+=" | sort -u >expected && test -s expected &&
	complete_words netemu device set "" | grep -E "^[a-z_]+=$" | sort >actual &&
	test_cmp expected actual &&
	complete_words netemu device set state = "" | sort >actual &&
	printf "%s\n" down error up >expected && test_cmp expected actual
'

test_expect_success BASH 'completion of an option' '
	complete_words netemu-sim topology --f >actual && echo --format= >expected &&
	test_cmp expected actual
'

test_expect_success BASH 'completion offers kinds of networks, files and formats' '
	: >tree.graphml && complete_words netemu sim topology t >out &&
	grep -x torus: out && grep -x tree.graphml out &&
	netemu sim topology "no:kind" 2>&1 | sed "s/.*not one of //" | tr -d " " | tr "," "\n" >kinds &&
	test "$(wc -l <kinds)" = 5 &&
	complete_words netemu sim topology "" >out && while read -r kind; do
		grep -x "$kind:" out || return 1
	done <kinds &&
	netemu sim topology --format="?" x 2>&1 | sed -n "s/.*is not //p" | sed "s/ or /, /" |
		tr -d " " | tr "," "\n" | sort >expected &&
	complete_words netemu sim topology --format = "" | sort >actual && test_cmp expected actual
'

test_expect_success 'the network by hand in the manual is one' '
	sed -n "/^\`\`\`$/,/^\`\`\`$/p" "$NETEMU_SRCDIR/doc/netemu-topology.5.scd" | sed "/^\`\`\`$/d" >hand.graphml &&
	netemu sim topology hand.graphml >out &&
	test "$(awk "\$1 == \"hosts\" || \$1 == \"cables\" { print \$2 }" out | tr "\n" " ")" = "2 2 "
'

test_expect_success 'the manual lists every kind of network' '
	netemu sim topology "no:kind" 2>&1 | sed "s/.*not one of //" | tr -d " " | tr "," "\n" >kinds &&
	while read -r kind; do
		grep -q "^\*$kind:\*" "$NETEMU_SRCDIR/doc/netemu-topology.5.scd" || echo "$kind"
	done <kinds >missing && test_must_be_empty missing
'

test_done
