/* Answers of the upstream, by table. The statuses of 4xx that may pass are named in it; all others are the upstream's
 * final "no". */
#include "outcome.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"

#define DESCRIPTION_MAX 200 /* bytes of the upstream's own words in a message */

const char *verb_method(enum osb_verb verb)
{
	static const char *const methods[] = {
	    [VERB_FETCH] = "GET", [VERB_MAKE] = "PUT", [VERB_CHANGE] = "PATCH", [VERB_REMOVE] = "DELETE"};

	return methods[verb];
}

static const char *text_of(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* What a person may be shown of an answer. */
static const char *description_of(const cJSON *answer)
{
	const char *description = text_of(answer, "description");

	if (description == NULL)
		description = text_of(answer, "error");
	return description != NULL && text_is_clean(description, strlen(description)) ? description : "";
}

static void fail_by_status(struct outcome *outcome, int code, int status)
{
	const char *description = description_of(outcome->answer);

	outcome->kind = OUTCOME_FAILED;
	error_set(&outcome->error, code, "it answered %d%s%.*s", status, description[0] != '\0' ? ": " : "",
	          DESCRIPTION_MAX, description);
}

/* ---- requests ---- */

struct osb_refusal {
	int status;
	const char *reason; /* its "error"; NULL: any */
	int code;
};

static const struct osb_refusal refusals[] = {
    {401, NULL, ERR_UNAVAILABLE}, /* the broker's credentials: the operator will mend them */
    {403, NULL, ERR_UNAVAILABLE},
    {408, NULL, ERR_TIMEOUT}, /* it has not read the request, so there is no orphan */
    {422, "AsyncRequired", ERR_BUSY},
    {422, "ConcurrencyError", ERR_BUSY},
    {429, NULL, ERR_BUSY},
};

static int refusal_code(int status, const cJSON *answer)
{
	const char *reason = text_of(answer, "error");

	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		const struct osb_refusal *refusal = &refusals[i];

		if (refusal->status == status &&
		    (refusal->reason == NULL || (reason != NULL && strcmp(refusal->reason, reason) == 0)))
			return refusal->code;
	}
	return ERR_REFUSED;
}

static bool has_operation(const cJSON *answer, const char **ret_operation)
{
	const cJSON *operation = cJSON_GetObjectItemCaseSensitive(answer, "operation");
	const char *text = cJSON_GetStringValue(operation);

	if (operation != NULL && !cJSON_IsNull(operation) && (text == NULL || strlen(text) > OPERATION_MAX))
		return false;
	*ret_operation = text != NULL && text[0] != '\0' ? text : NULL;
	return true;
}

/* 200, 201 and 202 with a body that is not what it should be. */
static void fail_malformed(enum osb_verb verb, int status, struct outcome *outcome)
{
	/* A removal or a look may be repeated until the answer is good. */
	bool repeats = verb == VERB_REMOVE || verb == VERB_FETCH;

	outcome->kind = OUTCOME_FAILED;
	outcome->orphan = verb == VERB_MAKE && status != 200;
	error_set(&outcome->error, repeats ? ERR_UNAVAILABLE : ERR_REFUSED,
	          "it answered %d with a body that is not what the Open Service Broker API demands", status);
}

static void read_success(enum osb_verb verb, int status, struct outcome *outcome)
{
	bool accepts = status == 202 && verb != VERB_FETCH;

	if (status != 200 && !(status == 201 && verb == VERB_MAKE) && !accepts) {
		fail_by_status(outcome, verb == VERB_REMOVE ? ERR_UNAVAILABLE : ERR_REFUSED, status);
		outcome->orphan = verb == VERB_MAKE;
	} else if (!cJSON_IsObject(outcome->answer) ||
	           (accepts && !has_operation(outcome->answer, &outcome->operation))) {
		fail_malformed(verb, status, outcome);
	} else {
		outcome->kind = accepts ? OUTCOME_ACCEPTED : OUTCOME_DONE;
	}
}

void outcome_read(enum osb_verb verb, int status, const char *body, struct outcome *ret_outcome)
{
	*ret_outcome = (struct outcome){.answer = json_parse_value(body, strlen(body))};
	if (status >= 200 && status < 300)
		read_success(verb, status, ret_outcome);
	else if (status == 410 && verb == VERB_REMOVE)
		ret_outcome->kind = OUTCOME_DONE;
	else if (status == 404 && verb == VERB_FETCH)
		fail_by_status(ret_outcome, ERR_NOT_FOUND, status);
	else if (status >= 400 && status < 500)
		fail_by_status(ret_outcome, refusal_code(status, ret_outcome->answer), status);
	else {
		fail_by_status(ret_outcome, ERR_UNAVAILABLE, status);
		ret_outcome->orphan = verb == VERB_MAKE && status >= 500;
	}
}

/* ---- last_operation ---- */

void outcome_read_progress(enum osb_verb verb, int status, const char *body, struct outcome *ret_outcome)
{
	cJSON *answer = json_parse_value(body, strlen(body));
	const char *state = status == 200 ? text_of(answer, "state") : NULL;
	const char *description = description_of(answer);

	*ret_outcome = (struct outcome){.kind = OUTCOME_ACCEPTED, .answer = answer};
	if (status == 404) { /* that it ended was told, and the answer was lost: the request itself is repeated */
		fail_by_status(ret_outcome, ERR_UNAVAILABLE, status);
	} else if ((status == 410 && verb == VERB_REMOVE) || (state != NULL && strcmp(state, "succeeded") == 0)) {
		ret_outcome->kind = OUTCOME_DONE;
	} else if (state != NULL && strcmp(state, "failed") == 0) {
		ret_outcome->kind = OUTCOME_FAILED;
		ret_outcome->orphan = verb == VERB_MAKE;
		/* A removal is asked for again, for ever: nothing may stay. */
		error_set(&ret_outcome->error, verb == VERB_REMOVE ? ERR_UNAVAILABLE : ERR_REFUSED, "it failed%s%.*s",
		          description[0] != '\0' ? ": " : "", DESCRIPTION_MAX, description);
	}
}

static void wipe_texts(cJSON *item)
{
	cJSON *child;

	if (cJSON_IsString(item) || cJSON_IsRaw(item))
		secret_wipe(item->valuestring, strlen(item->valuestring));
	cJSON_ArrayForEach(child, item)
	{
		wipe_texts(child);
	}
}

void outcome_wipe(struct cJSON *answer)
{
	wipe_texts(answer);
	cJSON_Delete(answer);
}

void outcome_release(struct outcome *outcome)
{
	outcome_wipe(outcome->answer);
	*outcome = (struct outcome){0};
}
