/* Who asks: tsuru's user and event, the request id and the trace, from headers and fields. */
#ifndef API_CALLER_H
#define API_CALLER_H

#include <stdbool.h>

#include "base/error.h"
#include "requests/request.h"

#define USER_MAX        255 /* bytes */
#define EVENT_MAX       128
#define REQUEST_ID_MAX  128
#define TRACE_ID_LENGTH 32

struct http_request;
struct secret_ids;

/* What it points to lives until the reply; a request without an id gets one of ids, or that of the broker that passed
 * it on. ERR_INVALID names a header or field that is too long or not clean. */
int caller_read(struct http_request *http, struct secret_ids *ids, struct caller *ret_caller, struct error *error);

/* An on_wrong_login of http/http.h: tsuru shows the sentence to its users, who cannot mend it. */
void caller_explain_wrong_login(const struct http_request *http, struct error *error);

/* The client's X-Request-Id; NULL when there is none, or one that is not fit for a log. */
const char *caller_request_id(const struct http_request *http);
/* 1 to REQUEST_ID_MAX bytes of visible ASCII. */
bool caller_is_request_id(const char *text);
/* The trace id of a W3C traceparent (https://www.w3.org/TR/trace-context/): false, and nothing is written, when text
 * is none. Needs TRACE_ID_LENGTH + 1 bytes. */
bool caller_parse_trace(const char *text, char *ret_trace);

#endif
