/* SPDX-License-Identifier: Apache-2.0 */
/* unit-objects.c - what control calls make, change and destroy */
#include "ringlib.h"
#include "trace/objects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct ring ring;
static struct objects objects;
static const char path[] = "unit-objects.bin";

static int set_up(void **state)
{
	(void)state;
	ring_init(&ring);
	return objects_init(&objects);
}

static int tear_down(void **state)
{
	(void)state;
	objects_release(&objects);
	ring_release(&ring);
	unlink(path);
	return 0;
}

/* All that is in the ring. */
static void follow(void)
{
	struct reader_event event;
	struct reader reader;
	struct err err;
	int rc;

	ring_save(&ring, path);
	assert_int_equal(reader_open(&reader, path, &err), 0);
	while ((rc = reader_next(&reader, &event, &err)) > 0)
		assert_int_equal(objects_follow(&objects, &event), 0);
	assert_int_equal(rc, 0);
	reader_close(&reader);
}

static void test_devices_and_ports(void **state)
{
	const struct trace_context *context;
	const struct trace_port *port;
	uint8_t raw[16];

	(void)state;
	ring_open(&ring, 0, "mlx5_0");
	ring_port(&ring, 0, 1, 7);
	ring_gid(&ring, 0, 1, 0, 0x11);
	ring_gid(&ring, 0, 1, 3, 0x12);
	ring_gid(&ring, 0, 1, 3, 0x13); /* it has changed */
	ring_port(&ring, 0, 2, 8);
	ring_open(&ring, 1, "netemu0");
	RING_CALL(&ring, CLOSE_DEVICE, .context = 1);
	follow();
	assert_int_equal(objects.contexts, 2);
	context = objects_context(&objects, 0);
	assert_string_equal(context->device, "mlx5_0");
	assert_false(context->closed);
	assert_int_equal(context->ports, 2);
	assert_true(objects_context(&objects, 1)->closed);
	assert_null(objects_context(&objects, 2));
	port = objects_port(&objects, 0, 1);
	assert_int_equal(port->lid, 7);
	assert_int_equal(port->gids, 2);
	ring_gid_raw(raw, 0x11);
	assert_memory_equal(port->gid[0].raw, raw, 16);
	ring_gid_raw(raw, 0x13);
	assert_memory_equal(port->gid[1].raw, raw, 16);
	assert_int_equal(port->gid[1].index, 3);
	assert_int_equal(objects_port(&objects, 0, 2)->lid, 8);
	assert_null(objects_port(&objects, 0, 3));
}

static void test_life_of_a_pair(void **state)
{
	const struct trace_qp *qp;
	uint8_t raw[16];

	(void)state;
	ring_open(&ring, 0, "a");
	RING_QP(&ring, .qpn = 0x101, .srq = 0x5000, .max_send_wr = 128, .max_recv_wr = 512);
	ring_connect(&ring, 0, 0x101, 0x201, 9, 0x44);
	follow();
	assert_int_equal(objects.qps, 1);
	qp = objects_qp(&objects, 0, 0x101);
	assert_ptr_equal(qp, objects.qp[0]);
	assert_true(qp->known);
	assert_int_equal(qp->type, 2);
	assert_int_equal(qp->state, 3);
	assert_int_equal(qp->port, 1);
	assert_int_equal(qp->srq, 0x5000);
	assert_int_equal(qp->send_cq, 0xc1);
	assert_int_equal(qp->recv_cq, 0xc2);
	assert_int_equal(qp->max_send_wr, 128);
	assert_int_equal(qp->max_recv_wr, 512);
	assert_int_equal(qp->peer_qpn, 0x201);
	assert_int_equal(qp->peer.lid, 9);
	assert_true(qp->peer.has_gid);
	ring_gid_raw(raw, 0x44);
	assert_memory_equal(qp->peer.gid, raw, 16);
	assert_int_equal(qp->path_mtu, 3);
	assert_int_equal(qp->timeout, 14);
	assert_int_equal(qp->retry_count, 7);
	assert_int_equal(qp->rnr_retry, 6);
	/* it is there when the call has returned; RTR is the second of three changes */
	assert_int_equal(qp->created, RING_BEGIN + 2 * RING_STEP + 5);
	assert_int_equal(qp->connected, RING_BEGIN + 4 * RING_STEP);
	assert_int_equal(qp->ended, 0);
}

static void test_failed_calls_change_nothing(void **state)
{
	(void)state;
	RING_CALL(&ring, CREATE_QP, .result = 12);
	RING_CALL(&ring, DESTROY_QP, .object = 0x10100, .number = 0x101, .result = 16);
	RING_MEM(&ring, REG_MR, .result = 12, .b = 4096);
	follow();
	assert_int_equal(objects.qps, 0);
	assert_int_equal(objects.registrations, 0);
}

/* A number means the one that has it now. */
static void test_numbers_used_again(void **state)
{
	struct trace_qp *qp;

	(void)state;
	for (int i = 0; i < 3; i++) {
		RING_QP(&ring, .qpn = 0x101);
		ring_destroy_qp(&ring, 0, 0x101);
	}
	RING_QP(&ring, .qpn = 0x101, .type = 4);
	RING_QP(&ring, .qpn = 0x101, .context = 1, .object = 0x33, .type = 3);
	follow();
	assert_int_equal(objects.qps, 5);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(objects.qp[i]->id, i);
		assert_int_equal(objects.qp[i]->destroyed, i < 3);
		assert_int_equal(!!objects.qp[i]->ended, i < 3);
	}
	assert_int_equal(objects_qp(&objects, 0, 0x101)->type, 4);
	assert_int_equal(objects_qp(&objects, 1, 0x101)->type, 3);
	assert_int_equal(objects.qps, 5);
	qp = objects_qp(&objects, 0, 0x999);
	assert_false(qp->known);
	assert_int_equal(qp->id, OBJECTS_BY_DATA);
	assert_ptr_equal(objects_qp(&objects, 0, 0x999), qp);
}

/* One thread creates while another one destroys: the number is given again before the call
 * that freed it has returned, and the new one's call began first.
 */
static void test_calls_that_overlap(void **state)
{
	const struct trace_qp *now;

	(void)state;
	RING_QP(&ring, .qpn = 0x101);
	RING_CALL(&ring, CREATE_QP, .time = RING_BEGIN + 1000, .object = 0x999, .number = 0x101,
		  .b = 7);
	ring.series[RING_CALLS].record[2].duration = 500;
	RING_CALL(&ring, DESTROY_QP, .time = RING_BEGIN + 1100, .object = 0x10100, .number = 0x101);
	follow();
	assert_int_equal(objects.qps, 2);
	now = objects_qp(&objects, 0, 0x101);
	assert_int_equal(now->object, 0x999);
	assert_false(now->destroyed);
	assert_true(objects.qp[0]->destroyed);
	assert_int_equal(objects.qp[0]->ended, RING_BEGIN + 1100);
}

/* Another object of the process's own target of XRC is the same queue pair. */
static void test_opened_pairs(void **state)
{
	(void)state;
	RING_QP(&ring, .qpn = 0x101, .type = 10);
	RING_CALL(&ring, OPEN_QP, .object = 0x9000, .number = 0x101);
	RING_CALL(&ring, DESTROY_QP, .object = 0x9000, .number = 0x101);
	RING_CALL(&ring, OPEN_QP, .object = 0x9100, .number = 0x201);
	follow();
	assert_int_equal(objects.qps, 2);
	assert_false(objects.qp[0]->destroyed);
	assert_false(objects.qp[0]->opened);
	assert_int_equal(objects.qp[1]->type, 10);
	assert_true(objects.qp[1]->opened);
}

static void reg(uint64_t object, uint64_t length)
{
	RING_MEM(&ring, REG_MR, .object = object, .parent = 0x77, .number = (uint32_t)object,
		 .a = 0x1000 * object, .b = length, .c = 7ULL << 32 | (object + 1));
}

static void test_registrations(void **state)
{
	const struct trace_mr *mr;

	(void)state;
	reg(1, 100);
	reg(2, 200);
	RING_MEM(&ring, DEREG_MR, .object = 1, .number = 1, .b = 100);
	RING_MEM(&ring, DEREG_MR, .object = 77, .number = 1); /* made before the ring begins */
	reg(3, 50);
	RING_MEM(&ring, REREG_MR, .object = 2, .number = 22, .a = 0x9000, .b = 300,
		 .c = 7ULL << 32 | 23);
	follow();
	assert_int_equal(objects.registrations, 3);
	assert_int_equal(objects.mrs, 2); /* the place of the first one is used again */
	assert_int_equal(objects.registered, 350);
	assert_int_equal(objects.registered_most, 350);
	mr = &objects.mr[0];
	assert_int_equal(mr->object, 3);
	assert_int_equal(mr->access, 7);
	assert_int_equal(mr->rkey, 4);
	mr = &objects.mr[1];
	assert_int_equal(mr->lkey, 22);
	assert_int_equal(mr->length, 300);
	assert_int_equal(mr->address, 0x9000);
	assert_false(mr->freed);
}

static void put_ah(uint64_t object, uint16_t lid, uint8_t last)
{
	uint8_t raw[16] = { 0 };
	uint64_t halves[2];

	if (last)
		ring_gid_raw(raw, last);
	memcpy(halves, raw, sizeof(halves));
	RING_MEM(&ring, CREATE_AH, .object = object, .number = lid, .a = 1, .b = halves[0],
		 .c = halves[1]);
}

static void test_address_handles(void **state)
{
	struct trace_address address;
	uint8_t raw[16];

	(void)state;
	put_ah(1, 5, 0);
	put_ah(2, 0, 0x21);
	put_ah(3, 6, 0);
	RING_MEM(&ring, DESTROY_AH, .object = 3);
	follow();
	assert_true(objects_ah(&objects, 1, &address));
	assert_int_equal(address.lid, 5);
	assert_false(address.has_gid);
	assert_true(objects_ah(&objects, 2, &address));
	assert_true(address.has_gid);
	ring_gid_raw(raw, 0x21);
	assert_memory_equal(address.gid, raw, 16);
	assert_false(objects_ah(&objects, 3, &address));
}

/* Each search takes the same time, however many there are: what were quadratic would take
 * minutes here.
 */
static void test_many(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= 10000; i++)
		RING_QP(&ring, .qpn = i << 8);
	for (uint64_t i = 1; i <= 100000; i++)
		reg(i, 1);
	for (uint64_t i = 1; i <= 99999; i++)
		RING_MEM(&ring, DEREG_MR, .object = i);
	for (uint32_t i = 1; i <= 9999; i++)
		ring_destroy_qp(&ring, 0, i << 8);
	follow();
	assert_int_equal(objects.registered, 1);
	assert_int_equal(objects.registered_most, 100000);
	assert_int_equal(objects.qps, 10000);
	for (uint32_t i = 0; i < 10000; i++)
		assert_int_equal(objects.qp[i]->destroyed, i < 9999);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(devices_and_ports),
		TEST(life_of_a_pair),
		TEST(failed_calls_change_nothing),
		TEST(numbers_used_again),
		TEST(calls_that_overlap),
		TEST(opened_pairs),
		TEST(registrations),
		TEST(address_handles),
		TEST(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
