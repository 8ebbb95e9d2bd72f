/* SPDX-License-Identifier: BSD-3-Clause */
/* Host: the addresses of the machine it runs on, or of its network namespace. */
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "host.h"

/* More of one kind are not looked at. */
#define ADDRESSES_MAX 64

struct addresses {
	unsigned n4, n6;
	uint32_t at4[ADDRESSES_MAX];
	uint8_t at6[ADDRESSES_MAX][16];
};

/* Who looks, looks at one while the other is being written; a second lies
 * between two changes, and a look takes less. */
static struct addresses tables[2];
static const struct addresses *now = &tables[0];

static void address_add(struct addresses *a, const struct sockaddr *address)
{
	if (address->sa_family == AF_INET && a->n4 < ADDRESSES_MAX)
		a->at4[a->n4++] = ((const struct sockaddr_in *)address)->sin_addr.s_addr;
	else if (address->sa_family == AF_INET6 && a->n6 < ADDRESSES_MAX)
		memcpy(a->at6[a->n6++], &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
}

void host_refresh(void)
{
	struct addresses *next = now == &tables[0] ? &tables[1] : &tables[0];
	struct ifaddrs *all;

	if (getifaddrs(&all) != 0)
		return;
	memset(next, 0, sizeof(*next));
	for (const struct ifaddrs *each = all; each != NULL; each = each->ifa_next)
		if (each->ifa_addr != NULL)
			address_add(next, each->ifa_addr);
	freeifaddrs(all);
	if (memcmp(next, now, sizeof(*next)) != 0)
		__atomic_store_n(&now, next, __ATOMIC_RELEASE);
}

bool host_has4(uint32_t address)
{
	const struct addresses *a = __atomic_load_n(&now, __ATOMIC_ACQUIRE);

	for (unsigned i = 0; i < a->n4; i++)
		if (a->at4[i] == address)
			return true;
	return false;
}

bool host_has6(const uint8_t address[16])
{
	const struct addresses *a = __atomic_load_n(&now, __ATOMIC_ACQUIRE);

	for (unsigned i = 0; i < a->n6; i++)
		if (memcmp(a->at6[i], address, 16) == 0)
			return true;
	return false;
}
