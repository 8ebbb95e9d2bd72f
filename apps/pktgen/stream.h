/* SPDX-License-Identifier: BSD-3-Clause */
/* Stream: packets of one kind, of several lengths, some of whose fields vary. */
#ifndef STREAM_H
#define STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "field.h"
#include "mix.h"
#include "signature.h"

struct rte_mbuf;

#define STREAM_NAME_BYTES 32
#define STREAM_WEIGHT_MAX 1000

enum stream_protocol {
	STREAM_UDP,
	STREAM_TCP,      /* lone segments with ACK set */
	STREAM_IP,       /* protocol 253, for experiments (RFC 3692) */
	STREAM_ETHERNET, /* type 0x88b5, for experiments (IEEE 802) */
	STREAM_PROTOCOLS,
};

/* What is wanted; zero means the default. */
struct stream_spec {
	char name[STREAM_NAME_BYTES];
	uint32_t weight; /* of its turns beside other streams; 1 */
	enum stream_protocol protocol;
	unsigned family; /* of IP: 4 or 6; that of its addresses, or 4 */
	struct mix mix;  /* of frames; 64 bytes, or as few as there may be */
	/*
	 * Numbered each for itself. A given number: all fields begin again after so
	 * many packets, so that a flow's headers are always the same. Default: as many
	 * as there are combinations of ranges and lists before they begin again, if
	 * these are no more than SIGNATURE_FLOWS and no field is random; else 1.
	 */
	uint32_t flows;
	struct field fields[FIELD_KINDS];
};

void stream_spec_end(struct stream_spec *spec);
/* "udp", ... */
const char *stream_protocol_name(enum stream_protocol protocol);

/* Frames of one length, without what varies. */
struct shape {
	uint8_t *image; /* whole lines */
	uint16_t bytes; /* without the FCS */
	uint16_t lines; /* of 64 bytes, up to the signature */
	uint64_t sum3;  /* of the IPv4 header */
	uint64_t sum4;  /* of pseudo-header, header and payload */
};

struct vary {
	const struct field *field;
	enum field_kind kind;
	uint16_t at;
	uint8_t bytes;            /* 2, 4, 6 or 16 */
	bool in3, in4;            /* which checksums it is under */
	uint64_t turn;            /* below the field's count if it is a range or list */
	struct field_value value; /* of a range, next */
};

/* One thread's, on one port. */
struct stream {
	struct stream_spec *spec;
	uint64_t seed;
	uint8_t mac[6]; /* source, if the field is not given */
	unsigned family;
	uint16_t at3, at4, end;  /* where the headers begin; where the last ends */
	uint16_t check3, check4; /* where the checksums are; 0: none */
	unsigned shapes;
	struct shape shape[MIX_PARTS + 1]; /* the last: of a length that a trial asks for */
	bool alone;                        /* that one is all that is used */
	unsigned turns;
	uint16_t *turn_of; /* shapes, turn by turn */
	unsigned varying;
	struct vary vary[FIELD_KINDS];
	uint32_t flows, flow_first;
	bool restart; /* fields begin again with the flows */
	/* Where it is. */
	unsigned turn;
	uint32_t flow, number;
	uint64_t built;
	uint64_t accepted; /* by the driver: the first so many built */
};

/* spec stays the caller's and must outlive it. 0, -EINVAL or -ENOMEM, and stream_end() then too. */
int stream_begin(struct stream *s, struct stream_spec *spec, const uint8_t mac[6], uint64_t seed,
		 struct wrong *wrong);
void stream_end(struct stream *s);

/* Bytes with the FCS below which the headers and the signature have no room. */
uint32_t stream_frame_min(const struct stream *s);
/* Of its longest frame. */
uint32_t stream_frame_longest(const struct stream *s);

/* To the first packet of a trial with frames of one length, or (0) its own. As stream_begin(). */
int stream_rewind(struct stream *s, uint32_t frame, struct wrong *wrong);

/*
 * The next packet at `data`, which has room for whole lines of 64 bytes.
 * Returns its bytes without the FCS.
 */
uint16_t stream_write(struct stream *s, uint8_t *data, uint32_t key, uint64_t tsc);
/* The same into n mbufs as they come from the pool. */
void stream_fill(struct stream *s, struct rte_mbuf **mbufs, unsigned n, uint32_t key, uint64_t tsc);
/* It goes later than was thought: the time in it, and what depends on that. */
void stream_restamp(const struct stream *s, uint8_t *data, uint16_t bytes, uint64_t tsc);

#endif
