/* SPDX-License-Identifier: BSD-3-Clause */
/* Crypt: dm-crypt's write: a chain of 256 buffers is filled with ciphertext (seeds 000, 002). */
#include "seeds_chain.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pktpool.h>
#include <rte_cycles.h>
#include <rte_malloc.h>
#include <stdlib.h>
#include <string.h>

/* Writes in flight: the oldest is done when the next begins. */
#define IN_FLIGHT 16u
#define BUFFERS (4 * IN_FLIGHT * SEEDS_REQUEST)
/* Of one sample: each chain is written four times, so that no peer pays for the
 * one before it having had the CPU's caches. */
#define WRITES (4 * IN_FLIGHT)
#define MIB (SEEDS_REQUEST * SEEDS_PAGE)

struct crypt {
	EVP_CIPHER_CTX *encrypt, *decrypt;
	uint8_t *plain; /* 1 MiB */
	struct chain (*chains)[IN_FLIGHT];
	unsigned next[CHAIN_MAKERS];
	uint64_t sector;
};

/* xts-plain64: the sector's number, little endian, is the tweak. */
static int sector_crypt(EVP_CIPHER_CTX *ctx, uint64_t sector, uint8_t *to, const uint8_t *from)
{
	uint8_t tweak[16] = { 0 };
	int written;

	memcpy(tweak, &sector, sizeof(sector));
	return EVP_CipherInit_ex(ctx, NULL, NULL, NULL, tweak, -1) == 1 &&
			       EVP_CipherUpdate(ctx, to, &written, from, SEEDS_PAGE) == 1 &&
			       written == (int)SEEDS_PAGE
		       ? 0
		       : -EIO;
}

static int chain_encrypt(struct crypt *crypt, struct chain *chain)
{
	chain->sector = crypt->sector;
	crypt->sector += chain->count;
	for (unsigned i = 0; i < chain->count; i++)
		if (sector_crypt(crypt->encrypt, chain->sector + i,
				 (uint8_t *)chain->parts[i].buf + chain->parts[i].offset,
				 crypt->plain + (size_t)i * SEEDS_PAGE))
			return -EIO;
	return 0;
}

/* Reads a chain back: it holds what was written, or it was no encryption. */
static int chain_verify(struct crypt *crypt, const struct chain *chain)
{
	uint8_t back[SEEDS_PAGE];

	for (unsigned i = 0; i < chain->count; i++)
		if (sector_crypt(crypt->decrypt, chain->sector + i, back, chain->parts[i].buf) ||
		    memcmp(back, crypt->plain + (size_t)i * SEEDS_PAGE, SEEDS_PAGE) != 0)
			return -EIO;
	return chain->count == SEEDS_REQUEST ? 0 : -EIO;
}

/* One write of 1 MiB; adds to `cycles` what allocating took of it. */
static int crypt_write(struct crypt *crypt, unsigned who, void *seat, uint64_t *cycles)
{
	struct chain *chain = &crypt->chains[who][crypt->next[who]++ % IN_FLIGHT];
	const struct chain_maker *maker = &chain_makers[who];
	uint64_t start = rte_rdtsc_precise();

	maker->drain(seat, chain);
	if (!maker->fill(seat, chain))
		bench_starved();
	*cycles += rte_rdtsc_precise() - start;
	return chain_encrypt(crypt, chain);
}

static int crypt_round(struct seeds_runner *run, struct crypt *crypt, void *seats[CHAIN_MAKERS],
		       struct seeds_row *rows[2][CHAIN_MAKERS], bool counts)
{
	const double us = run->ghz * 1e3 * WRITES;

	for (unsigned who = 0; who < CHAIN_MAKERS; who++) {
		uint64_t start = rte_rdtsc_precise(), cycles = 0, all;

		for (unsigned i = 0; i < WRITES; i++)
			if (crypt_write(crypt, who, seats[who], &cycles))
				return -EIO;
		all = rte_rdtsc_precise() - start;
		if (!counts)
			continue;
		row_add(rows[0][who], (double)all / us, NULL);
		row_add(rows[1][who], (double)cycles / us, NULL);
	}
	return 0;
}

static int crypt_measure(struct seeds_runner *run, struct crypt *crypt, void *seats[CHAIN_MAKERS],
			 struct seeds_row *rows[2][CHAIN_MAKERS])
{
	int error = 0;

	for (unsigned round = 0; seeds_goes_on(run, round) && !error; round++)
		error = crypt_round(run, crypt, seats, rows, round > 0);
	for (unsigned who = 0; who < CHAIN_MAKERS; who++)
		for (unsigned i = 0; i < IN_FLIGHT; i++) {
			struct chain *chain = &crypt->chains[who][i];

			if (!error && chain_verify(crypt, chain)) {
				fprintf(stderr, "pktpool-bench: %s: not what was encrypted\n",
					chain_makers[who].who);
				error = -EIO;
			}
			chain_makers[who].drain(seats[who], chain);
		}
	return error;
}

static int crypt_open(struct crypt *crypt)
{
	uint8_t key[64];

	/* Two halves that differ, which XTS asks for; any will do. */
	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 167 + 13);
	*crypt = (struct crypt){
		.encrypt = EVP_CIPHER_CTX_new(),
		.decrypt = EVP_CIPHER_CTX_new(),
		.plain = rte_malloc("seeds", MIB, 4096),
		.chains = calloc(CHAIN_MAKERS, sizeof(*crypt->chains)),
	};
	if (!crypt->encrypt || !crypt->decrypt || !crypt->plain || !crypt->chains)
		return -ENOMEM;
	for (unsigned i = 0; i < MIB; i++)
		crypt->plain[i] = (uint8_t)(i * 31 + (i >> 12));
	if (EVP_EncryptInit_ex(crypt->encrypt, EVP_aes_256_xts(), NULL, key, NULL) == 1 &&
	    EVP_DecryptInit_ex(crypt->decrypt, EVP_aes_256_xts(), NULL, key, NULL) == 1)
		return 0;
	fputs("pktpool-bench: OpenSSL has no AES-256-XTS\n", stderr);
	return -ENOTSUP;
}

static void crypt_close(struct crypt *crypt)
{
	EVP_CIPHER_CTX_free(crypt->encrypt);
	EVP_CIPHER_CTX_free(crypt->decrypt);
	rte_free(crypt->plain);
	free(crypt->chains);
}

static int rows_open(struct seeds_runner *run, struct seeds_row *rows[2][CHAIN_MAKERS])
{
	for (unsigned part = 0; part < 2; part++)
		for (unsigned who = 0; who < CHAIN_MAKERS; who++) {
			const struct chain_maker *maker = &chain_makers[who];
			struct seeds_row *row =
				row_open(run, part ? SEEDS_CRYPT_ALLOC : SEEDS_CRYPT, maker->who,
					 maker->n, run->options->rounds);

			if (!row)
				return -ENOMEM;
			row->floor = who == CHAIN_FLOOR;
			if (maker->against >= 0)
				row->against = row_index(run->results, rows[part][maker->against]);
			if (part)
				row->whole = row_index(run->results, rows[0][who]);
			else
				row->rate = 1e6;
			rows[part][who] = row;
		}
	return 0;
}

/* What the makers take their buffers from. */
struct crypt_stock {
	struct seeds_pools pools;
	struct pp_pool *backing;
	struct pp_mempool *kept;
	struct seeds_carousel *carousels[2];
};

static int stock_open(struct crypt_stock *stock)
{
	struct pp_mempool_params params = { .sz = sizeof(params),
					    .name = "crypt",
					    .ops = &pp_mempool_pool,
					    .min_nr = SEEDS_REQUEST };
	int error;

	error = seeds_pools_create(&stock->pools, BUFFERS, SEEDS_PAGE, SEEDS_CACHE, 64);
	if (error)
		return error;
	stock->backing = params.backing = pktpool_create(BUFFERS, SEEDS_PAGE, false);
	if (!stock->backing || pp_mempool_create(&params, &stock->kept))
		return -ENOMEM;
	for (unsigned i = 0; i < 2; i++) {
		stock->carousels[i] = carousel_create(IN_FLIGHT * SEEDS_REQUEST, SEEDS_PAGE);
		if (!stock->carousels[i])
			return -ENOMEM;
	}
	carousel_shuffle(stock->carousels[1]);
	return 0;
}

static int stock_close(struct crypt_stock *stock)
{
	int error = 0;

	for (unsigned i = 0; i < 2; i++)
		carousel_destroy(stock->carousels[i]);
	if (pp_mempool_destroy(stock->kept) || pp_pool_destroy(stock->backing)) {
		fprintf(stderr, "pktpool-bench: %s\n", pp_error());
		error = -EBUSY;
	}
	return seeds_pools_destroy(&stock->pools) ? -EUCLEAN : error;
}

int crypt_run(struct seeds_runner *run)
{
	struct seeds_row *rows[2][CHAIN_MAKERS];
	struct crypt_stock stock = { 0 };
	struct crypt crypt;
	int error = rows_open(run, rows);

	if (error)
		return error;
	error = crypt_open(&crypt);
	if (!error)
		error = stock_open(&stock);
	if (!error) {
		void *seats[CHAIN_MAKERS] = {
			[CHAIN_PKTPOOL_ONE] = stock.pools.caches[0],
			[CHAIN_PKTPOOL_CALLBACK] = stock.pools.caches[0],
			[CHAIN_PKTPOOL_ARRAY] = stock.pools.caches[0],
			[CHAIN_KEPT_ONE] = stock.kept,
			[CHAIN_KEPT_CALLBACK] = stock.kept,
			[CHAIN_MEMPOOL_ONE] = stock.pools.mempool,
			[CHAIN_MEMPOOL_BULK] = stock.pools.mempool,
			[CHAIN_FLOOR] = stock.carousels[0],
			[CHAIN_SHUFFLED] = stock.carousels[1],
		};

		error = crypt_measure(run, &crypt, seats, rows);
	}
	if (stock_close(&stock) && !error)
		error = -EUCLEAN;
	crypt_close(&crypt);
	return error;
}
