/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/names.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#define LOOK_UP(names, number) \
	((number) < sizeof(names) / sizeof(*(names)) && (names)[number] ? (names)[number] : "?")

const char *name_wr_opcode(uint32_t opcode)
{
	static const char *const names[] = {
		[0] = "RDMA_WRITE",
		[1] = "RDMA_WRITE_WITH_IMM",
		[2] = "SEND",
		[3] = "SEND_WITH_IMM",
		[4] = "RDMA_READ",
		[5] = "ATOMIC_CMP_AND_SWP",
		[6] = "ATOMIC_FETCH_AND_ADD",
		[7] = "LOCAL_INV",
		[8] = "BIND_MW",
		[9] = "SEND_WITH_INV",
		[10] = "TSO",
		[11] = "DRIVER1",
		[14] = "FLUSH",
		[15] = "ATOMIC_WRITE",
	};

	return LOOK_UP(names, opcode);
}

const char *name_wc_opcode(uint32_t opcode)
{
	static const char *const names[] = {
		[0] = "SEND",         [1] = "RDMA_WRITE",  [2] = "RDMA_READ",
		[3] = "COMP_SWAP",    [4] = "FETCH_ADD",   [5] = "BIND_MW",
		[6] = "LOCAL_INV",    [7] = "TSO",         [8] = "FLUSH",
		[9] = "ATOMIC_WRITE", [128] = "RECV",      [129] = "RECV_RDMA_WITH_IMM",
		[130] = "TM_ADD",     [131] = "TM_DEL",    [132] = "TM_SYNC",
		[133] = "TM_RECV",    [134] = "TM_NO_TAG", [135] = "DRIVER1",
		[136] = "DRIVER2",    [137] = "DRIVER3",
	};

	return LOOK_UP(names, opcode);
}

const char *name_wc_status(uint32_t status)
{
	static const char *const names[] = {
		"SUCCESS",
		"LOC_LEN_ERR",
		"LOC_QP_OP_ERR",
		"LOC_EEC_OP_ERR",
		"LOC_PROT_ERR",
		"WR_FLUSH_ERR",
		"MW_BIND_ERR",
		"BAD_RESP_ERR",
		"LOC_ACCESS_ERR",
		"REM_INV_REQ_ERR",
		"REM_ACCESS_ERR",
		"REM_OP_ERR",
		"RETRY_EXC_ERR",
		"RNR_RETRY_EXC_ERR",
		"LOC_RDD_VIOL_ERR",
		"REM_INV_RD_REQ_ERR",
		"REM_ABORT_ERR",
		"INV_EECN_ERR",
		"INV_EEC_STATE_ERR",
		"FATAL_ERR",
		"RESP_TIMEOUT_ERR",
		"GENERAL_ERR",
		"TM_ERR",
		"TM_RNDV_INCOMPLETE",
	};

	return LOOK_UP(names, status);
}

const char *name_qp_type(uint32_t type)
{
	static const char *const names[] = {
		[2] = "RC",       [3] = "UC",        [4] = "UD",       [8] = "RAW_PACKET",
		[9] = "XRC_SEND", [10] = "XRC_RECV", [255] = "DRIVER",
	};

	return LOOK_UP(names, type);
}

const char *name_qp_state(uint32_t state)
{
	static const char *const names[] = { "RESET", "INIT", "RTR", "RTS",
					     "SQD",   "SQE",  "ERR", "UNKNOWN" };

	return LOOK_UP(names, state);
}

const char *name_event_type(uint32_t type)
{
	static const char *const names[] = {
		"CQ_ERR",
		"QP_FATAL",
		"QP_REQ_ERR",
		"QP_ACCESS_ERR",
		"COMM_EST",
		"SQ_DRAINED",
		"PATH_MIG",
		"PATH_MIG_ERR",
		"DEVICE_FATAL",
		"PORT_ACTIVE",
		"PORT_ERR",
		"LID_CHANGE",
		"PKEY_CHANGE",
		"SM_CHANGE",
		"SRQ_ERR",
		"SRQ_LIMIT_REACHED",
		"QP_LAST_WQE_REACHED",
		"CLIENT_REREGISTER",
		"GID_CHANGE",
		"WQ_FATAL",
	};

	return LOOK_UP(names, type);
}

const char *name_or_number(char buf[NAME_SIZE], const char *name, const char *kind, uint32_t number)
{
	if (*name != '?')
		return name;
	snprintf(buf, NAME_SIZE, "%s %" PRIu32, kind, number);
	return buf;
}
