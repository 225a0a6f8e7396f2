# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# For tests of netemu sim load and compare.

PATH=$NETEMU_BUILDDIR:$NETEMU_BUILDDIR/tests:$PATH
LC_ALL=C
export PATH LC_ALL
shared=${NETEMU_SHARED_DATA:-$NETEMU_SRCDIR/../shared/data}

load() {
	netemu-sim load "$@"
}

# network SPEC PATTERN ROUTING [OPTION...]: table into `links', summary into `summary'
network() {
	spec=$1 pattern=$2 routing=$3
	shift 3
	load --topology "$spec" --pattern "$pattern" --routing "$routing" --summary \
		--output links "$@" >summary
}

# hist FROM TO: links from nodes whose names begin with FROM to such with TO, in
# the table `links': how many carry how many flows
hist() {
	awk -F'\t' -v from="^$1" -v to="^$2" '
		NR > 1 && $1 ~ from && $2 ~ to { n[$5]++ }
		END { for (flows in n) print flows ":" n[flows] }' links |
		sort -n | paste -s -d ' ' -
}

# what TEXT: what stands behind "TEXT: " in `summary'
what() {
	sed -n "s/^ *$1: *//p" summary
}

# group NAME: the links of a boundary by their flows, from `summary'
group() {
	awk -v head="$1:" 'index($0, head) == 1 { found = 1 }
		found && sub(/^  links by flows: /, "") { print; exit }' summary
}

# is EXPECTED COMMAND...: the output of COMMAND
is() {
	is_expected=$1
	shift
	is_actual=$("$@") || return 1
	test "$is_actual" = "$is_expected" || {
		echo "$*: '$is_actual', not '$is_expected'"
		return 1
	}
}

# milk: 20 hosts of 8 slots, 5 on each of 4 edges, 2 cores, as GraphML
milk() {
	awk 'BEGIN {
		print "<?xml version=\"1.0\"?>"
		print "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">"
		print "<key id=\"t\" for=\"node\" attr.name=\"typ\" attr.type=\"string\"/>"
		print "<key id=\"s\" for=\"node\" attr.name=\"capacity\" attr.type=\"long\"/>"
		print "<key id=\"c\" for=\"edge\" attr.name=\"capacity\" attr.type=\"long\"/>"
		print "<graph edgedefault=\"undirected\">"
		for (i = 1; i <= 20; i++)
			printf "<node id=\"m%02d\"><data key=\"t\">host</data>" \
			       "<data key=\"s\">8</data></node>\n", i
		for (i = 1; i <= 4; i++)
			printf "<node id=\"edge%d\"><data key=\"t\">switch</data></node>\n", i
		for (i = 1; i <= 2; i++)
			printf "<node id=\"core%d\"><data key=\"t\">switch</data></node>\n", i
		for (i = 0; i < 20; i++)
			printf "<edge source=\"m%02d\" target=\"edge%d\"><data key=\"c\">1</data>" \
			       "</edge>\n", i + 1, int(i / 5) + 1
		for (i = 1; i <= 4; i++)
			for (k = 1; k <= 2; k++)
				printf "<edge source=\"edge%d\" target=\"core%d\">" \
				       "<data key=\"c\">1</data></edge>\n", i, k
		print "</graph></graphml>"
	}'
}
