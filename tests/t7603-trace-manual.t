#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='nettrace-ring(5) has the list of calls that the library has'

. "$SHARNESS"

# The rows of lib/vcalls.h as the manual writes them.
expected() {
	awk -F '"' '/^\tX\(/ {
		split($1, word, /[(, ]+/); split($3, series, /[ ,]+/)
		kind = tolower(series[2])
		if (kind == "event") kind = "data"
		if (kind == "call") kind = "calls"
		fields = ""; last = 0
		for (i = 0; i < 6; i++) {
			field[i] = substr($(4 + 2 * i), 2)
			if (field[i] != "") last = i + 1
		}
		for (i = 0; i < last; i++)
			fields = fields (i ? ", " : " ") (field[i] == "" ? "-" : field[i])
		print "*" $2 "* _" kind "_" fields
	}' "$NETEMU_SRCDIR/lib/vcalls.h"
}

test_expect_success 'its calls, their kinds and fields are those of the source' '
	expected >expected && test $(wc -l <expected) -gt 60 &&
	sed -n "/^# CALLS/,/^# SEE/s/^\(\*[a-z_0-9]*\* _[a-z]*_.*\)/\1/p" \
		"$NETEMU_SRCDIR/doc/nettrace-ring.5.scd" | sed "s/++\$//" >actual &&
	test_cmp expected actual
'

test_expect_success 'so are the numbers of kinds' '
	sed -n "/^enum vring_kind/,/^}/s/^\tVRING_\([A-Z]*\),.*/\1/p" "$NETEMU_SRCDIR/lib/vring.h" |
		grep -v KINDS | tr A-Z a-z | awk "NR > 1 { printf \"%s%d %s\", (NR > 2 ? \", \" : \"\"), NR - 1, \$1 }" >kinds &&
	grep "0 not in use, $(cat kinds)\.$" "$NETEMU_SRCDIR/doc/nettrace-ring.5.scd"
'

test_done
