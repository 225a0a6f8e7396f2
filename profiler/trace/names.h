/* SPDX-License-Identifier: Apache-2.0 */
/* names.h - what verbs' numbers are called; never NULL: "?" for numbers nobody knows */
#ifndef TRACE_NAMES_H
#define TRACE_NAMES_H

#include <stdint.h>

const char *name_wr_opcode(uint32_t opcode); /* "SEND", "RDMA_WRITE", ... */
const char *name_wc_opcode(uint32_t opcode); /* "SEND", "RECV_RDMA_WITH_IMM", ... */
const char *name_wc_status(uint32_t status); /* "SUCCESS", "RETRY_EXC_ERR", ... */
const char *name_qp_type(uint32_t type);     /* "RC", "UD", ... */
const char *name_qp_state(uint32_t state);   /* "RTS", ... */
const char *name_event_type(uint32_t type);  /* of asynchronous events */

/* NAME, one of the above; or KIND and NUMBER in BUF ("OPCODE 12") where it is "?", so that two of
 * those are not taken for one.
 */
#define NAME_SIZE 32
const char *name_or_number(char buf[NAME_SIZE], const char *name, const char *kind,
			   uint32_t number);

#endif
