/* SPDX-License-Identifier: BSD-3-Clause */
/* Shape: a stream's frames as they are before anything varies, and the sums over them. */
#include <netinet/in.h>
#include <stdlib.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "stream.h"
#include "sum.h"

#define FCS 4
#define LINE 64
#define ETHERNET_TYPE 0x88b5
#define IP_PROTOCOL 253

static const char *const protocol_names[STREAM_PROTOCOLS] = { "udp", "tcp", "ip", "ethernet" };

/* RFC 2544's addresses for tests and its port, echo; RFC 5180's for IPv6. */
static const struct {
	enum field_kind kind;
	unsigned family;
	struct field_value value;
} defaults[] = {
	{ FIELD_DST_MAC, 0, { 0, 0x020000000001 } },
	{ FIELD_SRC_IP, 4, { 0, 0xc6120001 } },
	{ FIELD_DST_IP, 4, { 0, 0xc6130001 } },
	{ FIELD_SRC_IP, 6, { 0x2001000200000000, 1 } },
	{ FIELD_DST_IP, 6, { 0x2001000200000001, 1 } },
	{ FIELD_SRC_PORT, 0, { 0, 49184 } },
	{ FIELD_DST_PORT, 0, { 0, 7 } },
};

const char *stream_protocol_name(enum stream_protocol protocol)
{
	return protocol_names[protocol];
}

void stream_spec_end(struct stream_spec *spec)
{
	for (unsigned i = 0; i < FIELD_KINDS; i++)
		field_end(&spec->fields[i]);
}

static bool field_used(const struct stream *s, enum field_kind kind)
{
	switch (kind) {
	case FIELD_SRC_IP:
	case FIELD_DST_IP:
		return s->family != 0;
	case FIELD_SRC_PORT:
	case FIELD_DST_PORT:
		return s->check4 != 0;
	case FIELD_VLAN:
		return s->spec->fields[FIELD_VLAN].way != FIELD_ABSENT;
	default:
		return true;
	}
}

static uint16_t field_place(const struct stream *s, enum field_kind kind, uint8_t *bytes)
{
	bool six = s->family == 6;

	*bytes = 2;
	switch (kind) {
	case FIELD_DST_MAC:
	case FIELD_SRC_MAC:
		*bytes = RTE_ETHER_ADDR_LEN;
		return kind == FIELD_DST_MAC ? 0 : RTE_ETHER_ADDR_LEN;
	case FIELD_VLAN:
		return sizeof(struct rte_ether_hdr);
	case FIELD_SRC_IP:
	case FIELD_DST_IP:
		*bytes = six ? 16 : 4;
		return s->at3 + (six ? 8 : 12) + (kind == FIELD_DST_IP ? *bytes : 0);
	default:
		return s->at4 + (kind == FIELD_DST_PORT ? 2 : 0);
	}
}

static int family_choose(struct stream *s, struct wrong *wrong)
{
	const struct stream_spec *spec = s->spec;

	s->family = spec->family;
	for (enum field_kind kind = FIELD_SRC_IP; kind <= FIELD_DST_IP; kind++) {
		const struct field *f = &spec->fields[kind];

		if (f->way == FIELD_ABSENT)
			continue;
		if (s->family != 0 && s->family != f->family)
			return wrong_say(wrong, "%s is of IPv%u, the packets are of IPv%u",
					 field_name(kind), f->family, s->family);
		s->family = f->family;
	}
	if (s->family == 0)
		s->family = 4;
	return 0;
}

/* Where everything is. */
static int layout_make(struct stream *s, struct wrong *wrong)
{
	const struct stream_spec *spec = s->spec;
	int err = family_choose(s, wrong);

	if (err != 0)
		return err;
	s->at3 = sizeof(struct rte_ether_hdr);
	if (field_used(s, FIELD_VLAN))
		s->at3 += sizeof(struct rte_vlan_hdr);
	if (spec->protocol == STREAM_ETHERNET)
		s->family = 0;
	s->at4 = s->at3;
	if (s->family == 4)
		s->at4 += sizeof(struct rte_ipv4_hdr);
	else if (s->family == 6)
		s->at4 += sizeof(struct rte_ipv6_hdr);
	s->check3 = s->family == 4 ? s->at3 + offsetof(struct rte_ipv4_hdr, hdr_checksum) : 0;
	s->end = s->at4;
	if (spec->protocol == STREAM_UDP) {
		s->check4 = s->at4 + offsetof(struct rte_udp_hdr, dgram_cksum);
		s->end += sizeof(struct rte_udp_hdr);
	} else if (spec->protocol == STREAM_TCP) {
		s->check4 = s->at4 + offsetof(struct rte_tcp_hdr, cksum);
		s->end += sizeof(struct rte_tcp_hdr);
	}
	for (unsigned i = 0; i < FIELD_KINDS; i++)
		if (spec->fields[i].way != FIELD_ABSENT && !field_used(s, i))
			return wrong_say(wrong, "%s: there is none in packets of %s", field_name(i),
					 protocol_names[spec->protocol]);
	return 0;
}

static void vary_make(struct stream *s)
{
	for (unsigned i = 0; i < FIELD_KINDS; i++) {
		const struct field *f = &s->spec->fields[i];
		struct vary *v = &s->vary[s->varying];

		if (f->way == FIELD_ABSENT || f->way == FIELD_FIXED)
			continue;
		*v = (struct vary){ .field = f, .kind = i };
		v->at = field_place(s, i, &v->bytes);
		v->in3 = s->check3 != 0 && (i == FIELD_SRC_IP || i == FIELD_DST_IP);
		v->in4 = s->check4 != 0 && i >= FIELD_SRC_IP;
		s->varying++;
	}
}

static uint64_t common_multiple(uint64_t a, uint64_t b)
{
	uint64_t x = a, y = b;

	while (y != 0) {
		uint64_t rest = x % y;

		x = y;
		y = rest;
	}
	return a / x * b;
}

static void flows_choose(struct stream *s)
{
	uint64_t flows = 1;

	s->restart = s->spec->flows != 0;
	for (unsigned i = 0; i < s->varying; i++) {
		const struct field *f = s->vary[i].field;

		/* Two below 2^17 have a multiple below 2^34. */
		if (f->way == FIELD_RANDOM || f->count == 0 || f->count > SIGNATURE_FLOWS)
			flows = SIGNATURE_FLOWS + 1;
		else if (flows <= SIGNATURE_FLOWS)
			flows = common_multiple(flows, f->count);
	}
	s->flows = s->restart ? s->spec->flows : flows <= SIGNATURE_FLOWS ? (uint32_t)flows : 1;
}

static void image_value(const struct stream *s, enum field_kind kind, struct field_value value,
			uint8_t *image)
{
	uint8_t bytes;
	uint16_t at = field_place(s, kind, &bytes);

	for (unsigned i = 0; i < bytes; i++) {
		unsigned shift = 8 * (bytes - 1 - i);

		image[at + i] =
			(uint8_t)(shift >= 64 ? value.hi >> (shift - 64) : value.lo >> shift);
	}
}

static struct field_value mac_value(const uint8_t mac[6])
{
	struct field_value value = { 0 };

	for (unsigned i = 0; i < 6; i++)
		value.lo = value.lo << 8 | mac[i];
	return value;
}

/* Those that do not vary; the others stay zero here, so that sums are without them. */
static void image_fields(const struct stream *s, uint8_t *image)
{
	for (unsigned i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		enum field_kind kind = defaults[i].kind;

		if (s->spec->fields[kind].way == FIELD_ABSENT && field_used(s, kind) &&
		    (defaults[i].family == 0 || defaults[i].family == s->family))
			image_value(s, kind, defaults[i].value, image);
	}
	if (s->spec->fields[FIELD_SRC_MAC].way == FIELD_ABSENT)
		image_value(s, FIELD_SRC_MAC, mac_value(s->mac), image);
	for (unsigned i = 0; i < FIELD_KINDS; i++)
		if (s->spec->fields[i].way == FIELD_FIXED)
			image_value(s, i, s->spec->fields[i].first, image);
}

static void image_headers(const struct stream *s, uint8_t *image, uint16_t bytes)
{
	static const uint8_t protocols[STREAM_PROTOCOLS] = { IPPROTO_UDP, IPPROTO_TCP, IP_PROTOCOL,
							     0 };
	uint8_t protocol = protocols[s->spec->protocol];
	rte_be16_t type = rte_cpu_to_be_16(s->family == 4   ? RTE_ETHER_TYPE_IPV4
					   : s->family == 6 ? RTE_ETHER_TYPE_IPV6
							    : ETHERNET_TYPE);
	rte_be16_t tag = RTE_BE16(RTE_ETHER_TYPE_VLAN);

	if (field_used(s, FIELD_VLAN))
		memcpy(image + 2 * RTE_ETHER_ADDR_LEN, &tag, sizeof(tag));
	memcpy(image + s->at3 - sizeof(type), &type, sizeof(type));
	if (s->family == 4) {
		struct rte_ipv4_hdr *ip = (void *)(image + s->at3);

		ip->version_ihl = RTE_IPV4_VHL_DEF;
		ip->total_length = rte_cpu_to_be_16(bytes - s->at3);
		ip->fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG);
		ip->time_to_live = 64;
		ip->next_proto_id = protocol;
	} else if (s->family == 6) {
		struct rte_ipv6_hdr *ip = (void *)(image + s->at3);

		ip->vtc_flow = RTE_BE32(6 << 28);
		ip->payload_len = rte_cpu_to_be_16(bytes - s->at4);
		ip->proto = protocol;
		ip->hop_limits = 64;
	}
	if (s->spec->protocol == STREAM_UDP) {
		struct rte_udp_hdr *udp = (void *)(image + s->at4);

		udp->dgram_len = rte_cpu_to_be_16(bytes - s->at4);
	} else if (s->spec->protocol == STREAM_TCP) {
		struct rte_tcp_hdr *tcp = (void *)(image + s->at4);

		tcp->data_off = sizeof(*tcp) / 4 << 4;
		tcp->tcp_flags = RTE_TCP_ACK_FLAG;
		tcp->rx_win = RTE_BE16(0xffff);
	}
}

static void shape_sum(const struct stream *s, struct shape *shape)
{
	const uint8_t *image = shape->image;
	unsigned addresses = s->family == 6 ? 32 : 8;
	uint16_t pseudo[2];

	if (s->check3 != 0)
		shape->sum3 = sum_bytes(image + s->at3, s->at4 - s->at3);
	if (s->check4 == 0)
		return;
	pseudo[0] = rte_cpu_to_be_16(s->spec->protocol == STREAM_UDP ? IPPROTO_UDP : IPPROTO_TCP);
	pseudo[1] = rte_cpu_to_be_16(shape->bytes - s->at4);
	shape->sum4 = sum_bytes(image + s->at4 - addresses, addresses) + pseudo[0] + pseudo[1] +
		      sum_bytes(image + s->at4, shape->bytes - s->at4);
}

/* Nothing in the payload that compresses or repeats; the signature's place stays zero. */
static void image_payload(const struct stream *s, uint8_t *image, unsigned end)
{
	for (unsigned i = s->end; i < end; i++)
		image[i] = (uint8_t)(number_mix(s->seed + i / 8) >> (i % 8 * 8));
}

static int shape_make(const struct stream *s, struct shape *shape, uint32_t frame,
		      struct wrong *wrong)
{
	uint32_t least = stream_frame_min(s);
	unsigned end = frame - FCS - SIGNATURE_BYTES;

	if (frame < least)
		return wrong_say(wrong,
				 "a frame of %u bytes: too short for the headers, %d bytes of "
				 "signature and the FCS: at least %u",
				 frame, SIGNATURE_BYTES, least);
	free(shape->image);
	*shape = (struct shape){ .bytes = (uint16_t)(frame - FCS) };
	shape->lines = (uint16_t)((end + LINE - 1) / LINE);
	shape->image = aligned_alloc(LINE, (shape->bytes + LINE - 1) / LINE * LINE);
	if (shape->image == NULL) {
		wrong_say(wrong, "no memory");
		return -ENOMEM;
	}
	memset(shape->image, 0, (shape->bytes + LINE - 1) / LINE * LINE);
	image_payload(s, shape->image, end);
	image_headers(s, shape->image, shape->bytes);
	image_fields(s, shape->image);
	shape_sum(s, shape);
	return 0;
}

int stream_begin(struct stream *s, struct stream_spec *spec, const uint8_t mac[6], uint64_t seed,
		 struct wrong *wrong)
{
	uint32_t weights[MIX_PARTS];
	int err;

	memset(s, 0, sizeof(*s));
	s->spec = spec;
	s->seed = seed;
	memcpy(s->mac, mac, sizeof(s->mac));
	err = layout_make(s, wrong);
	if (err != 0)
		return err;
	vary_make(s);
	flows_choose(s);
	if (spec->mix.n == 0)
		mix_add(&spec->mix, stream_frame_min(s), 1, wrong);
	for (; s->shapes < spec->mix.n; s->shapes++) {
		weights[s->shapes] = spec->mix.part[s->shapes].weight;
		err = shape_make(s, &s->shape[s->shapes], spec->mix.part[s->shapes].frame, wrong);
		if (err != 0)
			return err;
	}
	s->turn_of = calloc(MIX_TURNS, sizeof(*s->turn_of));
	if (s->turn_of == NULL) {
		wrong_say(wrong, "no memory");
		return -ENOMEM;
	}
	err = mix_turns(weights, s->shapes, s->turn_of, wrong);
	if (err < 0)
		return err;
	s->turns = (unsigned)err;
	return stream_rewind(s, 0, wrong);
}

void stream_end(struct stream *s)
{
	for (unsigned i = 0; i <= MIX_PARTS; i++)
		free(s->shape[i].image);
	free(s->turn_of);
	memset(s, 0, sizeof(*s));
}

uint32_t stream_frame_min(const struct stream *s)
{
	uint32_t least = s->end + SIGNATURE_BYTES + FCS;

	return least > MIX_FRAME_MIN ? least : MIX_FRAME_MIN;
}

uint32_t stream_frame_longest(const struct stream *s)
{
	uint32_t longest = 0;

	for (unsigned i = 0; i < s->spec->mix.n; i++)
		if (s->spec->mix.part[i].frame > longest)
			longest = s->spec->mix.part[i].frame;
	return longest;
}

int stream_rewind(struct stream *s, uint32_t frame, struct wrong *wrong)
{
	s->turn = 0;
	s->flow = s->number = 0;
	s->built = s->accepted = 0;
	s->alone = frame != 0;
	for (unsigned i = 0; i < s->varying; i++) {
		s->vary[i].turn = 0;
		s->vary[i].value = s->vary[i].field->first;
	}
	if (frame == 0 || s->shape[MIX_PARTS].bytes == frame - FCS)
		return 0;
	return shape_make(s, &s->shape[MIX_PARTS], frame, wrong);
}
