#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='the worked example of a plugin, contrib/skeleton'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"

plugin=$NETEMU_BUILDDIR/contrib/skeleton/.libs/hello.so
test -r "$plugin" || {
	skip_all="the SPANK plugins are not built"
	test_done
}

cluster_plugstack "optional $plugin"
cluster_start 2 --plugstack plugstack.conf
conf=${SLURM_CONF%/*}/plugstack.conf
task='echo "hello=$HELLO"'

test_expect_success 'it exports what SPANK looks for and nothing else' '
	nm -D --defined-only "$plugin" | awk "{ print \$3 }" >exported &&
	! grep -v -e "^slurm_spank_" -e "^plugin_" -e "^spank_plugin_version$" exported
'

test_expect_success 'srun, sbatch and salloc list --hello' '
	for command in srun sbatch salloc; do
		$command --help | grep -e "--hello" || return 1
	done
'

test_expect_success 'tasks find the text' '
	srun -N2 --hello sh -c "$task" >actual &&
	printf "hello=world\n%.0s" 1 2 >expected &&
	test_cmp expected actual &&
	srun -N2 --hello="you two" sh -c "$task" >actual &&
	printf "hello=you two\n%.0s" 1 2 >expected &&
	test_cmp expected actual
'

test_expect_success 'without the option they do not' '
	srun sh -c "$task" >actual && echo hello= >expected && test_cmp expected actual
'

test_expect_success 'a batch script hands it on to its steps, and does not have it itself' '
	printf "%s\n" "#!/bin/sh" "#SBATCH --hello=batch" "$task" "srun sh -c '\''$task'\''" >job.sh &&
	sbatch_wait -o out job.sh &&
	grep ^hello= out >actual &&
	printf "%s\n" hello= hello=batch >expected &&
	test_cmp expected actual
'

test_expect_success 'the plugstack line sets the default' '
	echo "optional $plugin text=site" >"$conf" &&
	srun --hello sh -c "$task" >actual && echo hello=site >expected && test_cmp expected actual
'

test_expect_success 'an unknown argument there stops nothing' '
	echo "optional $plugin colour=red" >"$conf" &&
	srun --hello sh -c "$task" >actual 2>err && echo hello=world >expected &&
	test_cmp expected actual &&
	grep "hello: plugstack.conf: .colour=red.: not text=TEXT" err
'

jobs() {
	scontrol show job -o | grep -c "^JobId="
}

test_expect_success 'a wrong value is one sentence and submits nothing' '
	echo "optional $plugin" >"$conf" &&
	before=$(jobs) &&
	long=$(head -c 65 /dev/zero | tr "\0" x) &&
	test_must_fail srun --hello="$long" true 2>err &&
	test "$(grep -c "error: hello:" err)" = 1 &&
	test "$(jobs)" = "$before"
'

# Only from a host with another plugin does it come that far.
test_expect_success 'what reaches slurmstepd all the same fails there, and drains no node' '
	long=$(head -c 65 /dev/zero | tr "\0" x) &&
	printf "%s\n" "#!/bin/sh" "echo survived" >job.sh &&
	: >"$conf" &&
	_SLURM_SPANK_OPTION_hello_hello=$long sbatch --parsable --hold -o out job.sh >id &&
	echo "optional $plugin" >"$conf" &&
	scontrol release "$(cat id)" && wait_job_end "$(cat id)" &&
	grep "error: hello: the text is not usable" out &&
	! grep survived out &&
	job_is "$(cat id)" FAILED &&
	test -z "$(sinfo -h -R)"
'

test_done
