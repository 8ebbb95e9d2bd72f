/* SPDX-License-Identifier: BSD-3-Clause */
/* Mempool: random calls on one whose backing fails at will, against a simple model of the rules. */
#include <unistd.h>

#include "support.h"

#define CALLS 400000
#define SIZE 96
#define KEPT_MOST 48

/* A backing that gives what it likes, and says what it gave. */
struct miser {
	uint64_t seed;
	bool there[SIZE]; /* by number of the element */
	uint32_t left;
	uint32_t fail; /* percent of calls that give fewer than they could */
	uint32_t calls, asked[8], gave[8];
	unsigned flags[8];
};

struct books {
	struct miser *miser;
	struct pp_mempool *mempool;
	uint64_t seed;
	uint32_t min_nr, kept, n;
	uint32_t next; /* call on the backing that the model has come to */
	uint64_t drawn, failed, waited;
	void *held[SIZE];
};

static char elements[SIZE];

static unsigned miser_alloc(void *backing, void **elems, unsigned n, unsigned flags)
{
	struct miser *miser = backing;
	uint32_t some = n < miser->left ? n : miser->left, got = 0;

	if (some && random_next(&miser->seed) % 100 < miser->fail)
		some = random_next(&miser->seed) % some;
	for (uint32_t i = 0; got < some; i++)
		if (miser->there[i]) {
			miser->there[i] = false;
			elems[got++] = &elements[i];
		}
	miser->left -= got;
	MUST(miser->calls < 8);
	miser->asked[miser->calls] = n;
	miser->flags[miser->calls] = flags;
	miser->gave[miser->calls++] = got;
	return got;
}

static void miser_free(void *backing, void *const *elems, unsigned n)
{
	struct miser *miser = backing;

	MUST(n);
	for (unsigned i = 0; i < n; i++) {
		size_t number = (size_t)((char *)elems[i] - elements);

		MUST(number < SIZE && !miser->there[number]);
		miser->there[number] = true;
	}
	miser->left += n;
}

static const struct pp_mempool_ops miser_ops = { miser_alloc, miser_free, NULL };

static uint32_t books_random(struct books *b, uint32_t below)
{
	return random_next(&b->seed) % below;
}

/* It must have been asked so, next: what it gave. */
static uint32_t asked(struct books *b, uint32_t n, unsigned flags)
{
	const struct miser *miser = b->miser;

	MUST(b->next < miser->calls);
	MUST(miser->asked[b->next] == n && miser->flags[b->next] == flags);
	return miser->gave[b->next++];
}

/* The reserve first. */
static void goes_back(struct books *b, uint32_t n)
{
	uint32_t lack = b->min_nr > b->kept ? b->min_nr - b->kept : 0;

	b->kept += n < lack ? n : lack;
}

/* The rules of one attempt: the whole remainder from the reserve, or none of it. */
static bool attempt(struct books *b, uint32_t n, unsigned flags)
{
	uint32_t got = asked(b, n, 0);

	if (n - got > b->kept && flags & PP_GROW)
		got += asked(b, n - got, PP_GROW);
	if (n - got > b->kept) {
		goes_back(b, got);
		return false;
	}
	b->drawn += n - got;
	b->kept -= n - got;
	return true;
}

struct handed {
	struct books *books;
	uint32_t n, most;
};

static bool hand_one(void *elem, void *arg)
{
	struct handed *handed = arg;

	handed->books->held[handed->books->n + handed->n++] = elem;
	return handed->n != handed->most;
}

static void call_alloc(struct books *b)
{
	uint32_t most = b->min_nr && books_random(b, 8) ? b->min_nr : KEPT_MOST;
	uint32_t n = 1 + books_random(b, books_random(b, 3) && most > 8 ? 8 : most), got;
	unsigned flags = (books_random(b, 2) ? PP_GROW : 0) | (books_random(b, 4) ? 0 : PP_WAIT);
	struct handed handed = { b, 0, books_random(b, 3) ? 0 : 1 + books_random(b, n) };
	bool callback = books_random(b, 3) == 0, had;
	struct pp_wait wait;

	if (b->n + n > SIZE)
		return;
	pp_wait_until(&wait, 1);
	errno = 0;
	got = callback ? pp_mempool_alloc_bulk_cb(b->mempool, n, flags, &wait, hand_one, &handed)
		       : pp_mempool_alloc_bulk(b->mempool, b->held + b->n, n, flags, &wait);
	if (b->min_nr && n > b->min_nr) {
		MUST(!got && errno == EINVAL);
		return;
	}
	had = attempt(b, n, flags);
	/* In line it tries once more, and then its time is over. */
	if (!had && flags & PP_WAIT) {
		b->waited++;
		had = attempt(b, n, flags);
	}
	b->failed += !had;
	MUST(had || (!got && errno == (flags & PP_WAIT ? ETIMEDOUT : EAGAIN)));
	MUST(!had || got == (callback && handed.most ? handed.most : n));
	if (had)
		goes_back(b, n - got);
	b->n += got;
}

static void call_free(struct books *b)
{
	uint32_t n = b->n ? 1 + books_random(b, books_random(b, 4) && b->n > 6 ? 6 : b->n) : 0;
	uint32_t before = b->kept;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = books_random(b, b->n - i), k = b->n - 1 - i;
		void *elem = b->held[j];

		b->held[j] = b->held[k];
		b->held[k] = elem;
	}
	b->n -= n;
	goes_back(b, n);
	MUST(pp_mempool_free_bulk(b->mempool, b->held + b->n, n) == b->kept - before);
}

static void call_resize(struct books *b)
{
	uint32_t min_nr = books_random(b, KEPT_MOST + 1), more, got;
	int rc = pp_mempool_resize(b->mempool, min_nr);

	if (min_nr <= b->min_nr) {
		MUST(!rc);
		b->min_nr = min_nr;
		b->kept = b->kept < min_nr ? b->kept : min_nr;
		return;
	}
	more = min_nr - b->min_nr;
	got = asked(b, more, 0);
	if (got < more)
		got += asked(b, more - got, PP_GROW);
	MUST(rc == (got == more ? 0 : -ENOMEM));
	if (!rc)
		b->min_nr = min_nr;
	goes_back(b, got);
}

static void books_compare(struct books *b)
{
	struct pp_mempool_stats s;

	pp_mempool_stats(b->mempool, &s);
	MUST(s.min_nr == b->min_nr && s.kept == b->kept && s.out == b->n);
	MUST(s.drawn == b->drawn && s.waited == b->waited && s.timeouts <= s.waited);
	MUST(!s.waiters);
	MUST(b->miser->left + s.kept + s.out == SIZE);
	/* Nor was it asked for anything beside. */
	MUST(b->next == b->miser->calls);
	b->next = b->miser->calls = 0;
}

static void test_every_call_on_a_mempool_does_what_the_rules_say(void **state)
{
	const char *given = getenv("PP_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)getpid() << 20 | 1;
	struct miser miser = { .seed = ~seed, .left = SIZE };
	struct pp_mempool_params params = { .sz = sizeof(params), .ops = &miser_ops };
	struct books b = { .miser = &miser, .seed = seed };

	(void)state;
	printf("PP_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	memset(miser.there, true, sizeof(miser.there));
	params.backing = &miser;
	assert_ok(pp_mempool_create(&params, &b.mempool));
	for (unsigned i = 0; i < CALLS; i++) {
		uint32_t r = books_random(&b, 20);

		if (r < 10)
			call_alloc(&b);
		else if (r < 18)
			call_free(&b);
		else if (r < 19)
			call_resize(&b);
		else
			miser.fail = books_random(&b, 4) * 33;
		books_compare(&b);
	}
	printf("%d calls: %llu drawn, %llu in line, %llu failed\n", CALLS,
	       (unsigned long long)b.drawn, (unsigned long long)b.waited,
	       (unsigned long long)b.failed);
	assert_true(b.drawn > CALLS / 50 && b.failed > CALLS / 100 && b.waited > CALLS / 400);
	pp_mempool_free_bulk(b.mempool, b.held, b.n);
	assert_ok(pp_mempool_destroy(b.mempool));
	assert_int_equal(miser.left, SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_call_on_a_mempool_does_what_the_rules_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
