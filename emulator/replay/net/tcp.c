/* SPDX-License-Identifier: Apache-2.0 */
/* tcp.c - messages over TCP: a connection between each two ranks
 *
 * Each frame is a head and what it says of bytes.  A message that has come to its end is
 * acknowledged, and only then has its send left: as with a NIC, the sender knows that all of it
 * is there.
 */
#include "net/inbound.h"
#include "net/mesh.h"

#include "rendezvous.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define SEGMENT (256u << 10)
#define EVENTS  64
#define TURNS   16 /* segments of one peer before others have theirs */

struct frame {
	uint32_t kind; /* enum frame_kind */
	uint32_t zero;
	struct segment_head head; /* of an acknowledgement only the number */
};

enum frame_kind {
	FRAME_SEGMENT = 0x6e657401,
	FRAME_ACK,
};

/* What is being written: the frame, then `length` bytes of the buffer. */
struct output {
	struct frame frame;
	size_t written, length;
	bool busy;
};

struct input {
	struct frame frame;
	size_t have;     /* bytes of the frame, then of what is behind it */
	uint8_t *buffer; /* owned; made when contents matter */
};

struct tcp_peer {
	int fd;
	bool blocked; /* waits for EPOLLOUT */
	bool queued;  /* in tcp->ready */
	uint32_t rank;
	struct net_message *queue, *queue_end; /* sends that have not left this process */
	struct net_message *sent, *sent_end;   /* that wait for their acknowledgement */
	uint64_t number;                       /* of the next message */
	uint64_t confirmed;                    /* messages that are there */
	uint64_t acks, acked;                  /* that came whole; of these the peer was told */
	uint8_t *buffer;                       /* contents that are being written; owned */
	struct output output;
	struct input input;
};

struct tcp {
	struct net net;
	struct inbound inbound;
	struct tcp_peer *peers; /* [size] */
	uint8_t *zeros;         /* [SEGMENT], what is sent and thrown away */
	uint32_t *ready;        /* [size] ranks with something to write */
	uint32_t ready_count;
	int epoll;
};

static int gone(const struct tcp_peer *peer, struct err *err)
{
	if (errno && errno != ECONNRESET && errno != EPIPE)
		return err_errno(err, "connection to rank %u", peer->rank);
	return err_set(err, "rank %u is gone", peer->rank);
}

static void make_ready(struct tcp *tcp, struct tcp_peer *peer)
{
	if (peer->queued || peer->blocked)
		return;
	peer->queued = true;
	tcp->ready[tcp->ready_count++] = peer->rank;
}

static void watch(struct tcp *tcp, struct tcp_peer *peer, bool blocked)
{
	struct epoll_event event = {
		.events = EPOLLIN | (blocked ? (uint32_t)EPOLLOUT : 0),
		.data.u32 = peer->rank,
	};

	peer->blocked = blocked;
	epoll_ctl(tcp->epoll, EPOLL_CTL_MOD, peer->fd, &event);
}

/* ---- write ---- */

static void append(struct net_message **first, struct net_message **last,
		   struct net_message *message)
{
	message->next = NULL;
	if (*first)
		(*last)->next = message;
	else
		*first = message;
	*last = message;
}

/* The next segment of the message in front.  It leaves the queue with its last. */
static int next_segment(struct tcp_peer *peer, struct err *err)
{
	struct net_message *message = peer->queue;
	struct output *output = &peer->output;
	uint64_t left = message->size - message->moved;

	output->frame.kind = FRAME_SEGMENT;
	output->frame.head = (struct segment_head){
		.number = peer->number,
		.tag = message->tag,
		.size = message->size,
		.at = message->moved,
		.length = left < SEGMENT ? (uint32_t)left : SEGMENT,
		.looked = message->data != NULL,
	};
	output->length = output->frame.head.length;
	if (message->data && output->length) {
		if (!peer->buffer && !(peer->buffer = malloc(SEGMENT)))
			return err_errno(err, "no room for a segment");
		message->data->fill(message, message->moved, peer->buffer, output->length);
	}
	message->moved += output->length;
	if (message->moved == message->size) {
		peer->queue = message->next;
		peer->number++;
		append(&peer->sent, &peer->sent_end, message);
	}
	return 1;
}

/* What is to be written next: 1, nothing: 0, or -1 with ERR. */
static int next_output(struct tcp_peer *peer, struct err *err)
{
	if (peer->acked < peer->acks) {
		peer->acked = peer->acks;
		peer->output.frame.kind = FRAME_ACK;
		peer->output.frame.head = (struct segment_head){ .number = peer->acked };
		peer->output.length = 0;
		return 1;
	}
	return peer->queue ? next_segment(peer, err) : 0;
}

/* Write on.  Returns 1 when the frame is out, 0 when the socket is full, or -1. */
static int write_frame(const struct tcp *tcp, struct tcp_peer *peer)
{
	struct output *output = &peer->output;
	size_t head = sizeof(output->frame), total = head + output->length;
	uint8_t *data = output->frame.head.looked ? peer->buffer : tcp->zeros;
	struct iovec iov[2];
	struct msghdr message = { .msg_iov = iov };
	ssize_t sent;

	while (output->written < total) {
		size_t at = output->written, behind = at > head ? at - head : 0;

		message.msg_iovlen = 0;
		if (at < head)
			iov[message.msg_iovlen++] =
				(struct iovec){ (char *)&output->frame + at, head - at };
		if (output->length > behind)
			iov[message.msg_iovlen++] =
				(struct iovec){ data + behind, output->length - behind };
		sent = sendmsg(peer->fd, &message, MSG_NOSIGNAL);
		if (sent < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		output->written += (size_t)sent;
	}
	return 1;
}

/* Returns how many frames went out, or -1 with ERR. */
static int write_some(struct tcp *tcp, struct tcp_peer *peer, struct err *err)
{
	struct output *output = &peer->output;
	int rc, count = 0;

	while (count < TURNS) {
		if (!output->busy) {
			rc = next_output(peer, err);
			if (rc <= 0)
				return rc < 0 ? -1 : count;
			output->busy = true;
			output->written = 0;
		}
		rc = write_frame(tcp, peer);
		if (rc < 0)
			return gone(peer, err);
		if (rc == 0) {
			watch(tcp, peer, true);
			return count;
		}
		output->busy = false;
		count++;
	}
	make_ready(tcp, peer);
	return count;
}

static int write_ready(struct tcp *tcp, struct err *err)
{
	uint32_t count = tcp->ready_count;
	int total = 0, rc;

	/* those that have more to write come back behind the others */
	for (uint32_t i = 0; i < count; i++) {
		struct tcp_peer *peer = &tcp->peers[tcp->ready[0]];

		memmove(tcp->ready, tcp->ready + 1, --tcp->ready_count * sizeof(*tcp->ready));
		peer->queued = false;
		rc = write_some(tcp, peer, err);
		if (rc < 0)
			return -1;
		total += rc;
	}
	return total;
}

/* ---- read ---- */

/* The first NUMBER messages have come whole. */
static int acknowledged(struct tcp *tcp, struct tcp_peer *peer, uint64_t number, struct err *err)
{
	struct net_message *message;

	if (number > peer->number)
		return err_set(err, "rank %u acknowledges what was not sent", peer->rank);
	for (; peer->confirmed < number; peer->confirmed++) {
		message = peer->sent;
		peer->sent = message->next;
		inbound_done(&tcp->inbound, message);
	}
	return 1;
}

static int whole_frame(struct tcp *tcp, struct tcp_peer *peer, struct err *err)
{
	struct input *input = &peer->input;
	const struct segment_head *head = &input->frame.head;
	int rc;

	input->have = 0;
	if (input->frame.kind == FRAME_ACK)
		return acknowledged(tcp, peer, head->number, err);
	rc = inbound_segment(&tcp->inbound, peer->rank, head, input->buffer, err);
	if (rc > 0) {
		peer->acks++;
		make_ready(tcp, peer);
	}
	return rc < 0 ? -1 : 1;
}

static int check_frame(struct tcp_peer *peer, struct err *err)
{
	const struct frame *frame = &peer->input.frame;

	if (frame->kind != FRAME_SEGMENT && (frame->kind != FRAME_ACK || frame->head.length))
		return err_set(err, "rank %u sends what is no frame", peer->rank);
	if (frame->head.length > SEGMENT)
		return err_set(err, "rank %u sends a segment of %u bytes", peer->rank,
			       frame->head.length);
	if (!peer->input.buffer && !(peer->input.buffer = malloc(SEGMENT)))
		return err_errno(err, "no room for a segment");
	return 0;
}

/* Bytes of the frame, as far as they are known. */
static size_t frame_size(const struct input *input)
{
	size_t head = sizeof(input->frame);

	return input->have < head ? head : head + input->frame.head.length;
}

/* Read on.  Returns 1 when a frame is whole, 0 when nothing is there, or -1 with ERR. */
static int read_frame(struct tcp_peer *peer, struct err *err)
{
	struct input *input = &peer->input;
	const size_t head = sizeof(input->frame);
	uint8_t *to;
	ssize_t got;

	do {
		to = input->have < head ? (uint8_t *)&input->frame + input->have
					: input->buffer + (input->have - head);
		got = recv(peer->fd, to, frame_size(input) - input->have, 0);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (got <= 0) {
			errno = got ? errno : 0;
			return gone(peer, err);
		}
		input->have += (size_t)got;
		if (input->have == head && check_frame(peer, err) < 0)
			return -1;
	} while (input->have < frame_size(input));
	return 1;
}

static int read_some(struct tcp *tcp, struct tcp_peer *peer, struct err *err)
{
	int rc = 1, count = 0;

	while (count < TURNS && (rc = read_frame(peer, err)) > 0) {
		if (whole_frame(tcp, peer, err) < 0)
			return -1;
		count++;
	}
	return rc < 0 ? -1 : count;
}

/* ---- the table ---- */

static struct tcp *tcp_of(struct net *net)
{
	return (struct tcp *)net;
}

static int tcp_send(struct net *net, struct net_message *message, struct err *err)
{
	struct tcp *tcp = tcp_of(net);
	struct tcp_peer *peer = &tcp->peers[message->peer];

	if (message->peer == net->rank)
		return inbound_own(&tcp->inbound, message, err);
	message->moved = 0;
	append(&peer->queue, &peer->queue_end, message);
	make_ready(tcp, peer);
	return 0;
}

static int tcp_recv(struct net *net, struct net_message *message, struct err *err)
{
	return inbound_receive(&tcp_of(net)->inbound, message, err);
}

static int tcp_poll(struct net *net, struct err *err)
{
	struct tcp *tcp = tcp_of(net);
	struct epoll_event events[EVENTS];
	int count, rc, total = write_ready(tcp, err);

	if (total < 0)
		return -1;
	count = epoll_wait(tcp->epoll, events, EVENTS, 0);
	for (int i = 0; i < count; i++) {
		struct tcp_peer *peer = &tcp->peers[events[i].data.u32];

		if (peer->blocked && events[i].events & EPOLLOUT) {
			watch(tcp, peer, false);
			make_ready(tcp, peer);
		}
		rc = events[i].events & ~(uint32_t)EPOLLOUT ? read_some(tcp, peer, err) : 0;
		if (rc < 0)
			return -1;
		total += rc;
	}
	return total + inbound_finish(&tcp->inbound);
}

static void tcp_destroy(struct net *net)
{
	struct tcp *tcp = tcp_of(net);

	for (uint32_t i = 0; tcp->peers && i < net->size; i++) {
		if (tcp->peers[i].fd >= 0)
			close(tcp->peers[i].fd);
		free(tcp->peers[i].buffer);
		free(tcp->peers[i].input.buffer);
	}
	if (tcp->epoll >= 0)
		close(tcp->epoll);
	inbound_release(&tcp->inbound);
	free(tcp->peers);
	free(tcp->ready);
	free(tcp->zeros);
	free(net->counts);
	free(tcp);
}

static const struct net_ops tcp_ops = {
	.name = "tcp",
	.send = tcp_send,
	.recv = tcp_recv,
	.poll = tcp_poll,
	.destroy = tcp_destroy,
};

static int tcp_init(struct tcp *tcp)
{
	struct net *net = &tcp->net;

	net->counts = calloc(net->size, sizeof(*net->counts));
	tcp->peers = calloc(net->size, sizeof(*tcp->peers));
	tcp->ready = calloc(net->size, sizeof(*tcp->ready));
	tcp->zeros = calloc(1, SEGMENT);
	tcp->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!net->counts || !tcp->peers || !tcp->ready || !tcp->zeros || tcp->epoll < 0)
		return -1;
	for (uint32_t i = 0; i < net->size; i++) {
		tcp->peers[i].fd = -1;
		tcp->peers[i].rank = i;
	}
	return inbound_init(&tcp->inbound, net);
}

static int tcp_connect(struct tcp *tcp, const struct net_settings *settings, struct err *err)
{
	int *fds = calloc(tcp->net.size, sizeof(*fds));
	int rc = 0;

	if (!fds)
		return err_errno(err, "no room for %u ranks", tcp->net.size);
	if (mesh_connect(fds, settings, err) < 0) {
		free(fds);
		return -1;
	}
	for (uint32_t i = 0; i < tcp->net.size; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };

		tcp->peers[i].fd = fds[i];
		if (fds[i] >= 0 && epoll_ctl(tcp->epoll, EPOLL_CTL_ADD, fds[i], &event) < 0)
			rc = err_errno(err, "connection to rank %u", i);
	}
	free(fds);
	return rc;
}

int net_tcp_create(struct net **net, struct loop *loop, const struct net_settings *settings,
		   struct err *err)
{
	struct tcp *tcp = calloc(1, sizeof(*tcp));

	if (!tcp)
		return err_errno(err, "no room for a network");
	tcp->net = (struct net){
		.ops = &tcp_ops,
		.loop = loop,
		.rank = rendezvous_rank(settings->rendezvous),
		.size = rendezvous_size(settings->rendezvous),
	};
	tcp->epoll = -1;
	if (tcp_init(tcp) < 0)
		err_errno(err, "no room for a network of %u ranks", tcp->net.size);
	else if (tcp_connect(tcp, settings, err) == 0) {
		*net = &tcp->net;
		return 0;
	}
	tcp_destroy(&tcp->net);
	return -1;
}
