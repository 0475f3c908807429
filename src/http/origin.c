/* A browser that knows an operator's credentials sends them along with whatever a page of any site has it send. Two
 * things tell such a request: what a browser says of its origin (Origin, RFC 6454; Sec-Fetch-Site), which no page can
 * change, and its body's type: a page can send a form anywhere, but JSON only after the browser asked us, by an
 * OPTIONS, to which we never say yes. */
#include "http/origin.h"

#include <string.h>
#include <strings.h>

#include "http/body.h"

static bool changes_something(const char *method)
{
	return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0 && strcmp(method, "OPTIONS") != 0;
}

/* The scheme is not compared: who ends TLS before us is not known here. "null" has none. */
static bool is_own_origin(const char *origin, const char *host)
{
	const char *authority = strstr(origin, "://");

	return authority != NULL && host != NULL && strcasecmp(authority + 3, host) == 0;
}

static bool is_own_site(const char *site)
{
	return strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
}

static int check_header(const struct header *header, const char *host, struct error *error)
{
	if (strcasecmp(header->name, "Origin") == 0 && !is_own_origin(header->value, host))
		return error_set(error, ERR_FORBIDDEN,
		                 "the request comes from a page of \"%.200s\"; only \"%.200s\" itself may send it",
		                 header->value, host != NULL ? host : "");
	if (strcasecmp(header->name, "Sec-Fetch-Site") == 0 && !is_own_site(header->value))
		return error_set(error, ERR_FORBIDDEN,
		                 "the request comes from a page of another site (Sec-Fetch-Site: %.100s)",
		                 header->value);
	return 0;
}

int origin_check(const struct head *head, struct error *error)
{
	int rc = 0;

	if (!changes_something(head->method))
		return 0;
	for (size_t i = 0; rc == 0 && i < head->header_count; i++)
		rc = check_header(&head->headers[i], head->host, error);
	if (rc != 0)
		return rc;
	if (body_type_is(head->content_type, "application/json"))
		return 0;
	return error_set(
	    error, ERR_MEDIA,
	    "a %s needs the header \"Content-Type: application/json\", also without a body; it has \"%.100s\"",
	    head->method, head->content_type != NULL ? head->content_type : "");
}
