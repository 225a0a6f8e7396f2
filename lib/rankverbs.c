/* SPDX-License-Identifier: Apache-2.0 */
#include "rankverbs.h"
#include "rankfile.h"
#include "rankkeys.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

static int read_op(struct jsonscan *scan, const struct json_field *field, void *to, void *context)
{
	int op = jsontable_name(scan, rankop_names, RANKOP_COUNT);

	(void)field, (void)context;
	if (op < 0)
		return -1;
	*(uint16_t *)to = (uint16_t)op;
	return 0;
}

static int read_why(struct jsonscan *scan, const struct json_field *field, void *to, void *context)
{
	static const char *const names[] = { RANKVALUE_NOBODY, RANKVALUE_MULTICAST };
	int index = jsontable_name(scan, names, ARRAY_SIZE(names));

	(void)field, (void)context;
	if (index < 0)
		return -1;
	*(bool *)to = index == 1;
	return 0;
}

int rankverbs_elsewhere(struct jsonscan *scan, const struct json_field *field, void *to,
			void *context)
{
#define ROW(key, kind, member, read)                                               \
	{                                                                          \
		key, kind, false, offsetof(struct rankelsewhere, member), read, 0, \
	}
	static const struct json_field fields[] = {
		ROW(RANKKEY_WHY, JSON_OTHER, multicast, read_why),
		ROW(RANKKEY_GID, JSON_TEXT, gid, NULL),
		ROW(RANKKEY_LID, JSON_U32, lid, NULL),
		ROW(RANKKEY_QPN, JSON_U32, qpn, NULL),
		ROW(RANKKEY_OP, JSON_OTHER, op, read_op),
		ROW(RANKKEY_TX_BYTES, JSON_U64, tx_bytes, NULL),
		ROW(RANKKEY_TX_MESSAGES, JSON_U64, tx_messages, NULL),
		ROW(RANKKEY_RX_BYTES, JSON_U64, rx_bytes, NULL),
		ROW(RANKKEY_RX_MESSAGES, JSON_U64, rx_messages, NULL),
	};
#undef ROW
	struct rankfile *rank = to;

	(void)field;
	return jsontable_rows(scan, fields, ARRAY_SIZE(fields), &rank->elsewhere, &rank->nelsewhere,
			      sizeof(*rank->elsewhere), context);
}

int rankverbs_failed(struct jsonscan *scan, const struct json_field *field, void *to, void *context)
{
#define ROW(key, kind, member, read)                                            \
	{                                                                       \
		key, kind, false, offsetof(struct rankfailed, member), read, 0, \
	}
	static const struct json_field fields[] = {
		ROW(RANKKEY_PEER, JSON_I64, peer, NULL),
		ROW(RANKKEY_OP, JSON_OTHER, op, read_op),
		ROW(RANKKEY_STATUS, JSON_TEXT, status, NULL),
		ROW(RANKKEY_MESSAGES, JSON_U64, messages, NULL),
		ROW(RANKKEY_BYTES, JSON_U64, bytes, NULL),
	};
#undef ROW
	struct rankfile *rank = to;

	(void)field;
	return jsontable_rows(scan, fields, ARRAY_SIZE(fields), &rank->failed, &rank->nfailed,
			      sizeof(*rank->failed), context);
}
