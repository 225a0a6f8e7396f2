/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "sha256.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const uint32_t constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static uint32_t rotate(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static void schedule(uint32_t w[64], const unsigned char *block)
{
	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
		       (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
	for (int i = 16; i < 64; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + w[i - 7] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) +
		       (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
	}
}

static void compress(struct sha256 *sha)
{
	uint32_t w[64], s[8];

	schedule(w, sha->block);
	memcpy(s, sha->state, sizeof(s));
	for (int i = 0; i < 64; i++) {
		uint32_t e = s[4], a = s[0];
		uint32_t t1 = s[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
			      ((e & s[5]) ^ (~e & s[6])) + constants[i] + w[i];
		uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
			      ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));

		memmove(s + 1, s, 7 * sizeof(*s));
		s[4] += t1;
		s[0] = t1 + t2;
	}
	for (int i = 0; i < 8; i++)
		sha->state[i] += s[i];
}

void sha256_init(struct sha256 *sha)
{
	static const uint32_t start[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
					   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

	memset(sha, 0, sizeof(*sha));
	memcpy(sha->state, start, sizeof(start));
}

void sha256_add(struct sha256 *sha, const void *data, size_t size)
{
	const unsigned char *from = data;

	while (size) {
		size_t used = sha->bytes % 64, take = 64 - used < size ? 64 - used : size;

		memcpy(sha->block + used, from, take);
		sha->bytes += take;
		from += take;
		size -= take;
		if (sha->bytes % 64 == 0)
			compress(sha);
	}
}

void sha256_text(struct sha256 *sha, char text[SHA256_TEXT])
{
	static const unsigned char padding[64] = { 0x80 };
	uint64_t bits = sha->bytes * 8;
	unsigned char length[8];

	for (int i = 0; i < 8; i++)
		length[i] = (unsigned char)(bits >> (56 - 8 * i));
	sha256_add(sha, padding, 1 + (119 - sha->bytes % 64) % 64);
	sha256_add(sha, length, sizeof(length));
	for (int i = 0; i < 8; i++)
		snprintf(text + 8 * (size_t)i, 9, "%08x", sha->state[i]);
}

static int add_file(struct sha256 *sha, const char *path, struct err *err)
{
	FILE *file = fopen(path, "re");
	char buf[65536];
	size_t size;
	int rc = 0;

	if (!file)
		return err_errno(err, "unable to open '%s'", path);
	while ((size = fread(buf, 1, sizeof(buf), file)) > 0)
		sha256_add(sha, buf, size);
	if (ferror(file))
		rc = err_errno(err, "unable to read '%s'", path);
	fclose(file);
	return rc;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int add_entry(struct sha256 *sha, const FTSENT *entry, size_t prefix, struct err *err)
{
	struct sha256 file;
	char text[SHA256_TEXT];

	sha256_init(&file);
	if (add_file(&file, entry->fts_path, err) < 0)
		return -1;
	sha256_text(&file, text);
	sha256_add(sha, text, strlen(text));
	sha256_add(sha, "  ", 2);
	sha256_add(sha, entry->fts_path + prefix, strlen(entry->fts_path + prefix) + 1);
	return 0;
}

static int add_folder(struct sha256 *sha, const char *path, struct err *err)
{
	char *paths[] = { (char *)path, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	FTSENT *entry;
	int rc = 0;

	if (!fts)
		return err_errno(err, "unable to open '%s'", path);
	while (rc == 0 && (entry = fts_read(fts)))
		if (entry->fts_info == FTS_F)
			rc = add_entry(sha, entry, strlen(path), err);
	fts_close(fts);
	return rc;
}

int sha256_path(const char *path, char text[SHA256_TEXT], struct err *err)
{
	struct sha256 sha;
	struct stat st;

	sha256_init(&sha);
	if (stat(path, &st) < 0)
		return err_errno(err, "unable to open '%s'", path);
	if ((S_ISDIR(st.st_mode) ? add_folder : add_file)(&sha, path, err) < 0)
		return -1;
	sha256_text(&sha, text);
	return 0;
}
