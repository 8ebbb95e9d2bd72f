/* SPDX-License-Identifier: BSD-3-Clause */
/* Telemetry-begin: who of this process's pktpool libraries answers for all of them. */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pp_telemetry_hub.h"

/* Names of what is loaded; opened after the walk, which holds a lock of the loader's. */
struct loaded {
	char **names;
	size_t n;
};

static int loaded_note(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct loaded *loaded = arg;
	char **names = realloc(loaded->names, (loaded->n + 1) * sizeof(*names));

	(void)size;
	if (!names)
		return 1;
	loaded->names = names;
	names[loaded->n] = strdup(info->dlpi_name);
	loaded->n += names[loaded->n] != NULL;
	return 0;
}

static bool object_join(const char *name, const struct pp_telemetry_source *source)
{
	static const char *const joins[] = PP_TELEMETRY_JOINS;
	void *object = dlopen(*name ? name : NULL, RTLD_LAZY | RTLD_NOLOAD);
	bool joined = false;

	if (!object)
		return false;
	for (size_t i = 0; !joined && i < sizeof(joins) / sizeof(joins[0]); i++) {
		int (*join)(const struct pp_telemetry_source *) = NULL;

		*(void **)&join = dlsym(object, joins[i]);
		joined = join && join(source) == 0;
	}
	dlclose(object);
	return joined;
}

static bool others_join(const struct pp_telemetry_source *source)
{
	struct loaded loaded = { 0 };
	bool joined = false;

	dl_iterate_phdr(loaded_note, &loaded);
	for (size_t i = 0; i < loaded.n; i++) {
		joined = joined || object_join(loaded.names[i], source);
		free(loaded.names[i]);
	}
	free(loaded.names);
	return joined;
}

void pp_telemetry_begin(void)
{
	const struct pp_telemetry_source *own = pp_telemetry_own();

	/* Not hub yet, so its own join refuses. */
	if (rte_telemetry_register_cmd && rte_tel_data_alloc && !others_join(own))
		pp_telemetry_register(own);
}
