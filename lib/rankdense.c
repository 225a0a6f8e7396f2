/* SPDX-License-Identifier: Apache-2.0 */
#include "rankdense.h"
#include "rankkeys.h"

static const char *const keys[RANKDENSE_COLUMNS] = {
	RANKKEY_TX_BYTES,
	RANKKEY_TX_MESSAGES,
	RANKKEY_RX_BYTES,
	RANKKEY_RX_MESSAGES,
};

static int check_lengths(const struct json_numbers dense[RANKDENSE_COLUMNS],
			 const struct rankfile *rank, const char *name, struct err *err)
{
	for (int c = 0; c < RANKDENSE_COLUMNS; c++) {
		if (!dense[c].room)
			return err_set(err, "%s: the key '%s' is missing", name, keys[c]);
		if (dense[c].count != rank->ranks)
			return err_set(err, "%s: '%s': %zu numbers for %u ranks", name, keys[c],
				       dense[c].count, rank->ranks);
	}
	return 0;
}

int rankdense_rows(const struct json_numbers dense[RANKDENSE_COLUMNS], const struct rankfile *rank,
		   const char *name, struct rankpeers *peers, struct err *err)
{
	if (check_lengths(dense, rank, name, err) < 0)
		return -1;
	for (uint32_t peer = 0; peer < rank->ranks; peer++) {
		struct rankpeer row = {
			.peer = peer,
			.tx_bytes = dense[0].values[peer],
			.tx_messages = dense[1].values[peer],
			.rx_bytes = dense[2].values[peer],
			.rx_messages = dense[3].values[peer],
			.first = -1,
			.last = -1,
		};

		if (!row.tx_messages && !row.rx_messages && !row.tx_bytes && !row.rx_bytes)
			continue;
		if (rank->foreign &&
		    ((row.tx_bytes && !row.tx_messages) || (row.rx_bytes && !row.rx_messages)))
			return err_set(err, "%s: '%s'[%u]: bytes without a message", name,
				       row.tx_messages ? keys[2] : keys[0], peer);
		if (!rankpeers_add(peers, &row))
			return err_errno(err, "%s", name);
	}
	return 0;
}

int rankdense_compare(const struct json_numbers dense[RANKDENSE_COLUMNS],
		      const struct rankfile *rank, const char *name, struct err *err)
{
	const struct rankpeers *peers = &rank->peers;
	struct rankpeers rows = { 0 };
	int rc = rankdense_rows(dense, rank, name, &rows, err);

	if (rc == 0 && rows.count != peers->count)
		rc = err_set(err, "%s: '%s' has %zu ranks with messages, '%s' has %zu", name,
			     RANKKEY_PEERS, peers->count, RANKKEY_TX_MESSAGES, rows.count);
	for (size_t i = 0; rc == 0 && i < rows.count; i++) {
		const struct rankpeer *a = &rows.rows[i];
		const struct rankpeer *b = &peers->rows[i];

		if (a->peer != b->peer || a->tx_bytes != b->tx_bytes ||
		    a->tx_messages != b->tx_messages || a->rx_bytes != b->rx_bytes ||
		    a->rx_messages != b->rx_messages)
			rc = err_set(err, "%s: '%s': rank %u is not the same there and in '%s'",
				     name, RANKKEY_PEERS, b->peer, RANKKEY_TX_BYTES);
	}
	rankpeers_release(&rows);
	return rc;
}
