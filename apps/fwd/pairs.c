/* SPDX-License-Identifier: BSD-3-Clause */
/* Pairs: which port's packets leave by which. */
#include <stdio.h>

#include "app.h"
#include "pairs.h"

static int pairs_of_neighbours(struct ports *ports)
{
	if (ports->n % 2 != 0) {
		complain("cross needs ports in pairs, there %s %u: one more --vdev or -a, or "
			 "--program reflect",
			 ports->n == 1 ? "is" : "are", ports->n);
		return APP_USAGE;
	}
	for (unsigned i = 0; i < ports->n; i++)
		ports->at[i].peer = i ^ 1;
	return APP_OK;
}

/* EAL numbers PCI ports before virtual ones, so taps are paired by their order among taps. */
static int pairs_of_taps(struct ports *ports)
{
	unsigned taps = 0, wires = 0, wire_at[PORTS_MAX], tap_at[PORTS_MAX];

	for (unsigned i = 0; i < ports->n; i++) {
		if (ports->at[i].tap)
			tap_at[taps++] = i;
		else
			wire_at[wires++] = i;
	}
	if (taps != wires || taps == 0) {
		complain("pass needs a net_tap port for every other port, there are %u for %u: "
			 "e.g. --vdev net_tap%u,iface=fwd%u",
			 taps, wires, taps, taps);
		return APP_USAGE;
	}
	for (unsigned i = 0; i < taps; i++) {
		ports->at[wire_at[i]].peer = tap_at[i];
		ports->at[tap_at[i]].peer = wire_at[i];
	}
	return APP_OK;
}

int pairs_make(struct ports *ports, enum program_way way)
{
	switch (way) {
	case WAY_ACROSS:
		return pairs_of_neighbours(ports);
	case WAY_KERNEL:
		return pairs_of_taps(ports);
	case WAY_NONE:
	case WAY_BACK:
		break;
	}
	for (unsigned i = 0; i < ports->n; i++)
		ports->at[i].peer = i;
	return APP_OK;
}

void pairs_print(const struct ports *ports, enum program_way way)
{
	for (unsigned i = 0; i < ports->n; i++) {
		const struct port *port = &ports->at[i];
		const struct port *peer = &ports->at[port->peer];

		printf("port %u is %s (%s)", port->id, port->name, port->driver);
		switch (way) {
		case WAY_NONE:
			printf(", what it receives is freed\n");
			break;
		case WAY_BACK:
			printf(", what it receives it sends back\n");
			break;
		case WAY_ACROSS:
		case WAY_KERNEL:
			printf(", what it receives leaves by port %u, %s\n", peer->id, peer->name);
			break;
		}
	}
}
