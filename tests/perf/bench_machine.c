/* SPDX-License-Identifier: BSD-3-Clause */
/* Machine: where it was measured, and with what. */
#include "bench.h"

#include <cpuid.h>
#include <rte_cycles.h>
#include <rte_version.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static void machine_describe_cpu(char *cpu, size_t size)
{
	unsigned regs[12], eax = 0, ebx = 0, ecx = 0, edx = 0, family, model;
	char brand[sizeof(regs) + 1] = "";
	const char *name = brand;

	for (unsigned i = 0; i < 3; i++)
		if (__get_cpuid(0x80000002 + i, &eax, &ebx, &ecx, &edx))
			memcpy(brand + i * 16, (unsigned[]){ eax, ebx, ecx, edx }, 16);
	brand[sizeof(regs)] = '\0';
	while (*name == ' ')
		name++;
	/* Under a hypervisor the name alone may say little. */
	__get_cpuid(1, &eax, &ebx, &ecx, &edx);
	family = (eax >> 8 & 15) + (eax >> 20 & 255);
	model = (eax >> 4 & 15) | (eax >> 12 & 0xf0);
	snprintf(cpu, size, "%s (family %u, model %u)%s", *name ? name : "x86-64 CPU", family,
		 model, ecx >> 31 ? ", a guest" : "");
}

void machine_describe(struct bench_machine *machine)
{
	struct utsname names;

	machine_describe_cpu(machine->cpu, sizeof(machine->cpu));
	if (uname(&names) == 0)
		snprintf(machine->kernel, sizeof(machine->kernel), "%s %s", names.sysname,
			 names.release);
#ifdef __clang__
	machine->compiler = __VERSION__;
#else
	machine->compiler = "GCC " __VERSION__;
#endif
	machine->dpdk = rte_version();
	machine->ghz = (double)rte_get_tsc_hz() / 1e9;
	machine->cpus = sysconf(_SC_NPROCESSORS_ONLN);
}
