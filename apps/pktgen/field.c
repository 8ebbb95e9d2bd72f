/* SPDX-License-Identifier: BSD-3-Clause */
/* Field: a part of a packet's headers, and the values it takes in turn. */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "field.h"

/* The longest spelling of a value. */
#define WORD_BYTES 64

static const struct {
	const char *name;
	const char *example;
	uint64_t low, high; /* of a plain number; both 0: an address */
} kinds[FIELD_KINDS] = {
	[FIELD_SRC_MAC] = { "src-mac", "02:00:00:00:00:01", 0, 0 },
	[FIELD_DST_MAC] = { "dst-mac", "02:00:00:00:00:01", 0, 0 },
	[FIELD_VLAN] = { "vlan", "100", 0, 4094 },
	[FIELD_SRC_IP] = { "src-ip", "198.18.0.1 or 2001:2::1", 0, 0 },
	[FIELD_DST_IP] = { "dst-ip", "198.18.0.1 or 2001:2::1", 0, 0 },
	[FIELD_SRC_PORT] = { "src-port", "1024", 0, 65535 },
	[FIELD_DST_PORT] = { "dst-port", "7", 0, 65535 },
};

const char *field_name(enum field_kind kind)
{
	return kinds[kind].name;
}

const char *field_names(void)
{
	return "src-mac, dst-mac, vlan, src-ip, dst-ip, src-port, dst-port";
}

enum field_kind field_find(const char *name)
{
	unsigned kind = 0;

	while (kind < FIELD_KINDS && strcmp(name, kinds[kind].name) != 0)
		kind++;
	return kind;
}

static bool mac_read(const char *word, struct field_value *v)
{
	unsigned at = 0;

	v->hi = v->lo = 0;
	for (; at < 6; at++) {
		char *end;
		unsigned long byte;

		if (strspn(word, "0123456789abcdefABCDEF") == 0)
			return false;
		byte = strtoul(word, &end, 16);
		if (end - word > 2 || *end != (at < 5 ? ':' : '\0'))
			return false;
		v->lo = v->lo << 8 | byte;
		word = end + 1;
	}
	return true;
}

static bool address_read(const char *word, struct field_value *v, unsigned *family)
{
	struct in_addr four;
	uint64_t six[2];

	if (inet_pton(AF_INET, word, &four) == 1) {
		*v = (struct field_value){ .lo = ntohl(four.s_addr) };
		*family = 4;
		return true;
	}
	if (inet_pton(AF_INET6, word, six) != 1)
		return false;
	*v = (struct field_value){ __builtin_bswap64(six[0]), __builtin_bswap64(six[1]) };
	*family = 6;
	return true;
}

static bool number_read(const char *word, enum field_kind kind, struct field_value *v)
{
	char *end;

	if (*word < '0' || *word > '9')
		return false;
	errno = 0;
	*v = (struct field_value){ .lo = strtoull(word, &end, 10) };
	return *end == '\0' && errno == 0 && v->lo >= kinds[kind].low && v->lo <= kinds[kind].high;
}

/* From *text up to one of the stops, which *text is then at. */
static int value_read(struct field *f, enum field_kind kind, const char **text, const char *stops,
		      struct field_value *v, struct wrong *wrong)
{
	size_t bytes = strcspn(*text, stops);
	char word[WORD_BYTES];
	unsigned family = 0;
	bool good;

	if (bytes >= sizeof(word))
		return wrong_say(wrong, "%.20s...: not a value of %s, e.g. %s", *text,
				 kinds[kind].name, kinds[kind].example);
	memcpy(word, *text, bytes);
	word[bytes] = '\0';
	if (kinds[kind].high != 0)
		good = number_read(word, kind, v);
	else if (kind == FIELD_SRC_MAC || kind == FIELD_DST_MAC)
		good = mac_read(word, v);
	else
		good = address_read(word, v, &family);
	if (!good && kinds[kind].high != 0)
		return wrong_say(wrong, "'%s' is no value of %s: must be from %u to %u, e.g. %s",
				 word, kinds[kind].name, (unsigned)kinds[kind].low,
				 (unsigned)kinds[kind].high, kinds[kind].example);
	if (!good)
		return wrong_say(wrong, "'%s' is no value of %s, e.g. %s", word, kinds[kind].name,
				 kinds[kind].example);
	if (f->family != 0 && f->family != family)
		return wrong_say(wrong, "IPv4 and IPv6 in one %s", kinds[kind].name);
	f->family = family;
	*text += bytes;
	return 0;
}

static int list_parse(struct field *f, enum field_kind kind, const char *text, struct wrong *wrong)
{
	f->way = FIELD_LIST;
	f->list = calloc(FIELD_LIST_MAX, sizeof(*f->list));
	if (f->list == NULL)
		return -ENOMEM;
	for (;;) {
		int err;

		if (f->count == FIELD_LIST_MAX)
			return wrong_say(wrong, "more than %d values", FIELD_LIST_MAX);
		err = value_read(f, kind, &text, ",", &f->list[f->count], wrong);
		if (err != 0)
			return err;
		f->count++;
		if (*text == '\0')
			return 0;
		text++;
	}
}

static int step_parse(struct field *f, const char *text, struct wrong *wrong)
{
	char *end;

	if (*text < '0' || *text > '9')
		return wrong_say(wrong, "no step after the /, e.g. /2");
	errno = 0;
	f->step = strtoull(text, &end, 10);
	if (*end != '\0' || errno != 0 || f->step == 0)
		return wrong_say(wrong, "'%.20s' is no step: must be 1 or more", text);
	return 0;
}

static int range_parse(struct field *f, enum field_kind kind, const char *text, struct wrong *wrong)
{
	struct field_value last = { 0 };
	int err = value_read(f, kind, &text, "-", &f->first, wrong);

	if (err != 0)
		return err;
	if (*text == '\0') {
		if (f->way == FIELD_RANDOM)
			return wrong_say(wrong, "random: needs a range, e.g. random:1-100");
		f->way = FIELD_FIXED;
		f->count = 1;
		return 0;
	}
	text++;
	err = value_read(f, kind, &text, f->way == FIELD_RANDOM ? "" : "/", &last, wrong);
	if (err != 0)
		return err;
	if (last.hi != f->first.hi)
		return wrong_say(wrong,
				 "a range over the upper 64 bits of an IPv6 address: they have to "
				 "be the same");
	if (last.lo < f->first.lo)
		return wrong_say(wrong, "the range ends before it begins");
	f->step = 1;
	if (*text == '/') {
		err = step_parse(f, text + 1, wrong);
		if (err != 0)
			return err;
	}
	/* 0 for all of 2^64. */
	f->count = (last.lo - f->first.lo) / f->step + 1;
	return 0;
}

int field_parse(struct field *f, enum field_kind kind, const char *text, struct wrong *wrong)
{
	int err;

	memset(f, 0, sizeof(*f));
	f->way = FIELD_RANGE;
	if (strncmp(text, "random:", 7) == 0) {
		f->way = FIELD_RANDOM;
		err = range_parse(f, kind, text + 7, wrong);
	} else if (strchr(text, ',') != NULL) {
		err = list_parse(f, kind, text, wrong);
	} else {
		err = range_parse(f, kind, text, wrong);
	}
	if (err == -ENOMEM)
		wrong_say(wrong, "no memory");
	if (err != 0)
		field_end(f);
	return err;
}

void field_end(struct field *f)
{
	free(f->list);
	memset(f, 0, sizeof(*f));
}

struct field_value field_at(const struct field *f, uint64_t turn, uint64_t seed)
{
	struct field_value v = f->first;
	uint64_t n;

	switch (f->way) {
	case FIELD_ABSENT:
	case FIELD_FIXED:
		break;
	case FIELD_RANGE:
		n = f->count == 0 ? turn : turn % f->count;
		v.lo += n * f->step;
		break;
	case FIELD_LIST:
		v = f->list[turn % f->count];
		break;
	case FIELD_RANDOM:
		n = number_mix(seed ^ number_mix(turn));
		if (f->count != 0)
			n = (uint64_t)((unsigned __int128)n * f->count >> 64);
		v.lo += n;
		break;
	}
	return v;
}
