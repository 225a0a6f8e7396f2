#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='--nettrace in srun, sbatch and salloc: values, precedence, files and what is in them'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-trace-slurm.sh"
trace_need ibv_rc_pingpong python3
trace_start 2

idle_again() {
	test "$(sinfo -h -o %T | sort -u)" = idle
}

settings="yes,dir=$PWD"

test_expect_success 'srun, sbatch and salloc list the option, no other is in its way' '
	for command in srun sbatch salloc; do
		$command --help >help 2>err &&
		grep -F -e "--nettrace=yes|no|KEY=VALUE" help &&
		test_must_be_empty err || return 1
	done
'

test_expect_success 'without it the tasks have nothing of ours' '
	task_has_none srun env
'

test_expect_success '--nettrace, =yes, =KEY=VALUE,..., =@FILE, and the same in NETTRACE' '
	task_has "$settings" user srun --nettrace env &&
	task_has "$settings" user srun --nettrace=yes env &&
	task_has "yes,dir=/tmp/x,ring=1048576,stream=yes,level=control,device=yes,timed=4,export=no,tag=a1,size=4096,qp=7" user \
		srun --nettrace=dir=/tmp/x,ring=1MiB,stream=yes,level=control,device=yes,timed=4,export=no,tag=a1,size=4k,qp=7 env &&
	printf "%s\n" "# mine" stream=yes >list &&
	NETTRACE=level=summary task_has "$settings,stream=yes,level=summary" user srun --nettrace=@list env &&
	task_has "$settings,stream=yes" user env NETTRACE=stream=yes srun env
'

# The time it has is over before this script is.
test_expect_success 'nobody waits for an exporter that does not end; it has the lowest priority' '
	mkdir "$shm/bin" && cat >"$shm/bin/netemu-trace" <<-"END" && chmod -R a+rx "$shm/bin" &&
		#!/bin/sh
		: >"$4/verbs/raw_trace_${3#--rank=}.json.Ab12cd"
		echo nice $(ps -o ni= -p $$) >>"$4/exporters"
		exec sleep 1000
	END
	trace_line nettrace "bin=$shm/bin" >"$recorder_conf.new" &&
	trace_line netemu >>"$recorder_conf.new" && mv "$recorder_conf.new" "$recorder_conf" &&
	trace_pingpong --nettrace=dir=hang -- -n 10 &&
	grep "; 2 ranks not exported yet$" err &&
	test_line_count 2 hang/netemu.*/exporters && ! grep -v "^nice 19$" hang/netemu.*/exporters &&
	wait_for 10 idle_again &&
	trace_plugins netprof nettrace netemu
'

test_expect_success 'a wrong value is one sentence and submits nothing' '
	maybe="'\''maybe'\'': neither yes, no nor KEY=VALUE" &&
	refused "--nettrace: $maybe" srun --nettrace=maybe true &&
	refused "--nettrace: $maybe" salloc --nettrace=maybe true &&
	NETTRACE=maybe refused "NETTRACE: $maybe" sbatch --wrap true &&
	refused "--nettrace: unknown key '\''rnig'\'' (did you mean '\''ring'\''?)" srun --nettrace=rnig=1MiB true &&
	refused "--nettrace: level='\''all'\'': none of summary, control and full" srun --nettrace=level=all true &&
	refused "--nettrace: ring='\''1'\''" srun --nettrace=ring=1 true &&
	refused "--nettrace: '\''bin'\'' can only be set in plugstack.conf" srun --nettrace=bin=/tmp true &&
	printf "%s\n" "#!/bin/sh" "#SBATCH --nettrace=dir=%x" true >bad.sh &&
	refused "--nettrace: '\''%x'\'' in dir=%x: unknown conversion" sbatch bad.sh
'

test_expect_success 'plugstack < inherited < environment < option; auto=yes and opting out' '
	recorder_set dir=/tmp/p auto=yes &&
	task_has "yes,dir=/tmp/p" auto srun env &&
	task_has_none srun --nettrace=no env &&
	task_has "yes,dir=/tmp/e,stream=yes" user env NETTRACE=dir=/tmp/e srun --nettrace=stream=yes env &&
	recorder_set &&
	batch --nettrace=stream=yes <<-"END" &&
		env >script
		srun env >first
		NETTRACE=level=control srun --nettrace=qp=5 env >second
		srun --nettrace=no env >third
		NETTRACE=no srun env >fourth
	END
	what_a_script_has "$settings,stream=yes" user >expected &&
	our_variables <script >actual && test_cmp expected actual &&
	what_a_task_has "$settings,stream=yes" user >expected &&
	our_variables <first >actual && test_cmp expected actual &&
	grep "^NETTRACE=$settings,stream=yes,level=control,qp=5$" second &&
	our_variables <third >actual && test_must_be_empty actual &&
	our_variables <fourth >actual && echo NETTRACE=no >expected && test_cmp expected actual &&
	trace_plugins netprof nettrace netemu
'

test_expect_success 'a pingpong of two nodes: files of both ranks, counts are exact' '
	trace_pingpong --nettrace -- -n 100 -s 4096 &&
	for rank in 0 1; do
		ring_has $rank 1 "node=.node$rank." clean=1 ranks=2 step=.0. lost=0 &&
		ring_has $rank 100 call=ibv_post_send bytes=4096 &&
		test "$(grep -c call=ibv_post_recv ring.$rank)" = 0 &&
		ring_has $rank 200 call=ibv_poll_cq status=0 || return 1
	done &&
	test "$(grep -l "100 iters" server.out client.out | wc -l)" = 2
'

test_expect_success 'srun says where the files are; the run has its settings, nodes their ranks' '
	grep "^nettrace: $PWD/netemu\.[0-9]*\.0: 2 ranks, 2 nodes, [0-9,]* records$" err &&
	test "$(grep -c "^nettrace" err)" = 1 && test_must_be_empty out &&
	grep -F "\"nettrace\": \"$settings\"" netemu.*/run.json &&
	for rank in 0 1; do
		grep "\"rank\": $rank" netemu.*/node-$rank.json &&
		grep "\"clean\": true" netemu.*/node-$rank.json || return 1
	done &&
	"$NETEMU_BUILDDIR/netemu" jobs --format=job,ranks,instruments . >jobs &&
	grep "[0-9]*\.0  *2  *nettrace" jobs
'

test_expect_success 'both have their JSON when srun is over, nothing temporary is left' '
	exported 0 1 && test_must_be_empty out &&
	! ls netemu.*/verbs | grep -v -e "^ring-[01].bin$" -e "trace_[01].json$" &&
	! ls netemu.*/log/*
'

test_expect_success 'export=no leaves that for later; tag= and level= reach the library' '
	trace_pingpong --nettrace=export=no,tag=mine,level=control -- -n 10 &&
	exported_none &&
	ring_has 0 1 tag=.mine. level=1 && ring_has 0 0 call=ibv_post_send &&
	ring_has 0 1 call=ibv_create_qp &&
	grep "; 2 ranks not exported yet$" err
'

test_expect_success 'with an exporter that is not there the step ends as well, and that is said' '
	trace_line nettrace bin=/nonexistent >>"$recorder_conf.new" &&
	trace_line netemu >>"$recorder_conf.new" && mv "$recorder_conf.new" "$recorder_conf" &&
	trace_pingpong --nettrace -- -n 10 && exported_none &&
	cannot="unable to run .*/nonexistent/netemu-trace.*: No such file or directory" &&
	grep "1 rank not exported: $cannot; netemu trace export does it" netemu.*/log/node-0.log &&
	ring_has 1 10 call=ibv_post_send
'

test_expect_success 'with a library that is not there the job runs' '
	echo "optional $plugins/nettrace.so lib=/nonexistent/libnettrace.so" >"$recorder_conf" &&
	srun --nettrace -N2 -l env >out 2>err && unlabel out &&
	test "$(grep -c "nettrace: not traced: unable to open" err)" = 1 &&
	our_variables <out >actual && test_must_be_empty actual
'

test_expect_success 'the exporter that did not end was stopped: that is said, the rest is whole' '
	wait_for 60 no_helpers && test -z "$(processes_of sleep)" &&
	for node in 0 1; do
		grep "1 rank not exported: it takes too long" hang/netemu.*/log/node-$node.log || return 1
	done &&
	ls hang/netemu.*/verbs >left && printf "%s\n" ring-0.bin ring-1.bin >expected && test_cmp expected left &&
	rm -rf "$shm/bin"
'

test_expect_success 'no helper, no fabric is left' '
	wait_for 20 no_helpers && wait_for 20 shm_is_empty
'

test_expect_success 'no node was drained' no_node_drained

test_done
