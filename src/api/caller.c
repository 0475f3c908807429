/* Who asks. Headers win over fields: on commands that tsuru passes through it sets them itself, while the body is the
 * user's own. */
#include "api/caller.h"

#include <string.h>

#include "api/field.h"
#include "base/secret.h"
#include "http/http.h"
#include "model/service.h"

#define TRACEPARENT_LENGTH 55 /* of version 00; later ones may go on behind a '-' */

bool caller_is_request_id(const char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++) {
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	}
	return length > 0 && length <= REQUEST_ID_MAX;
}

const char *caller_request_id(const struct http_request *http)
{
	const char *given = http_request_header(http, "X-Request-Id");

	return given != NULL && caller_is_request_id(given) ? given : NULL;
}

/* Whether text begins with length lower-case hex digits, not all of them zero unless may_be_zero. */
static bool is_hex(const char *text, size_t length, bool may_be_zero)
{
	return strspn(text, "0123456789abcdef") >= length && (may_be_zero || strspn(text, "0") < length);
}

bool caller_parse_trace(const char *text, char *ret_trace)
{
	size_t length = strlen(text);

	if (length < TRACEPARENT_LENGTH || text[2] != '-' || text[35] != '-' || text[52] != '-')
		return false;
	if (!is_hex(text, 2, true) || strncmp(text, "ff", 2) == 0)
		return false;
	if (!is_hex(text + 3, TRACE_ID_LENGTH, false) || !is_hex(text + 36, 16, false) || !is_hex(text + 53, 2, true))
		return false;
	if (length > TRACEPARENT_LENGTH && (strncmp(text, "00", 2) == 0 || text[TRACEPARENT_LENGTH] != '-'))
		return false;
	memcpy(ret_trace, text + 3, TRACE_ID_LENGTH);
	ret_trace[TRACE_ID_LENGTH] = '\0';
	return true;
}

static const char *read_trace(struct http_request *http)
{
	const char *given = http_request_header(http, "traceparent");
	char trace[TRACE_ID_LENGTH + 1];

	if (given == NULL || !caller_parse_trace(given, trace))
		return NULL;
	return arena_text(http_request_arena(http), trace);
}

static const char *read_repeat(const struct http_request *http)
{
	const struct http_forwarded *forwarded = http_request_forwarded(http);

	return forwarded != NULL ? forwarded->id : NULL;
}

static const char *read_request_id(struct http_request *http, struct secret_ids *ids)
{
	const char *given = caller_request_id(http);
	char made[SECRET_ID_LENGTH + 1];

	if (given == NULL)
		given = read_repeat(http);
	if (given != NULL)
		return given;
	secret_ids_next(ids, made);
	return arena_text(http_request_arena(http), made);
}

static int read_either(const struct http_request *http, const char *header, const char *field, size_t max,
                       const char **ret_value, struct error *error)
{
	const char *value = NULL;
	int rc = field_header(http, header, max, &value, error);

	if (rc == 0 && value == NULL)
		rc = field_text(http, field, max, &value, error);
	if (rc == 0)
		*ret_value = value;
	return rc;
}

int caller_read(struct http_request *http, struct secret_ids *ids, struct caller *ret_caller, struct error *error)
{
	struct caller caller = {
	    .request = read_request_id(http, ids), .trace = read_trace(http), .repeat = read_repeat(http)};
	int rc;

	if (arena_failed(http_request_arena(http)))
		return error_no_memory(error);
	rc = read_either(http, "X-Tsuru-User", "user", USER_MAX, &caller.user, error);
	if (rc == 0)
		rc = read_either(http, "X-Tsuru-Eventid", "eventid", EVENT_MAX, &caller.event, error);
	if (rc == 0)
		*ret_caller = caller;
	return rc;
}

void caller_explain_wrong_login(const struct http_request *http, struct error *error)
{
	const struct service *service = http_request_site(http)->owner;

	error_set(
	    error, ERR_UNAUTHORIZED,
	    "tsuru's password for the service \"%s\" is wrong, or its user; tell those who run tsuru: it must log in "
	    "with what the broker's configuration says of this service",
	    service->name);
}
