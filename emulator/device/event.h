/* SPDX-License-Identifier: Apache-2.0 */
/* event.h - events reach a descriptor that a program can poll
 *
 * A channel is a FIFO in the fabric's directory, of which only the user can
 * write.  What stands in it are the kernel's own records, so whoever knows how
 * to read a descriptor of uverbs knows how to read this: struct
 * ib_uverbs_comp_event_desc, struct ib_uverbs_async_event_desc.  Its owner
 * holds it open for reading and writing, so it never ends; others open it when
 * they have something to say, and keep that open.  They too open it for both, so
 * that nobody gets a SIGPIPE when the reader has died.
 */
#ifndef DEVICE_EVENT_H
#define DEVICE_EVENT_H

#include "device/fabric.h"

/* A channel of DEVICE, KIND; *FD is its end for reading (close-on-exec, blocking).
 * Returns the record, or NULL with errno.
 */
struct shared_channel *channel_create(struct fabric *fabric, uint32_t device,
				      enum channel_kind kind, int *fd);

/* Close FD, remove the FIFO and the record. */
void channel_destroy(struct fabric *fabric, uint32_t device, struct shared_channel *channel,
		     int fd);

/* A completion event of CQ, whose lock is held: counted in cq->events when it is
 * written, in cq->owed when there is no room (channel_pay() writes it then).
 */
void channel_complete(struct fabric *fabric, struct shared_channel *channel, struct shared_cq *cq);

/* An asynchronous event; its element is HANDLE (a queue, or a port number).  *COUNT
 * (of the queue's record; NULL: a port's) goes up when it is written: a queue
 * that is destroyed waits until the program has acknowledged as many.
 */
bool channel_async(struct fabric *fabric, struct shared_channel *channel, enum event_type type,
		   uint64_t handle, _Atomic uint32_t *count);

/* Room for the events of CQS completion queues; as much as the system allows. */
void channel_reserve(struct fabric *fabric, struct shared_channel *channel, int fd, uint32_t cqs);

/* Write what is owed to CHANNEL of this process; cheap when nothing is. */
void channel_pay(struct fabric *fabric, uint32_t device, struct shared_channel *channel);

/* Take records of HANDLE that have not been read out of the channel, the others
 * stay in their order.  Called by the owner.  Returns how many.
 */
uint32_t channel_purge(struct fabric *fabric, struct shared_channel *channel, uint64_t handle);

/* An event of the port, to every context of DEVICE in every process. */
void channel_port_event(struct fabric *fabric, uint32_t device, enum event_type type);

/* --- wake-up --- */

/* Close the FIFOs that are held open for writing; the fabric is left. */
void event_release(struct fabric *fabric);

/* Wake PROCESS's watchdog when it sleeps. */
void event_wake(struct fabric *fabric, uint32_t process);

#endif
