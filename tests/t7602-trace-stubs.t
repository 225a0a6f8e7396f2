#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='the tracer before libraries that are not there: stand-ins for them'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-trace.sh"
trace_need cc
tracee=$NETEMU_BUILDDIR/tests/trace/tracee
stub=$NETEMU_BUILDDIR/tests/trace/.libs/stub-verbs.so
real=$(/sbin/ldconfig -p | sed -n 's/.*libibverbs\.so\.1 .* => //p' | head -n 1)

# --- direct access to a mlx5 device ---

cat >mlx5.map <<'END'
MLX5_1.0 { global: mlx5dv_init_obj; local: *; };
MLX5_1.2 { global: mlx5dv_init_obj; } MLX5_1.0;
MLX5_1.3 { global: mlx5dv_create_qp; } MLX5_1.2;
MLX5_1.7 { global: mlx5dv_devx_obj_create; mlx5dv_open_device; } MLX5_1.3;
END
cat >mlx5.c <<'END'
#include <infiniband/verbs.h>
#include <stdlib.h>
int old_init(void *object, unsigned long type);
int old_init(void *object, unsigned long type) { return object ? (int)type + 1000 : -1; }
int new_init(void *object, unsigned long type);
int new_init(void *object, unsigned long type) { return object ? (int)type + 2000 : -1; }
__asm__(".symver old_init,mlx5dv_init_obj@MLX5_1.0");
__asm__(".symver new_init,mlx5dv_init_obj@@MLX5_1.2");
struct ibv_qp *mlx5dv_create_qp(void *context, void *attr, void *own);
struct ibv_qp *mlx5dv_create_qp(void *context, void *attr, void *own)
{
	static struct ibv_qp qp = { .qp_num = 4711 };

	return context && attr && own ? &qp : NULL;
}
static int no_port(struct ibv_context *context, uint8_t port, struct ibv_port_attr *attr, size_t size)
{
	return context && port && attr && size ? 22 : 14;
}
struct ibv_context *mlx5dv_open_device(struct ibv_device *device, void *attr);
struct ibv_context *mlx5dv_open_device(struct ibv_device *device, void *attr)
{
	struct verbs_context *verbs = attr ? calloc(1, sizeof(*verbs)) : NULL;

	verbs->sz = sizeof(*verbs);
	verbs->context.device = device;
	verbs->context.abi_compat = __VERBS_ABI_IS_EXTENDED;
	verbs->query_port = no_port;
	return &verbs->context;
}
void *mlx5dv_devx_obj_create(void *context, const void *in, size_t in_size, void *out, size_t size);
void *mlx5dv_devx_obj_create(void *context, const void *in, size_t in_size, void *out, size_t size)
{
	return context && in && in_size == 3 && size == 4 ? out : NULL;
}
END
cat >direct.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <infiniband/verbs.h>
#include <stdio.h>
#include <string.h>

int mlx5dv_init_obj(void *object, unsigned long type);
struct ibv_qp *mlx5dv_create_qp(void *context, void *attr, void *own);
struct ibv_context *mlx5dv_open_device(struct ibv_device *device, void *attr);
void *mlx5dv_devx_obj_create(void *context, const void *in, size_t in_size, void *out, size_t size);

int main(int argc, char **argv)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *context = ibv_open_device(list[0]);
	struct ibv_qp_init_attr_ex attr = { .qp_type = IBV_QPT_RC };
	char a, b;

	(void)argc;
#ifdef LINKED
	if (strcmp(argv[1], "init") == 0)
		printf("%d %d\n", mlx5dv_init_obj(&a, 5), mlx5dv_init_obj(&a, 6));
	else if (strcmp(argv[1], "qp") == 0)
		printf("%u\n", mlx5dv_create_qp(context, &attr, &b)->qp_num);
	else if (strcmp(argv[1], "open") == 0)
		printf("%d\n", mlx5dv_open_device(list[0], &a)->device == list[0]);
	else
		printf("%d\n", mlx5dv_devx_obj_create(context, &a, 3, &b, 4) == &b);
#else
	void *mlx5 = dlopen("libmlx5.so.1", RTLD_NOW | RTLD_LOCAL);
	__typeof__(&mlx5dv_init_obj) init =
		argv[1][0] == '-' ? (__typeof__(&mlx5dv_init_obj))dlsym(mlx5, "mlx5dv_init_obj")
				  : (__typeof__(&mlx5dv_init_obj))dlvsym(mlx5, "mlx5dv_init_obj", argv[1]);

	printf("%d\n", init ? init(&a, 5) : -1);
	(void)a;
	(void)b;
	(void)attr;
#endif
	return ibv_close_device(context);
}
END
mkdir mlx5 && cc -shared -fPIC -Wl,-soname,libmlx5.so.1 -Wl,--version-script=mlx5.map \
	-o mlx5/libmlx5.so.1 mlx5.c && cc -DLINKED -o linked direct.c mlx5/libmlx5.so.1 "$real" &&
	cc -o loading direct.c "$real" -ldl && test_set_prereq MLX5

# direct COMMAND...: with the stand-in.
direct() {
	device env "LD_LIBRARY_PATH=$PWD/mlx5" "$@"
}

# unseen WHY TEXT: that was recorded once, and said once.
unseen() {
	dump client && expect_count client 1 unseen "why=$1" && lines client call=unseen | grep "$2" &&
		find client -name "nettrace.*.log" -exec cat {} + >log &&
		test "$(grep -c "not all is seen" log)" = 1
}

test_expect_success MLX5 'mlx5dv_init_obj() of a linked program: passed on, recorded, said once' '
	direct ./linked init >actual && echo 2005 2006 >expected && test_cmp expected actual &&
	unseen 1 mlx5dv_init_obj
'

test_expect_success MLX5 'mlx5dv_create_qp()' '
	direct ./linked qp >actual && echo 4711 >expected && test_cmp expected actual &&
	unseen 1 mlx5dv_create_qp && expect_count client 1 ibv_create_qp_ex qpn=4711 type=2
'

test_expect_success MLX5 'mlx5dv_open_device(): the context is traced' '
	direct ./linked open >actual && echo 1 >expected && test_cmp expected actual &&
	dump client && expect_count client 2 ibv_open_device && expect_count client 0 unseen
'

test_expect_success MLX5 'mlx5dv_devx_obj_create()' '
	direct ./linked devx >actual && echo 1 >expected && test_cmp expected actual &&
	unseen 2 mlx5dv_devx_obj_create
'

for version in - MLX5_1.0 MLX5_1.2; do
	test $version = MLX5_1.0 && value=1005 || value=2005
	test_expect_success MLX5 "of one that loads it and asks for $version" '
		direct ./loading $version >actual && echo $value >expected && test_cmp expected actual &&
		unseen 1 mlx5dv_init_obj
	'
done

test_expect_success MLX5 'turned off: the same values, nothing said' '
	trace_set no && direct ./linked init >actual && echo 2005 2006 >expected &&
	test_cmp expected actual && test -z "$(rings client)" && trace_set
'

# --- connections ---

cat >cm.map <<'END'
RDMACM_1.0 { global: rdma_*; local: *; };
RDMACM_1.1 { global: rdma_join_multicast_ex; } RDMACM_1.0;
RDMACM_1.2 { global: rdma_establish; } RDMACM_1.1;
RDMACM_1.3 { global: rdma_reject_ece; } RDMACM_1.2;
END
cat >cm.c <<'END'
#include <rdma/rdma_cma.h>
#include <rdma/rdma_verbs.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct ibv_context *context;

int rdma_create_id(struct rdma_event_channel *channel, struct rdma_cm_id **id, void *data,
		   enum rdma_port_space space)
{
	struct ibv_device **list = ibv_get_device_list(NULL);

	if (!context)
		context = ibv_open_device(list[0]);
	*id = calloc(1, sizeof(**id));
	(*id)->channel = channel;
	(*id)->context = data;
	(*id)->ps = space;
	(*id)->verbs = context;
	return 0;
}
int rdma_destroy_id(struct rdma_cm_id *id) { free(id); return 0; }
int rdma_bind_addr(struct rdma_cm_id *id, struct sockaddr *address)
{
	memcpy(&id->route.addr.src_addr, address, sizeof(struct sockaddr_in));
	return 0;
}
int rdma_resolve_addr(struct rdma_cm_id *id, struct sockaddr *from, struct sockaddr *to, int ms)
{
	(void)from;
	memcpy(&id->route.addr.dst_addr, to, sizeof(struct sockaddr_in));
	return ms == 77 ? 0 : -1;
}
int rdma_resolve_route(struct rdma_cm_id *id, int ms) { return id && ms == 78 ? 0 : -1; }
int rdma_create_qp(struct rdma_cm_id *id, struct ibv_pd *pd, struct ibv_qp_init_attr *attr)
{
	id->qp = ibv_create_qp(pd, attr);
	return id->qp ? 0 : -1;
}
void rdma_destroy_qp(struct rdma_cm_id *id) { ibv_destroy_qp(id->qp); id->qp = NULL; }
int rdma_listen(struct rdma_cm_id *id, int backlog) { return id && backlog == 9 ? 0 : -1; }
int rdma_connect(struct rdma_cm_id *id, struct rdma_conn_param *param) { return id && !param ? 0 : -1; }
int rdma_accept(struct rdma_cm_id *id, struct rdma_conn_param *param) { return id && !param ? 0 : -1; }
int rdma_disconnect(struct rdma_cm_id *id) { return id ? 0 : -1; }
int rdma_get_cm_event(struct rdma_event_channel *channel, struct rdma_cm_event **event)
{
	static struct rdma_cm_event it = { .event = RDMA_CM_EVENT_ESTABLISHED, .status = -3 };

	it.id = (struct rdma_cm_id *)channel;
	*event = &it;
	return 0;
}
int rdma_create_qp_ex(struct rdma_cm_id *id, struct ibv_qp_init_attr_ex *attr)
{
	return rdma_create_qp(id, attr->pd, (struct ibv_qp_init_attr *)attr);
}
int rdma_create_ep(struct rdma_cm_id **id, struct rdma_addrinfo *found, struct ibv_pd *pd,
		   struct ibv_qp_init_attr *attr)
{
	if (rdma_create_id(NULL, id, NULL, RDMA_PS_TCP))
		return -1;
	pd = pd ? pd : ibv_alloc_pd((*id)->verbs);
	attr->send_cq = attr->recv_cq = ibv_create_cq((*id)->verbs, 8, NULL, NULL, 0);
	return found->ai_port_space == 5 ? rdma_create_qp(*id, pd, attr) : -1;
}
int rdma_create_srq(struct rdma_cm_id *id, struct ibv_pd *pd, struct ibv_srq_init_attr *attr)
{
	id->srq = ibv_create_srq(pd, attr);
	return id->srq ? 0 : -1;
}
int rdma_create_srq_ex(struct rdma_cm_id *id, struct ibv_srq_init_attr_ex *attr)
{
	return rdma_create_srq(id, attr->pd, (struct ibv_srq_init_attr *)attr);
}
void rdma_destroy_srq(struct rdma_cm_id *id) { ibv_destroy_srq(id->srq); id->srq = NULL; }
void rdma_destroy_ep(struct rdma_cm_id *id)
{
	rdma_destroy_qp(id);
	if (id->srq)
		rdma_destroy_srq(id);
	rdma_destroy_id(id);
}
int rdma_get_request(struct rdma_cm_id *listener, struct rdma_cm_id **id)
{
	*id = listener->context;
	return 0;
}
int rdma_establish(struct rdma_cm_id *id) { return id ? 0 : -1; }
int rdma_reject(struct rdma_cm_id *id, const void *data, uint8_t size) { return id && !data && size == 3 ? 0 : -1; }
int rdma_reject_ece(struct rdma_cm_id *id, const void *data, uint8_t size) { return id && !data && size == 4 ? 0 : -1; }
int rdma_notify(struct rdma_cm_id *id, enum ibv_event_type event) { return id && event == IBV_EVENT_COMM_EST ? 0 : -1; }
int rdma_migrate_id(struct rdma_cm_id *id, struct rdma_event_channel *channel) { return id && channel ? 0 : -1; }
int rdma_join_multicast(struct rdma_cm_id *id, struct sockaddr *group, void *data) { return id && group && data ? 0 : -1; }
int rdma_join_multicast_ex(struct rdma_cm_id *id, struct rdma_cm_join_mc_attr_ex *attr, void *data)
{
	return id && attr->join_flags && data ? 0 : -1;
}
int rdma_leave_multicast(struct rdma_cm_id *id, struct sockaddr *group)
{
	errno = 19;
	return id && !group ? 0 : -1;
}
END
cat >connect.c <<'END'
#include <rdma/rdma_cma.h>
#include <arpa/inet.h>
#include <stdio.h>
#define CHECK(call) if (call) return fprintf(stderr, "%s\n", #call), 1

int main(void)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_port = htons(1234) };
	struct sockaddr_in other = { .sin_family = AF_INET, .sin_port = htons(4321) };
	struct ibv_qp_init_attr init = { .qp_type = IBV_QPT_RC, .cap = { 4, 4, 1, 1, 0 } };
	struct rdma_cm_event *event;
	struct rdma_cm_id *id;
	struct ibv_pd *pd;

	own.sin_addr.s_addr = htonl(0x0a000001);
	other.sin_addr.s_addr = htonl(0x0a000002);
	CHECK(rdma_create_id(NULL, &id, NULL, RDMA_PS_TCP));
	pd = ibv_alloc_pd(id->verbs);
	init.send_cq = init.recv_cq = ibv_create_cq(id->verbs, 8, NULL, NULL, 0);
	CHECK(rdma_bind_addr(id, (struct sockaddr *)&own));
	CHECK(rdma_resolve_addr(id, NULL, (struct sockaddr *)&other, 77));
	CHECK(rdma_resolve_route(id, 78));
	CHECK(rdma_listen(id, 9));
	CHECK(rdma_create_qp(id, pd, &init));
	CHECK(rdma_connect(id, NULL));
	CHECK(rdma_accept(id, NULL));
	CHECK(rdma_get_cm_event((struct rdma_event_channel *)id, &event));
	CHECK(rdma_disconnect(id));
	printf("%u\n", id->qp->qp_num);
	rdma_destroy_qp(id);
	CHECK(rdma_destroy_id(id));
	return 0;
}
END
cat >endpoint.c <<'END'
#include <rdma/rdma_cma.h>
#include <rdma/rdma_verbs.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#define CHECK(call) if (call) return fprintf(stderr, "%s\n", #call), 1

int main(void)
{
	struct ibv_qp_init_attr init = { .qp_type = IBV_QPT_RC, .cap = { 4, 4, 1, 1, 0 } };
	struct ibv_srq_init_attr shared = { .attr = { .max_wr = 4, .max_sge = 1 } };
	struct sockaddr_in group = { .sin_family = AF_INET, .sin_port = htons(99) };
	struct rdma_cm_join_mc_attr_ex join = {
		.comp_mask = RDMA_CM_JOIN_MC_ATTR_ADDRESS | RDMA_CM_JOIN_MC_ATTR_JOIN_FLAGS,
		.join_flags = 6,
		.addr = (struct sockaddr *)&group,
	};
	struct rdma_addrinfo found = { .ai_port_space = 5 };
	struct rdma_cm_id *id, *other;

	CHECK(rdma_create_ep(&id, &found, NULL, &init));
	printf("%u\n", id->qp->qp_num);
	CHECK(rdma_create_srq(id, id->qp->pd, &shared));
	id->context = id;
	CHECK(rdma_get_request(id, &other) || other != id);
	CHECK(rdma_establish(id) || rdma_notify(id, IBV_EVENT_COMM_EST));
	CHECK(rdma_reject(id, NULL, 3) || rdma_reject_ece(id, NULL, 4));
	CHECK(rdma_migrate_id(id, (struct rdma_event_channel *)&init));
	CHECK(rdma_join_multicast(id, (struct sockaddr *)&group, id));
	CHECK(rdma_join_multicast_ex(id, &join, id));
	CHECK(rdma_leave_multicast(id, (struct sockaddr *)&group) != -1 || errno != 19);
	rdma_destroy_ep(id);
	return 0;
}
END
mkdir cm && cc -shared -fPIC -Wl,-soname,librdmacm.so.1 -Wl,--version-script=cm.map \
	-o cm/librdmacm.so.1 cm.c "$real" 2>log &&
	cc -o connect connect.c cm/librdmacm.so.1 "$real" 2>>log &&
	cc -o endpoint endpoint.c cm/librdmacm.so.1 "$real" 2>>log && test_set_prereq CM

test_expect_success CM 'calls of librdmacm, which is not linked' '
	device env "LD_LIBRARY_PATH=$PWD/cm" ./connect >out && dump client && qpn=$(cat out) &&
	for call in create_id bind_addr resolve_addr resolve_route listen create_qp connect accept \
		get_cm_event disconnect destroy_qp destroy_id; do
		expect_count client 1 rdma_$call || return 1
	done && test $(values client id | sort -u | wc -l) = 1 &&
	expect_count client 1 rdma_create_id port_space=262 result=0 &&
	expect_count client 1 rdma_bind_addr family=2 source_port=1234 port=0 &&
	expect_count client 1 rdma_resolve_addr timeout=77 port=4321 &&
	expect_count client 1 rdma_resolve_route timeout=78 &&
	expect_count client 1 rdma_listen backlog=9 &&
	expect_count client 1 rdma_create_qp qpn=$qpn && expect_count client 1 ibv_create_qp qpn=$qpn &&
	expect_count client 1 rdma_connect qpn=$qpn source_port=1234 port=4321 &&
	expect_count client 1 rdma_get_cm_event event=9 status=$(printf %u -3)
'

test_expect_success CM 'rdma_create_ep() makes an id that is traced, and calls with it are recorded' '
	device env "LD_LIBRARY_PATH=$PWD/cm" ./endpoint >out && dump client && qpn=$(cat out) &&
	for call in create_ep destroy_ep create_qp destroy_qp create_srq destroy_srq get_request \
		establish reject reject_ece notify migrate_id join_multicast join_multicast_ex \
		leave_multicast destroy_id; do
		expect_count client 1 rdma_$call || return 1
	done && test $(lines client | grep "^call=rdma_" | sed "s/.* id=\([^ ]*\).*/\1/" | sort -u | wc -l) = 1 &&
	for call in create_ep destroy_ep create_qp establish reject reject_ece get_request \
		join_multicast join_multicast_ex leave_multicast; do
		expect_count client 1 rdma_$call qpn=$qpn context=0 || return 1
	done && expect_count client 1 ibv_create_qp qpn=$qpn &&
	expect_count client 1 rdma_create_ep result=0 qp=$(values client qp call=ibv_create_qp) \
		pd=$(values client pd call=ibv_create_qp) &&
	srq=$(values client srq call=ibv_create_srq) &&
	expect_count client 1 rdma_create_srq srq=$srq && expect_count client 1 rdma_destroy_srq srq=$srq &&
	expect_count client 1 rdma_notify event=4 &&
	expect_count client 1 rdma_join_multicast family=2 port=99 &&
	expect_count client 1 rdma_join_multicast_ex flags=0x6 port=99 &&
	expect_count client 1 rdma_leave_multicast result=19 port=99
'

# Of the installed one: what is not recorded makes no object and no connection.
cat >unrecorded <<'END'
rdma_ack_cm_event
rdma_create_event_channel
rdma_destroy_event_channel
rdma_event_str
rdma_free_devices
rdma_freeaddrinfo
rdma_get_devices
rdma_get_dst_port
rdma_get_remote_ece
rdma_get_src_port
rdma_getaddrinfo
rdma_init_qp_attr
rdma_set_local_ece
rdma_set_option
END
librdmacm=$(/sbin/ldconfig -p | sed -n 's/.*librdmacm\.so\.1 .* => //p' | head -n 1)
# functions FILE: NAME@VERSION of each that it has.
functions() {
	nm -D --defined-only "$1" | sed -n "s/.* [TW] \(rdma_[a-z_]*\)@*\([A-Z0-9_.]*\)$/\1@\2/p" | sort
}
# built where librdmacm's header was
functions "$LIBNETTRACE" >ours
test -n "$librdmacm" && test -s ours && nm -D "$librdmacm" >log 2>&1 && test_set_prereq LIBRDMACM

test_expect_success LIBRDMACM 'all of librdmacm is recorded, in its versions, or known not to matter' '
	functions "$librdmacm" >all &&
	comm -23 ours all >odd && test_must_be_empty odd &&
	comm -13 ours all | sed "s/@.*//" | { grep -v -x -F -f unrecorded || :; } >missing &&
	test_must_be_empty missing
'

test_expect_success LIBRDMACM 'each of them is one of the calls that records name' '
	sed "s/@.*//" ours >expected &&
	sed -n "s/.*\"\(rdma_[a-z_]*\)\".*/\1/p" "$NETEMU_SRCDIR/lib/vcalls.h" | sort >actual &&
	test_cmp expected actual
'

test_expect_success CM 'libnettrace.so needs libc alone' '
	readelf -d "$LIBNETTRACE" | sed -n "s/.*NEEDED.*\[\(.*\)\]/\1/p" >needed &&
	grep -v -e "^libc\.so" -e "^ld-linux" needed >others
	! grep -q "^GUEST_SAN_CFLAGS = ." "$NETEMU_BUILDDIR/Makefile" || sed -i "/^libubsan\.so/d" others
	test_must_be_empty others
'

# --- a device that does nothing ---

trace_preload=$LIBNETTRACE:$stub
test ! -e "$stub" || test_set_prereq STUB

test_expect_success STUB 'calls of signal handlers too: recorded, or counted as lost' '
	device "$tracee" signals 2000 >out && dump client && read -r posted completed <out &&
	recorded=$(($(count client ibv_post_send) + $(count client ibv_poll_cq))) &&
	test $((recorded + $(header client lost) + $(header client dropped))) = \
		$((posted + completed))
'

test_expect_success STUB 'every record that is kept is whole' '
	test $posted = $completed && ! lines client call=ibv_post_send bytes=8 | grep -v " wr_id=1 " &&
	! lines client call=ibv_post_send bytes=16 | grep -v " wr_id=1000000 " &&
	test $(lines client call=ibv_post_send | grep -v -e " bytes=8 " -e " bytes=16 " | wc -l) = 0
'

# of_process parent|child: its file, of the two that there are, as text in WHO.dump.
of_process() {
	rings client >files && test "$(wc -l <files)" = 2 || return 1
	while read -r file; do
		"$ringdump" "$file" >one.dump || return 1
		test "$(header one parent)" = 0 && mv one.dump parent.dump || mv one.dump child.dump
	done <files
}

test_expect_success STUB 'a child of fork() on queue pairs of its parent has a file of its own' '
	device "$tracee" inherit 50 && of_process &&
	test "$(header child parent)" = "$(header parent pid)" &&
	for call in ibv_post_send ibv_poll_cq; do
		expect_count parent 100 $call && expect_count child 100 $call || return 1
	done &&
	expect_count child 100 ibv_post_send bytes=16 && expect_count parent 0 ibv_post_send bytes=16 &&
	test "$(header child lost) $(header parent lost) $(header child clean)" = "0 0 1"
'

test_expect_success STUB 'which has the calls that made them, and none that came later' '
	for who in parent child; do
		lines $who | grep -E " ?call=ibv_(open_device|alloc_pd|create_cq|create_qp|modify_qp) " |
			sed "s/ time=[-0-9]*//; s/ duration=[0-9]*//; s/ series=[0-9]*//" >$who.calls || return 1
	done && test $(grep -c "call=ibv_modify_qp" child.calls) = 6 &&
	test_cmp parent.calls child.calls && expect_count child 0 ibv_destroy_qp &&
	expect_count child 0 ibv_reg_mr && qpn=$(values child qpn call=ibv_create_qp | head -n 1) &&
	expect_count child 100 ibv_post_send qpn=$qpn
'

test_expect_success STUB 'and is not accused of what its parent has to give back' '
	for run in client/netemu.*; do
		"$NETEMU_BUILDDIR/netemu-trace" check "$run" >out && grep "^0 errors, 0 warnings" out ||
			return 1
	done
'

test_expect_success STUB 'at each level' '
	for level in control summary; do
		trace_set level=$level && device "$tracee" inherit 50 && of_process &&
		for who in parent child; do
			test "$(lines $who call=summary | sed -n "s/.* requests0=\([^ ]*\) .*/\1/p")" = 100 ||
				return 1
		done || return 1
	done; rc=$?; trace_set ""; test $rc = 0
'

trace_preload=$LIBNETTRACE:$LIBNETEMU
test_expect_success 'the emulated device refuses such a child, which its file tells' '
	test_must_fail device "$tracee" inherit 50 2>err && of_process &&
	expect_count parent 50 ibv_post_send && expect_count child 1 ibv_post_send &&
	lines child call=ibv_post_send | grep " error=22 "
'

device_done
