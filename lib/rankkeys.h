/* SPDX-License-Identifier: Apache-2.0 */
/* rankkeys.h - the keys of mpi/rank-<r>.json
 *
 * For its writer (rankwrite.c) and its reader (rankread.c) alone; everyone
 * else uses struct rankfile.  netprof-rank(5) says what they mean.
 */
#ifndef NETEMU_RANKKEYS_H
#define NETEMU_RANKKEYS_H

#define RANKKEY_PEER             "peer"
#define RANKKEY_OPS              "ops"
#define RANKKEY_FREQUENCY        "frequency"
#define RANKKEY_FROM             "from"
#define RANKKEY_MESSAGE_SIZE     "message_size"
#define RANKKEY_TIMING           "timing"
#define RANKKEY_PHASES           "phases"
#define RANKKEY_PHASE            "phase"
#define RANKKEY_OPENED           "opened"
#define RANKKEY_DURATION_NS      "duration_ns"
#define RANKKEY_WINDOWS          "windows"
#define RANKKEY_WIDTH_NS         "width_ns"
#define RANKKEY_START_NS         "start_ns"
#define RANKKEY_PEERS            "peers"
#define RANKKEY_RMA              "rma"
#define RANKKEY_CALL             "call"
#define RANKKEY_CALLS            "calls"
#define RANKKEY_BYTES            "bytes"
#define RANKKEY_UNSEEN           "unseen"
#define RANKKEY_BYPASS           "bypass"
#define RANKKEY_RECEIVES         "receives"
#define RANKKEY_OP               "op"
#define RANKKEY_WHY              "why"
#define RANKKEY_MESSAGES         "messages"
#define RANKKEY_ELSEWHERE        "elsewhere"
#define RANKKEY_GID              "gid"
#define RANKKEY_LID              "lid"
#define RANKKEY_QPN              "qpn"
#define RANKKEY_FAILED           "failed"
#define RANKKEY_STATUS           "status"
#define RANKKEY_DROPPED          "dropped"
#define RANKKEY_DESCRIPTION      "description"
#define RANKKEY_VERSION          "version"
#define RANKKEY_COMPLETE         "complete"
#define RANKKEY_RANK             "rank"
#define RANKKEY_N_PROCS          "n_procs"
#define RANKKEY_PROCESSOR_NAME   "processor_name"
#define RANKKEY_NODE             "node"
#define RANKKEY_JOB              "job"
#define RANKKEY_STEP             "step"
#define RANKKEY_PROGRAM          "program"
#define RANKKEY_PID              "pid"
#define RANKKEY_MPI              "mpi"
#define RANKKEY_PML              "pml"
#define RANKKEY_DURATION         "duration"
#define RANKKEY_INIT_REALTIME_NS "init_realtime_ns"
#define RANKKEY_RESOLUTION_NS    "resolution_ns"
#define RANKKEY_STAMPS           "stamps"
#define RANKKEY_N_EVENTS         "n_events"
#define RANKKEY_OVERHEAD         "overhead"
#define RANKKEY_SEND_NS          "send_ns"
#define RANKKEY_RECEIVE_NS       "receive_ns"
#define RANKKEY_OUTSIDE          "outside"
#define RANKKEY_TX_MESSAGE_SIZES "tx_message_sizes"
#define RANKKEY_RX_MESSAGE_SIZES "rx_message_sizes"
#define RANKKEY_TX_SIZE_BINS     "tx_size_bins"
#define RANKKEY_RX_SIZE_BINS     "rx_size_bins"
#define RANKKEY_TX_BYTES         "tx_bytes"
#define RANKKEY_TX_MESSAGES      "tx_messages"
#define RANKKEY_RX_BYTES         "rx_bytes"
#define RANKKEY_RX_MESSAGES      "rx_messages"
#define RANKKEY_FIRST_NS         "first_ns"
#define RANKKEY_LAST_NS          "last_ns"
#define RANKKEY_SENDS            "sends"
#define RANKKEY_SUM_NS           "sum_ns"
#define RANKKEY_MAX_NS           "max_ns"

/* Not a key: the value of RANKKEY_PHASE for all phases beyond the 256th, and
 * of RANKKEY_STAMPS.
 */
#define RANKVALUE_OTHER   "other"
#define RANKVALUE_PRECISE "precise"
#define RANKVALUE_COARSE  "coarse"

/* And of RANKKEY_WHY in RANKKEY_ELSEWHERE. */
#define RANKVALUE_NOBODY    "nobody"
#define RANKVALUE_MULTICAST "multicast"

#endif
