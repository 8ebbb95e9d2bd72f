/* SPDX-License-Identifier: BSD-3-Clause */
/* Plan file: a test file read into a plan, key by key. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "reader.h"

#define FILE_BYTES_MAX (4U << 20)

static int field_take(struct reader *r, const char *key, json_t *json, void *to)
{
	const char *text;
	struct wrong wrong;
	char number[24];
	int err;

	if (json_is_integer(json)) {
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(json));
		text = number;
	} else {
		err = reader_text(r, json, &text);
		if (err != 0)
			return err;
	}
	err = plan_field(to, key, text, &wrong);
	return err == -EINVAL ? reader_say(r, "%s: %s", key, wrong.text) : err;
}

static int fields_take(struct reader *r, json_t *json, void *to)
{
	return reader_each_key(r, json, field_take, to);
}

static int name_take(struct reader *r, json_t *json, void *to)
{
	const char *text;
	int err = reader_text(r, json, &text);

	if (err != 0)
		return err;
	if (strlen(text) >= STREAM_NAME_BYTES)
		return reader_say(r, "name: longer than %d characters", STREAM_NAME_BYTES - 1);
	strcpy(to, text);
	return 0;
}

static int stream_name(struct reader *r, json_t *json, void *to)
{
	return name_take(r, json, ((struct stream_spec *)to)->name);
}

static int stream_weight(struct reader *r, json_t *json, void *to)
{
	uint64_t weight;
	int err = reader_whole(r, json, 1, STREAM_WEIGHT_MAX, &weight);

	((struct stream_spec *)to)->weight = (uint32_t)weight;
	return err;
}

static int stream_protocol(struct reader *r, json_t *json, void *to)
{
	struct wrong wrong;
	const char *text;
	int err = reader_text(r, json, &text);

	if (err == 0 && plan_protocol(to, text, &wrong) != 0)
		return reader_say(r, "protocol: %s", wrong.text);
	return err;
}

static int stream_ip(struct reader *r, json_t *json, void *to)
{
	uint64_t family;
	int err = reader_whole(r, json, 4, 6, &family);

	if (err == 0 && family == 5)
		return reader_say(r, "ip: must be 4 or 6");
	((struct stream_spec *)to)->family = (unsigned)family;
	return err;
}

static int stream_flows(struct reader *r, json_t *json, void *to)
{
	uint64_t flows;
	int err = reader_whole(r, json, 1, SIGNATURE_FLOWS, &flows);

	((struct stream_spec *)to)->flows = (uint32_t)flows;
	return err;
}

static int stream_frame(struct reader *r, json_t *json, void *to)
{
	struct mix *mix = &((struct stream_spec *)to)->mix;
	struct wrong wrong;
	const char *text;
	int err;

	if (json_is_integer(json) && json_integer_value(json) >= 0) {
		mix->n = 0;
		err = mix_add(mix, (uint64_t)json_integer_value(json), 1, &wrong);
	} else {
		err = reader_text(r, json, &text);
		if (err != 0)
			return err;
		err = mix_parse(mix, text, &wrong);
	}
	return err == 0 ? 0 : reader_say(r, "frame: %s", wrong.text);
}

static int stream_take(struct reader *r, json_t *json, void *to)
{
	static const struct reader_key keys[] = {
		{ "name", stream_name },         { "weight", stream_weight },
		{ "protocol", stream_protocol }, { "ip", stream_ip },
		{ "frame", stream_frame },       { "flows", stream_flows },
		{ "fields", fields_take },       { NULL, NULL },
	};
	struct plan *plan = to;
	struct stream_spec *spec = &plan->stream[plan->streams];

	if (plan->streams == PLAN_STREAMS)
		return reader_say(r, "more than %d streams", PLAN_STREAMS);
	plan->streams++;
	spec->weight = 1;
	snprintf(spec->name, sizeof(spec->name), "stream %u", plan->streams);
	return reader_object(r, json, keys, spec);
}

static int streams_take(struct reader *r, json_t *json, void *to)
{
	return reader_array(r, json, stream_take, to);
}

static int pcap_file(struct reader *r, json_t *json, void *to)
{
	struct plan *plan = to;
	const char *text;
	int err = reader_text(r, json, &text);

	if (err != 0)
		return err;
	free(plan->pcap);
	plan->pcap = strdup(text);
	return plan->pcap != NULL ? 0 : -ENOMEM;
}

static int pcap_speed(struct reader *r, json_t *json, void *to)
{
	return reader_number(r, json, 1e-6, 1e6, &((struct plan *)to)->speed);
}

static int pcap_sign(struct reader *r, json_t *json, void *to)
{
	if (!json_is_boolean(json))
		return reader_say(r, "sign: must be true or false");
	((struct plan *)to)->sign = json_is_true(json);
	return 0;
}

static int pcap_take(struct reader *r, json_t *json, void *to)
{
	static const struct reader_key keys[] = {
		{ "file", pcap_file },
		{ "speed", pcap_speed },
		{ "sign", pcap_sign },
		{ NULL, NULL },
	};
	int err = reader_object(r, json, keys, to);

	if (err == 0 && ((struct plan *)to)->pcap == NULL)
		return reader_say(r, "pcap: it has no \"file\"");
	return err;
}

static int limit_take(struct reader *r, const char *key, json_t *json, void *to)
{
	enum limit limit = limit_find(key);
	struct limits *l = to;
	double low, high;

	if (limit == LIMITS)
		return reader_unknown(r, key,
				      "max_loss, max_duplicated, max_reordered, max_corrupt, "
				      "min_rx_pps, min_tx_pps, max_rate_error, max_p50_us, "
				      "max_p99_us, max_p999_us, max_latency_us");
	limit_range(limit, &low, &high);
	l->given |= 1U << limit;
	return reader_number(r, json, low, high, &l->value[limit]);
}

static int limits_take(struct reader *r, json_t *json, void *to)
{
	return reader_each_key(r, json, limit_take, to);
}

static int trial_name(struct reader *r, json_t *json, void *to)
{
	return name_take(r, json, ((struct plan_trial *)to)->name);
}

static int trial_rate(struct reader *r, json_t *json, void *to)
{
	struct wrong wrong;
	const char *text;
	int err = reader_text(r, json, &text);

	if (err == 0 && rate_parse(&((struct plan_trial *)to)->rate, text, &wrong) != 0)
		return reader_say(r, "rate %s: %s", text, wrong.text);
	return err;
}

static int trial_seconds(struct reader *r, json_t *json, void *to)
{
	return reader_number(r, json, PLAN_SECONDS_MIN, PLAN_SECONDS_MAX,
			     &((struct plan_trial *)to)->seconds);
}

static int trial_packets(struct reader *r, json_t *json, void *to)
{
	return reader_whole(r, json, 1, PLAN_PACKETS_MAX, &((struct plan_trial *)to)->packets);
}

static int trial_frame(struct reader *r, json_t *json, void *to)
{
	uint64_t frame;
	int err = reader_whole(r, json, MIX_FRAME_MIN, MIX_FRAME_MAX, &frame);

	((struct plan_trial *)to)->frame = (uint32_t)frame;
	return err;
}

static int trial_limits(struct reader *r, json_t *json, void *to)
{
	return limits_take(r, json, &((struct plan_trial *)to)->limits);
}

static int trial_take(struct reader *r, json_t *json, void *to)
{
	static const struct reader_key keys[] = {
		{ "name", trial_name },
		{ "rate", trial_rate },
		{ "seconds", trial_seconds },
		{ "packets", trial_packets },
		{ "frame", trial_frame },
		{ "limits", trial_limits },
		{ NULL, NULL },
	};
	struct plan *plan = to;
	struct plan_trial *t;
	int err;

	if (plan->trials == PLAN_TRIALS)
		return reader_say(r, "more than %d trials", PLAN_TRIALS);
	t = realloc(plan->trial, (plan->trials + 1) * sizeof(*t));
	if (t == NULL)
		return -ENOMEM;
	plan->trial = t;
	t += plan->trials++;
	*t = (struct plan_trial){ 0 };
	snprintf(t->name, sizeof(t->name), "trial %u", plan->trials);
	err = reader_object(r, json, keys, t);
	if (err == 0 && t->seconds == 0 && t->packets == 0 && plan->pcap == NULL)
		return reader_say(r, "%s: how long? \"seconds\" or \"packets\"", t->name);
	if (err == 0 && t->seconds != 0 && t->packets != 0)
		return reader_say(r, "%s: \"seconds\" and \"packets\": one of them", t->name);
	return err;
}

static int trials_take(struct reader *r, json_t *json, void *to)
{
	return reader_array(r, json, trial_take, to);
}

static int plan_seed(struct reader *r, json_t *json, void *to)
{
	return reader_whole(r, json, 0, INT64_MAX, &((struct plan *)to)->seed);
}

static int plan_limits(struct reader *r, json_t *json, void *to)
{
	return limits_take(r, json, &((struct plan *)to)->limits);
}

static void limits_spread(struct plan *plan)
{
	for (unsigned i = 0; i < plan->trials; i++) {
		struct limits *l = &plan->trial[i].limits;

		for (unsigned k = 0; k < LIMITS; k++)
			if ((plan->limits.given & ~l->given) >> k & 1)
				l->value[k] = plan->limits.value[k];
		l->given |= plan->limits.given;
		plan->limited |= l->given != 0;
	}
}

int plan_parse(struct plan *plan, const char *text, size_t bytes, const char *name,
	       struct wrong *wrong)
{
	/* In the order in which they are looked at: a trial asks whether there is a pcap file. */
	static const struct reader_key keys[] = {
		{ "seed", plan_seed },     { "pcap", pcap_take },     { "streams", streams_take },
		{ "limits", plan_limits }, { "trials", trials_take }, { NULL, NULL },
	};
	struct reader r;
	int err = reader_begin(&r, text, bytes, name, wrong);

	memset(plan, 0, sizeof(*plan));
	if (err == 0)
		err = reader_object(&r, r.root, keys, plan);
	if (err == 0 && plan->pcap != NULL && plan->streams != 0)
		err = reader_say(&r, "\"pcap\" and \"streams\": one of them");
	if (err == 0) {
		struct wrong inside;

		limits_spread(plan);
		err = plan_check(plan, &inside);
		if (err != 0)
			err = reader_say(&r, "%s", inside.text);
	}
	reader_end(&r);
	return err;
}

static int file_fail(const char *path, int err, struct wrong *wrong)
{
	wrong_say(wrong, "%s: %s", path, strerror(-err));
	return err;
}

/* A NUL behind it. */
static int file_read(const char *path, char *text, size_t *bytes, struct wrong *wrong)
{
	FILE *file = fopen(path, "re");
	int err = 0;

	if (file == NULL)
		return file_fail(path, -errno, wrong);
	*bytes = fread(text, 1, FILE_BYTES_MAX + 1, file);
	if (ferror(file))
		err = file_fail(path, -errno, wrong);
	else if (*bytes > FILE_BYTES_MAX)
		err = wrong_say(wrong, "%s: larger than %u MiB", path, FILE_BYTES_MAX >> 20);
	else
		text[*bytes] = '\0';
	fclose(file);
	return err;
}

int plan_read(struct plan *plan, const char *path, struct wrong *wrong)
{
	char *text = malloc(FILE_BYTES_MAX + 1);
	size_t bytes = 0;
	int err;

	memset(plan, 0, sizeof(*plan));
	if (text == NULL)
		return file_fail(path, -ENOMEM, wrong);
	err = file_read(path, text, &bytes, wrong);
	if (err == 0)
		err = plan_parse(plan, text, bytes, path, wrong);
	free(text);
	return err;
}
