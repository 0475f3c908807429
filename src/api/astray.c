/* Requests for what is not there. To tsuru 404 means that an instance or a bind is gone: it calls an update and an
 * unbind done, and says of a bind that the instance does not exist. So what went astray must not be answered so: a
 * service that was taken out of the configuration, or an endpoint that somebody mistyped. 404 stays for what a person
 * asks for by tsuru's proxy. */
#include "api/astray.h"

#include <string.h>

#include "api/handlers.h"
#include "model/model.h"

/* Whether the path is one of tsuru's own behind something that the endpoint has too much: "/v1/resources/mydb". */
static bool has_surplus(const char *path)
{
	for (path = strchr(path + 1, '/'); path != NULL; path = strchr(path + 1, '/')) {
		if (http_routes_have(api_routes, path))
			return true;
	}
	return false;
}

/* An endpoint with a '?' or a '#' keeps tsuru's path out of the request's. */
static bool is_cut_short(const struct http_request *http)
{
	const char *method = http_request_method(http), *path = http_request_path(http);

	return path[0] != '\0' && path[strlen(path) - 1] == '/' && strcmp(method, "GET") != 0 &&
	       strcmp(method, "HEAD") != 0 && strcmp(method, "OPTIONS") != 0;
}

/* A person asked for it by tsuru's proxy, and for nothing of tsuru's own. */
static bool is_open_to_users(const char *path)
{
	const size_t length = strlen(OPEN_TO_USERS);

	return strncmp(path, OPEN_TO_USERS, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

void astray_explain(const struct http_request *http, struct error *error)
{
	const struct http_site *site = http_request_site(http);
	const char *path = http_request_path(http);

	if (site == NULL)
		error_set(error, ERR_UNAVAILABLE,
		          "this broker has no service at \"%.200s\": the service is not in the broker's configuration, "
		          "or the "
		          "endpoint that tsuru has for it is wrong; nothing was done",
		          path);
	else if (is_open_to_users(path))
		error_set(
		    error, ERR_NOT_FOUND,
		    "the service \"%.100s\" has nothing at \"%.200s\"; what it has for everybody is " OPEN_TO_USERS
		    "/plans",
		    ((const struct service *)site->owner)->name, path);
	else if (has_surplus(path) || is_cut_short(http))
		error_set(error, ERR_UNAVAILABLE,
		          "the service \"%.100s\" has nothing at \"%.200s\": the endpoint that tsuru has for it is "
		          "wrong, it has to "
		          "lead to \"%.100s\"; nothing was done",
		          ((const struct service *)site->owner)->name, path, site->path);
}
