#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2086 # words
test_description='netemu device run: a program with a device, and nothing left behind'

# shellcheck disable=SC1090
. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-program.sh"

test_expect_success 'the program finds a device' '
	netemu device run "$steps" port >out &&
	echo active >expect && test_cmp expect out && nothing_left
'

# Key by key, and of numbers what each may be.
test_expect_success 'the manual has every setting, --help too' '
	netemu device run --help | sed -n "s/^\([a-z_]*\)=.*/\1/p" | sort >known &&
	test $(wc -l <known) -gt 30 &&
	sed -n "s/^\*\([a-z_]*\)\*=.*/\1/p" "$NETEMU_SRCDIR/doc/netemu-device.7.scd" | sort -u >told &&
	test_cmp known told &&
	for key in $(grep ^max_ known | grep -v _size); do
		netemu device run $key=99999999999 true 2>&1 |
			sed -n "s/.*not between \([0-9]*\) and \([0-9]*\)$/\1 to \2/p" >range &&
		test -s range &&
		sed -n "/^\*$key\*=/{n;p;}" "$NETEMU_SRCDIR/doc/netemu-device.7.scd" >said &&
		grep -qF ", $(cat range) (" said || { echo "$key: $(cat range)"; return 1; }
	done
'

test_expect_success 'without it there is none' '
	! "$steps" port
'

test_expect_success 'the exit status is that of the program' '
	exits 0 netemu device run true &&
	exits 3 netemu device run sh -c "exit 3" &&
	exits 143 netemu device run sh -c "kill -TERM \$\$" &&
	exits 137 netemu device run sh -c "kill -KILL \$\$" &&
	nothing_left
'

test_expect_success 'it says why a program can not be run' '
	exits 127 netemu device run ./no-such-program && grep "unable to run ../no-such-program.: No such file" exits.err &&
	: >not-a-program &&
	exits 126 netemu device run ./not-a-program && grep "unable to run ../not-a-program.: Permission denied" exits.err &&
	nothing_left
'

test_expect_success '125 when there is no device for it' '
	exits 125 env NETEMU_SHM="$PWD/not-there" netemu device run true &&
	grep "not-there" exits.err && test $(wc -l <exits.err) = 1 &&
	exits 125 netemu device run faults=not-there true && grep "not-there" exits.err &&
	nothing_left
'

test_expect_success 'wrong usage' '
	exits 2 netemu device run && exits 2 netemu device run latency=2us &&
	exits 2 netemu device run latency=soon true && grep "latency=.soon." exits.err &&
	exits 2 netemu device run no_such_key=1 true && grep "no_such_key" exits.err &&
	exits 2 env NETEMU=rate=much netemu device run true && grep "NETEMU: rate=" exits.err &&
	exits 2 netemu device run --fabric=a/b true &&
	exits 2 netemu device run --node=x true && exits 2 netemu device run --nodes=0 true &&
	exits 2 netemu device && exits 2 netemu device no-such-command && nothing_left
'

test_expect_success 'options end before the program' '
	netemu device run sh -c "echo \"\$1\"" sh --fabric=x >out && echo --fabric=x >expect &&
	test_cmp expect out &&
	printf "#!/bin/sh\necho mine\n" >a=b && chmod +x a=b &&
	PATH=$PWD:$PATH netemu device run latency=1us -- a=b >out && echo mine >expect &&
	test_cmp expect out
'

test_expect_success 'settings: environment, then list' '
	settings() { python "print(data[0][\"settings\"])" <list; } &&
	list="netemu device list --format=json" &&
	NETEMU=latency=3us,mtu=1024 netemu device run latency=2us sh -c "$list" >list &&
	test "$(settings)" = "yes,latency=2000ns,mtu=1024" &&
	netemu device run rate=1Gbit/s,devices=2 -- sh -c "$list" >list &&
	test "$(settings)" = "yes,devices=2,rate=125000000" &&
	NETEMU=no netemu device run "$steps" port && nothing_left
'

test_expect_success 'settings from a file' '
	printf "# mine\nlatency=7us\n" >settings.txt &&
	netemu device run @settings.txt netemu device list --format=json >list &&
	test "$(settings)" = "yes,latency=7000ns"
'

two() {
	port_next
	later netemu device run $1 ibv_rc_pingpong -p $port $3 >server.log 2>&1
	until_true port_listens $port &&
	netemu device run $2 ibv_rc_pingpong -p $port $3 127.0.0.1 >client.log 2>&1 &&
	wait $last && grep "1000 iters" server.log client.log
}

test_expect_success PINGPONG 'two terminals meet' '
	two && nothing_left
'

test_expect_success PINGPONG 'of which the first says what the network is' '
	two latency=1us && nothing_left
'

test_expect_success PINGPONG 'on different nodes' '
	two --node=1 --node=2 && two "-f other -n 7" "-f other -n 0" && nothing_left
'

test_expect_success PINGPONG 'a bare LD_PRELOAD joins the same fabric' '
	port_next &&
	{ later netemu device run ibv_rc_pingpong -p $port; } >server.log 2>&1 &&
	until_true port_listens $port &&
	LD_PRELOAD=$LIBNETEMU ibv_rc_pingpong -p $port 127.0.0.1 &&
	wait $last && nothing_left
'

test_expect_success PINGPONG 'two bare LD_PRELOADs as well' '
	port_next &&
	{ LD_PRELOAD=$LIBNETEMU later ibv_rc_pingpong -p $port; } >server.log 2>&1 &&
	until_true port_listens $port &&
	LD_PRELOAD=$LIBNETEMU ibv_rc_pingpong -p $port 127.0.0.1 &&
	wait $last && nothing_left
'

test_expect_success PINGPONG 'programs of different fabrics do not meet' '
	port_next &&
	{ later netemu device run --fabric one -n 1 ibv_rc_pingpong -p $port; } >server.log 2>&1 &&
	until_true port_listens $port &&
	! netemu device run --fabric other -n 2 ibv_rc_pingpong -p $port 127.0.0.1 >client.log 2>&1 &&
	kill $last; wait $last; nothing_left
'

# In a fabric "held" while the shell runs.
hold() {
	mkfifo "$1" &&
	{ later netemu device run --fabric held $2 sh -c "echo up; read line <$1"; } >held.out &&
	until_true grep up held.out
}

release() {
	echo go >"$1" && wait $last && rm "$1"
}

test_expect_success 'settings that differ are refused' '
	hold fifo latency=2us &&
	exits 125 netemu device run --fabric held latency=3us true &&
	grep "fabric .held. is there already, with other settings (yes,latency=2000ns); see netemu device set" exits.err &&
	exits 125 netemu device run --fabric held latency=2us,loss=0.1 true &&
	exits 0 netemu device run --fabric held latency=2000ns true &&
	exits 0 netemu device run --fabric held true &&
	exits 0 netemu device run --fabric held dir=counted true &&
	exits 0 netemu device run --fabric held latency=2us,dir=counted true &&
	release fifo && nothing_left
'

test_expect_success 'a node that is not there is refused' '
	hold fifo --nodes=2 &&
	exits 125 netemu device run --fabric held --node 2 true && grep "node 2 of fabric" exits.err &&
	exits 0 netemu device run --fabric held --node 1 true &&
	release fifo &&
	exits 125 netemu device run --nodes 2 --node 2 true && grep -e "--node 2: the fabric gets 2 nodes" exits.err &&
	nothing_left
'

test_expect_success 'where SIGCHLD is ignored it ends, and the program inherits that' '
	timeout -k 5 60 python3 -c "
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execvp(sys.argv[1], sys.argv[1:])" \
		"$NETEMU_BUILDDIR/netemu-device" run \
		python3 -c "import signal; print(signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN)" >out &&
	echo True >expected && test_cmp expected out
'

test_expect_success 'signals reach the program' '
	for signal in TERM INT HUP USR1 USR2 QUIT; do
		{ later netemu device run python3 -c "
import os, signal, sys, time
def got(number, frame):
    os.write(1, (signal.Signals(number).name + chr(10)).encode())
    os._exit(7)
for name in (\"TERM\", \"INT\", \"HUP\", \"USR1\", \"USR2\", \"QUIT\"):
    signal.signal(getattr(signal, \"SIG\" + name), got)
os.write(1, b\"ready\\n\")
while True: # a signal just before pause() would not end it
    time.sleep(0.05)
"; } >signal.out 2>&1 &&
		until_true grep ready signal.out && kill -$signal $last || return 1
		status=0
		wait $last || status=$?
		test $status = 7 && grep "^SIG$signal\$" signal.out || return 1
	done && nothing_left
'

cat >terminal.py <<'END'
# Run a command in a terminal of its own, type ^C when it has said "sleeping", tell
# its exit status.
import os, pty, signal, sys

pid, terminal = pty.fork()
if pid == 0:
    # a make in the background hands on that it is ignored
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp(sys.argv[1], sys.argv[1:])
said = b""
while True:
    try:
        more = os.read(terminal, 1000)
    except OSError:
        break
    if not more:
        break
    if b"sleeping" not in said and b"sleeping" in said + more:
        os.write(terminal, b"\x03")
    said += more
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END

test_expect_success 'Ctrl-C ends the program, and nothing is left' '
	python3 terminal.py netemu device run "$steps" pair sleep >out &&
	echo 130 >expect && test_cmp expect out && nothing_left
'

test_expect_success 'a program that is killed leaves nothing' '
	{ later netemu device run "$steps" pair sleep; } >sleeping 2>&1 &&
	until_true grep sleeping sleeping &&
	pid=$(netemu device show processes --format=json |
		python "print([row[\"pid\"] for row in data if row[\"command\"].startswith(\"steps\")][0])") &&
	kill -9 $pid && status=0 && { wait $last || status=$?; } &&
	test $status = 137 && nothing_left
'

test_expect_success 'after kill -9 of it, the program goes on, and the next command sweeps' '
	{ later netemu device run "$steps" pair sleep; } >sleeping 2>&1 &&
	until_true grep sleeping sleeping &&
	pid=$(netemu device show processes --format=json |
		python "print([row[\"pid\"] for row in data if row[\"command\"].startswith(\"steps\")][0])") &&
	kill -9 $last && { wait $last || :; } && kill -0 $pid &&
	netemu device show processes --format=json | python "assert [row[\"pid\"] for row in data] == [$pid]" &&
	kill -9 $pid && until_true sh -c "netemu device list >out && test ! -s out" && nothing_left
'

test_expect_success 'dir=: what the links have carried' '
	netemu device run dir=runs/%u "$steps" pair many:10:1000 &&
	who=$(id -un) && table=runs/$who/netemu.device0/device/links.tsv &&
	awk -F "\t" "NR == 1 { for (i = 1; i <= NF; i++) at[\$i] = i; next }
		{ print \$at[\"src\"], \$at[\"dst\"], \$at[\"bytes\"], \$at[\"messages\"] }" $table >got &&
	grep " 10000 10\$" got >busy && test $(wc -l <busy) = 2 &&
	test $(grep -c " 0 0\$" got) = 6 &&
	netemu sim compare $table $table >/dev/null &&
	netemu device run dir=runs/%u "$steps" pair many:3:1000 &&
	test -e runs/$who/netemu.device1/device/links.tsv && nothing_left
'

test_expect_success 'dir=: what killed programs have sent is counted' '
	exits 137 netemu device run dir=killed "$steps" pair many:10:1000 "kill -9 \$PPID" &&
	grep "	10000	" killed/netemu.device0/device/links.tsv >busy && test $(wc -l <busy) = 2
'

# orphan: a fabric whose processes have been killed, so nobody was left to remove it.
orphan() {
	later env LD_PRELOAD="$LIBNETEMU" "$steps" pair "touch joined" sleep &&
	until_true rm joined && kill -9 $last && { wait $last || :; } &&
	test -n "$(ls "$NETEMU_SHM")"
}

test_expect_success 'a fabric that nobody holds goes with whoever opens one next' '
	orphan && netemu device run true && nothing_left &&
	orphan && netemu device run --fabric other "$steps" port && nothing_left &&
	orphan && LD_PRELOAD=$LIBNETEMU "$steps" port && nothing_left &&
	orphan && netemu device list && nothing_left
'

test_expect_success 'dir= that can not be written does not change the status' '
	: >file &&
	exits 5 netemu device run dir=file/below sh -c "exit 5" && grep "file/below" exits.err &&
	exits 5 netemu device run dir=%x sh -c "exit 5" && grep "unknown conversion" exits.err
'

test_done
