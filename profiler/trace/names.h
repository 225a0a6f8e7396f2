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

#endif
