#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu sim topology: networks by rule and from files, as files'

. "$SHARNESS"

PATH=$NETEMU_BUILDDIR:$PATH
LC_ALL=C
export PATH LC_ALL
shared=${NETEMU_SHARED_DATA:-$NETEMU_SRCDIR/../shared/data}
corpus=$NETEMU_SRCDIR/tests/corpus/graphml

topology() {
	netemu sim topology "$@"
}

# figure NAME: what the summary on standard input says of it.
figure() {
	awk -v name="$1" '$1 == name { print $2 }'
}

if [ -e "$shared/pfsim/topologies/milk.graphml" ]; then
	test_set_prereq DATA
else
	echo "# no $shared: tests of real networks are skipped"
fi
if python3 -c 'import networkx' 2>/dev/null; then
	test_set_prereq NETWORKX
else
	echo '# no python3-networkx: tests with it are skipped'
fi
if command -v xmllint >/dev/null; then
	test_set_prereq XMLLINT
fi

test_expect_success 'the summary counts hosts, switches and cables' '
	topology xgft:4x4x3:1x2x2@slots=2@rate=100Gbit/s >actual &&
	cat >expected <<-\EOT &&
	topology    xgft:4x4x3:1x2x2@slots=2@rate=100Gbit/s
	shape       xgft:4x4x3:1x2x2:1x1x1
	hosts       48
	slots       96
	switches    22
	  level 1             12
	  level 2              6
	  level 3              4
	cables      84
	  0 to 1              48  capacity 1.25e+10 byte/s
	  1 to 2              24  capacity 1.25e+10 byte/s
	  2 to 3              12  capacity 1.25e+10 byte/s
	EOT
	test_cmp expected actual
'

# Hosts, switches and cables by the formulas:
#   kary     K^N hosts, N * K^(N-1) switches, N * K^N cables
#   torus    N = product, N switches, N hosts, N cables per dimension above 1
#   dragonfly  G = A*H+1 groups: G*A routers, P hosts each, G*A*(A-1)/2 + G*A*H/2 cables
test_expect_success 'generators make 100,000 hosts' '
	while read -r spec hosts switches cables; do
		topology "$spec" >out &&
		test "$(figure hosts <out) $(figure switches <out) $(figure cables <out)" = \
			"$hosts $switches $cables" || { echo "$spec"; cat out; return 1; }
	done <<-\EOT
	kary:47:3 103823 6627 311469
	xgft:100000:1 100000 1 100000
	torus:46x46x48 101568 101568 406272
	torus:100000 100000 100000 200000
	mesh:317x317 100489 100489 300833
	dragonfly:12:24:12 83232 6936 204612
	EOT
'

test_expect_success 'a file is what its name ends with, and appears whole' '
	mkdir new && topology kary:4:2 -o new/t.graphml &&
	test "$(grep -c "<edge " new/t.graphml)" = 64 &&
	topology kary:4:2 --output=new/t.tsv && test "$(wc -l <new/t.tsv)" = 65 &&
	topology kary:4:2 --format=tsv >out && test_cmp new/t.tsv out &&
	topology kary:4:2 --output=new/other --format=graphml && test_cmp new/t.graphml new/other &&
	ls -A new >actual && printf "other\nt.graphml\nt.tsv\n" >expected && test_cmp expected actual
'

test_expect_success 'a table has one row for each direction of each cable' '
	topology torus:2@rate=8bit/s --format=tsv >actual &&
	printf "%s\t%s\t1\t%s\t%s\n" h000 s1-0 1 3 h001 s1-1 1 3 \
		s1-0 h000 3 1 s1-0 s1-1 1 2 s1-0 s1-1 2 1 \
		s1-1 s1-0 2 1 s1-1 h001 3 1 s1-1 s1-0 1 2 >rows &&
	{ printf "src\tdst\tcapacity\tsrc_port\tdst_port\n" && cat rows; } >expected &&
	test_cmp expected actual
'

test_expect_success 'what is written is read back, and written the same' '
	for spec in xgft:4x4x3:1x2x2:1x2x3@rate=100Gbit/s torus:3x4x5@slots=8 mesh:3x3:2 \
		dragonfly:2:4:2 kary:5:3; do
		topology "$spec" -o one.graphml && topology one.graphml -o two.graphml &&
		test_cmp one.graphml two.graphml && topology "$spec" >one && topology one.graphml >two &&
		sed 1d one >expected && sed 1d two >actual && test_cmp expected actual || return 1
	done
'

test_expect_success 'graphs of other tools' '
	topology "$corpus/gephi.graphml" --format=tsv >actual &&
	printf "src\tdst\tcapacity\tsrc_port\tdst_port\n%s\n%s\n%s\n%s\n" "n0 n2 40 - -" \
		"n1 n2 10 - -" "n2 n0 40 - -" "n2 n1 10 - -" | tr " " "\t" >expected &&
	test_cmp expected actual &&
	topology "$corpus/gephi.graphml" >out && test "$(figure slots <out)" = 10 &&
	topology "$corpus/cytoscape.graphml" --format=tsv >actual &&
	printf "src\tdst\tcapacity\tsrc_port\tdst_port\n%s\n%s\n" "alpha 62 2.5 - -" \
		"62 alpha 2.5 - -" | tr " " "\t" >expected && test_cmp expected actual
'

test_expect_success 'compressed files' '
	topology torus:3x4 -o t.graphml && gzip -k t.graphml && topology t.graphml.gz -o u.graphml &&
	test_cmp t.graphml u.graphml && head -c 100 t.graphml.gz >cut.gz &&
	test_expect_code 1 netemu sim topology cut.gz 2>err && grep "cut.gz" err
'

test_expect_success DATA 'the cluster of PFSim, read exactly' '
	topology "$shared/pfsim/topologies/milk.graphml" >out &&
	cat >expected <<-\EOT &&
	name        Milk cluster
	shape       irregular
	hosts       20
	slots       160
	switches    6
	  level 1              4
	  level 2              2
	cables      28
	  0 to 1              20  capacity 1
	  1 to 2               8  capacity 1
	EOT
	sed 1d out >actual && test_cmp expected actual
'

test_expect_success DATA 'a real fabric with parallel cables' '
	topology "$shared/fabrics/avakas.graphml" >out &&
	test "$(figure hosts <out) $(figure switches <out) $(figure cables <out)" = "281 25 569" &&
	topology "$shared/fabrics/avakas.graphml" -o a.graphml && topology a.graphml -o b.graphml &&
	test_cmp a.graphml b.graphml
'

test_expect_success NETWORKX 'networkx reads what we write' '
	topology xgft:3x4:1x2:1x2@rate=100Gbit/s@slots=8 -o ours.graphml &&
	python3 - >out <<-\EOT &&
	import networkx
	g = networkx.read_graphml("ours.graphml")
	assert g.is_directed() and g.is_multigraph()
	assert g.graph["shape"] == "xgft:3x4:1x2:1x2" and g.graph["capacity_unit"] == "byte/s"
	hosts = [n for n, d in g.nodes(data=True) if d["typ"] == "host"]
	assert len(hosts) == 12 and hosts == sorted(hosts) and g.number_of_nodes() == 18
	assert all(g.nodes[n]["capacity"] == 8 for n in hosts)
	assert g.number_of_edges() == 2 * (12 + 4 * 2 * 2)
	assert all(d["capacity"] == 12.5e9 and "port" in d for _, _, d in g.edges(data=True))
	assert networkx.diameter(networkx.Graph(g)) == 4
	EOT
	test_must_be_empty out
'

test_expect_success NETWORKX 'we read what networkx writes, in every kind of graph' '
	python3 - <<-\EOT &&
	import networkx
	for kind in networkx.Graph, networkx.DiGraph, networkx.MultiGraph, networkx.MultiDiGraph:
	    g = kind(name="a <test> & more")
	    g.add_node("x", typ="switch")
	    for i in range(4):
	        g.add_node("h%d" % i, typ="host", capacity=8, mac="02:00:00:00:00:0%d" % i)
	        for k in range(1 + g.is_multigraph()):
	            g.add_edge("h%d" % i, "x", capacity=40 if i else 2.5)
	            if g.is_directed():
	                g.add_edge("x", "h%d" % i, capacity=40 if i else 2.5)
	    networkx.write_graphml(g, kind.__name__ + ".graphml")
	EOT
	for kind in Graph DiGraph MultiGraph MultiDiGraph; do
		cables=4 && case $kind in Multi*) cables=8 ;; esac &&
		topology $kind.graphml >out &&
		test "$(sed -n "s/^name *//p" out)" = "a <test> & more" &&
		test "$(figure hosts <out) $(figure slots <out) $(figure cables <out)" = \
			"4 32 $cables" && grep "capacity 2.5 to 40$" out || return 1
	done
'

test_expect_success NETWORKX 'networkx changes nothing of ours on its way' '
	topology dragonfly:2:2:1@rate=25Gbit/s -o ours.graphml &&
	python3 -c "import networkx as n; n.write_graphml(n.read_graphml(\"ours.graphml\"), \"its.graphml\")" &&
	topology its.graphml -o again.graphml && test_cmp ours.graphml again.graphml
'

test_expect_success XMLLINT 'it is well-formed XML' '
	topology torus:3x3 -o t.graphml && xmllint --noout --nonet t.graphml
'

test_expect_success 'one sentence and status 1 for what cannot be had' '
	while read -r spec; do
		test_expect_code 1 netemu sim topology "$spec" >out 2>err &&
		test_must_be_empty out && test "$(wc -l <err)" = 1 &&
		grep "^netemu sim topology: .*[^.]$" err || { echo "$spec"; return 1; }
	done <<-\EOT
	xgft:4x4
	xgft:4x4:1
	kary:1000:9
	torus:0x3
	mesh:9999999999x2
	dragonfly:2:4
	kary:4:2@slots=0
	kary:4:2@rate=fast
	nofile.graphml
	/
	clos:3
	EOT
'

test_expect_success 'status 2 for wrong usage' '
	test_expect_code 2 netemu sim topology 2>err && grep "no topology" err &&
	test_expect_code 2 netemu sim topology a b 2>err && grep "only one" err &&
	test_expect_code 2 netemu sim topology --format=dot a 2>err &&
	grep "is not summary, graphml or tsv" err &&
	test_expect_code 2 netemu sim topology -o a.dot kary:2:2 2>err && grep "say --format" err &&
	test_expect_code 2 netemu sim nonsense 2>err && grep "is not a command" err &&
	test_expect_code 2 netemu sim toplogy 2>err && grep "did you mean .topology.?" err &&
	netemu sim --help >out && grep "^  topology " out
'

test_expect_success 'a file that cannot be written leaves nothing' '
	test_expect_code 1 netemu sim topology kary:2:2 -o none/t.graphml 2>err && grep "none/t.graphml" err &&
	test_expect_code 1 netemu sim topology bad -o t2.graphml && test ! -e t2.graphml &&
	test_expect_code 1 netemu sim topology kary:9:3 --format=graphml >/dev/full 2>err &&
	grep "No space left" err
'

test_expect_success 'no bytes of GraphML do harm' '
	"$NETEMU_BUILDDIR/tests/fuzz-graphml" 2000 1 "$corpus"/*
'

if command -v valgrind >/dev/null && ! nm "$NETEMU_BUILDDIR/tests/fuzz-graphml" 2>/dev/null | grep -q __asan; then
	test_set_prereq VALGRIND
fi

test_expect_success VALGRIND 'nothing uninitialised, nothing leaked' '
	valgrind -q --leak-check=full --error-exitcode=9 \
		"$NETEMU_BUILDDIR/tests/fuzz-graphml" 20 3 "$corpus"/* &&
	valgrind -q --leak-check=full --error-exitcode=9 \
		"$NETEMU_BUILDDIR/netemu-sim" topology dragonfly:2:2:1 -o v.graphml &&
	valgrind -q --leak-check=full --error-exitcode=9 \
		"$NETEMU_BUILDDIR/netemu-sim" topology v.graphml &&
	test_expect_code 1 valgrind -q --leak-check=full --error-exitcode=9 \
		"$NETEMU_BUILDDIR/netemu-sim" topology xgft:4x4:1
'

test_done
