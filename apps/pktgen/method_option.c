/* SPDX-License-Identifier: BSD-3-Clause */
/* Method option: what stands on the command line for one method, and is nothing to the others. */
#include <stdio.h>
#include <string.h>

#include "method_option.h"

/* Stands before each method's own parser. */
static error_t option_take(int key, char *arg, struct argp_state *state)
{
	struct method_option *own = state->input;
	const struct argp *argp = own->method->argp;

	for (const struct argp_option *o = argp->options; o->name != NULL; o++)
		if (o->key == key)
			own->given = o->name;
	return argp->parser(key, arg, state);
}

void method_options_begin(struct method_options *m)
{
	*m = (struct method_options){ 0 };
	for (unsigned i = 0; methods[i] != NULL && m->n < METHODS_MAX; i++) {
		if (methods[i]->argp == NULL)
			continue;
		m->of[m->n].method = methods[i];
		m->argp[m->n] = *methods[i]->argp;
		m->argp[m->n].parser = option_take;
		m->children[m->n] =
			(struct argp_child){ &m->argp[m->n], 0, methods[i]->title, 7 + (int)i };
		m->n++;
	}
}

void method_options_init(struct method_options *m, const struct argp_state *state)
{
	for (unsigned i = 0; i < m->n; i++)
		state->child_inputs[i] = &m->of[i];
}

void method_options_check(const struct method_options *m, const struct method *chosen,
			  const struct argp_state *state)
{
	for (unsigned i = 0; i < m->n; i++)
		if (m->of[i].given != NULL && m->of[i].method != chosen)
			argp_error(state, "--%s: says nothing to --method %s: --method %s?",
				   m->of[i].given, chosen->name, m->of[i].method->name);
}

void method_without_check(const struct method *chosen, const char *option,
			  const struct argp_state *state)
{
	for (const struct method_without *w = chosen->without; w != NULL && w->option != NULL; w++)
		if (strcmp(w->option, option) == 0)
			argp_error(state, "--%s: says nothing to --method %s: %s", option,
				   chosen->name, w->why);
}

const struct method *method_take(const struct argp_state *state, const char *text)
{
	const struct method *method = method_find(text);
	char names[200] = "";

	if (method != NULL)
		return method;
	for (unsigned i = 0; methods[i] != NULL; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
			 i > 0 ? ", " : "", methods[i]->name);
	argp_error(state, "--method %s: must be one of %s", text, names);
	return methods[0];
}
