/* SPDX-License-Identifier: BSD-3-Clause */
/* Peer: the port at the other end, which the two tell each other by UDP how to reach. */
#include "pp_peer.h"
#include "pp_fail.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAGIC 0x50505631 /* "PPV1" */
/* That are read at a time: the thread is EAL's, and has others to serve. */
#define HELLOS_MAX 64

struct hello {
	uint32_t magic, qpn, qkey, frame, heard;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* A RoCE address is an IPv6 address, or an IPv4 one in that form. */
static int address_parse(const char *text, struct in6_addr *address)
{
	struct in_addr v4;

	if (inet_pton(AF_INET6, text, address) == 1)
		return 0;
	if (inet_pton(AF_INET, text, &v4) != 1)
		return pp_fail(-EINVAL, "peer=%s: neither an IPv4 nor an IPv6 address", text);
	memset(address, 0, sizeof(*address));
	memset(&address->s6_addr[10], 0xff, 2);
	memcpy(&address->s6_addr[12], &v4, sizeof(v4));
	return 0;
}

static unsigned address_kind(const union ibv_gid *gid)
{
	const struct in6_addr *address = (const struct in6_addr *)gid;

	return IN6_IS_ADDR_V4MAPPED(address) ? 4 : IN6_IS_ADDR_LINKLOCAL(address) ? 5 : 6;
}

int pp_peer_find(struct pp_peer *peer, const char *address)
{
	struct ibv_port_attr attr;
	struct ibv_gid_entry entry;
	int rc = address_parse(address, (struct in6_addr *)&peer->other);

	if (rc)
		return rc;
	if (ibv_query_port(peer->pd->context, peer->port, &attr))
		return pp_fail(-EINVAL, "there is no port %u", peer->port);
	for (int i = 0; i < attr.gid_tbl_len && i <= UINT8_MAX; i++) {
		if (ibv_query_gid_ex(peer->pd->context, peer->port, (uint32_t)i, &entry, 0) ||
		    entry.gid_type != IBV_GID_TYPE_ROCE_V2 ||
		    address_kind(&entry.gid) != address_kind(&peer->other))
			continue;
		peer->gid_index = (uint8_t)i;
		peer->self = entry.gid;
		peer->ifindex = entry.ndev_ifindex;
		return 0;
	}
	return pp_fail(-EADDRNOTAVAIL,
		       "peer=%s: the device has no RoCE v2 address of that kind: ip addr add, on "
		       "the interface below it",
		       address);
}

static struct sockaddr_in6 address_of(const struct pp_peer *peer, const union ibv_gid *gid)
{
	struct sockaddr_in6 address = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(peer->udp),
		.sin6_scope_id = address_kind(gid) == 5 ? peer->ifindex : 0,
	};

	memcpy(&address.sin6_addr, gid, sizeof(address.sin6_addr));
	return address;
}

int pp_peer_open(struct pp_peer *peer)
{
	struct sockaddr_in6 self = address_of(peer, &peer->self);
	int no = 0, ifindex = (int)peer->ifindex, error;

	peer->fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (peer->fd >= 0 && !setsockopt(peer->fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no)) &&
	    !setsockopt(peer->fd, SOL_SOCKET, SO_BINDTOIFINDEX, &ifindex, sizeof(ifindex)) &&
	    !bind(peer->fd, (struct sockaddr *)&self, sizeof(self)))
		return 0;
	error = errno;
	if (peer->fd >= 0)
		close(peer->fd);
	peer->fd = -1;
	return pp_fail(-error, "no socket for UDP port %u to find the peer with: %s", peer->udp,
		       strerror(error));
}

static void peer_tell(const struct pp_peer *peer, uint32_t qpn)
{
	struct sockaddr_in6 other = address_of(peer, &peer->other);
	struct hello hello = {
		.magic = htonl(MAGIC),
		.qpn = htonl(qpn),
		.qkey = htonl(peer->qkey),
		.frame = htonl(peer->frame),
		.heard = htonl(peer->way ? peer->way->qpn : 0),
	};

	/* What is lost is sent again. */
	(void)!sendto(peer->fd, &hello, sizeof(hello), 0, (struct sockaddr *)&other, sizeof(other));
}

static void peer_lose(struct pp_peer *peer)
{
	__atomic_store_n(&peer->way, NULL, __ATOMIC_RELEASE);
}

/* A new address handle each time: the peer may be another machine by now. The
 * one before last is not in use: it was replaced long ago. */
static void peer_gain(struct pp_peer *peer, const struct hello *hello)
{
	struct pp_peer_way *way = &peer->ways[peer->turn ^ 1];
	struct ibv_ah_attr attr = {
		.is_global = 1,
		.port_num = peer->port,
		.grh = { .dgid = peer->other, .sgid_index = peer->gid_index, .hop_limit = 64 },
	};

	if (peer->way && peer->way->qpn == ntohl(hello->qpn) &&
	    peer->way->qkey == ntohl(hello->qkey) && peer->way->frame == ntohl(hello->frame))
		return;
	if (way->ah)
		ibv_destroy_ah(way->ah);
	way->ah = ibv_create_ah(peer->pd, &attr);
	if (!way->ah)
		return;
	way->qpn = ntohl(hello->qpn);
	way->qkey = ntohl(hello->qkey);
	way->frame = ntohl(hello->frame);
	peer->turn ^= 1;
	__atomic_store_n(&peer->way, way, __ATOMIC_RELEASE);
}

/* Only the last counts: the ways are of one that is used and one that was, not of three. */
static void peer_hear(struct pp_peer *peer)
{
	struct sockaddr_in6 from = { 0 }, other = address_of(peer, &peer->other);
	struct hello hello, last = { 0 };

	for (unsigned i = 0; i < HELLOS_MAX; i++) {
		socklen_t bytes = sizeof(from);
		ssize_t n = recvfrom(peer->fd, &hello, sizeof(hello), 0, (struct sockaddr *)&from,
				     &bytes);

		/* An ICMP error says that nobody listens there: so does silence. */
		if (n < 0 && errno == ECONNREFUSED)
			continue;
		if (n < 0)
			break;
		if (n != sizeof(hello) || hello.magic != htonl(MAGIC) ||
		    memcmp(&from.sin6_addr, &other.sin6_addr, sizeof(other.sin6_addr)) ||
		    from.sin6_port != other.sin6_port)
			continue;
		last = hello;
	}
	if (!last.magic)
		return;
	peer->heard_ms = now_ms();
	peer->known = last.heard == htonl(peer->qpn);
	if (last.qpn)
		peer_gain(peer, &last);
	else
		peer_lose(peer);
}

bool pp_peer_talk(struct pp_peer *peer)
{
	peer_hear(peer);
	if (peer->way && now_ms() - peer->heard_ms > PP_PEER_SILENCE_MS)
		peer_lose(peer);
	peer_tell(peer, peer->qpn);
	return pp_peer_is_up(peer);
}

void pp_peer_close(struct pp_peer *peer)
{
	peer_lose(peer);
	if (peer->fd >= 0) {
		peer_tell(peer, 0);
		close(peer->fd);
	}
	peer->fd = -1;
	for (unsigned i = 0; i < 2; i++) {
		if (peer->ways[i].ah)
			ibv_destroy_ah(peer->ways[i].ah);
		peer->ways[i].ah = NULL;
	}
}
