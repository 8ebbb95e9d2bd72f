/* SPDX-License-Identifier: BSD-3-Clause */
/* Forms: the calls that hand over in other ways than into an array, each held as an array. */
#ifndef MODEL_FORMS_H
#define MODEL_FORMS_H

#include "model_calls.h"

/*
 * One of them, if one fits the call: what it came to, in *got. It may turn the call into a
 * burst, and say at which buffer it was stopped. False: none has run.
 */
bool form_run(struct model *model, struct call *call, uint32_t *got);

/* n by a callback that never stops it. */
uint32_t form_callback(struct model *model, uint32_t n, unsigned flags);

#endif
