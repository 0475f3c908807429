/* Sites and routes. The tables are small and in the order of the documentation; a linear walk that fails on the first
 * differing segment is as fast as anything cleverer. */
#include "http/route.h"

#include <string.h>

static size_t prefix_length(const char *prefix, const char *path)
{
	size_t length = strlen(prefix);

	if (length == 1)
		return 0; /* "/": everything is below it */
	if (strncmp(prefix, path, length) != 0 || (path[length] != '/' && path[length] != '\0'))
		return SIZE_MAX;
	return length;
}

const struct http_site *route_site(const struct http_site *sites, size_t count, const char *path,
                                   const char **ret_below)
{
	const struct http_site *best = NULL;
	size_t best_length = 0;

	for (size_t i = 0; i < count; i++) {
		size_t length = prefix_length(sites[i].path, path);
		if (length == SIZE_MAX || (best != NULL && length < best_length))
			continue;
		best = &sites[i];
		best_length = length;
	}
	if (best != NULL)
		*ret_below = path[best_length] == '\0' ? "/" : path + best_length;
	return best;
}

static void capture(struct route_match *match, const char *name, size_t name_length, const char *value,
                    size_t value_length)
{
	if (match->capture_count < CAPTURES_MAX)
		match->captures[match->capture_count++] = (struct capture){name, value, name_length, value_length};
}

static size_t segment_length(const char *path)
{
	return (size_t)(strchrnul(path, '/') - path);
}

static bool path_fits(const char *pattern, const char *path, struct route_match *match)
{
	match->capture_count = 0;
	while (*pattern == '/' && *path == '/') {
		size_t wanted = segment_length(++pattern);
		size_t given = segment_length(++path);
		if (wanted > 0 && pattern[0] == '{' && given == 0)
			return false;
		if (wanted > 0 && pattern[0] == '{')
			capture(match, pattern + 1, wanted - 2, path, given);
		else if (wanted != given || memcmp(pattern, path, given) != 0)
			return false;
		pattern += wanted;
		path += given;
	}
	return *pattern == '\0' && *path == '\0';
}

static bool method_fits(const char *served, const char *method)
{
	return strcmp(served, method) == 0 || (strcmp(served, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

/* The first pattern that fits has the path, with its methods alone: an instance called "plans" is none. */
void route_find(const struct http_route *routes, const char *method, const char *path, struct route_match *ret_match)
{
	const char *pattern = NULL;

	*ret_match = (struct route_match){0};
	for (const struct http_route *route = routes; route->method != NULL; route++) {
		if (pattern != NULL ? strcmp(pattern, route->pattern) != 0
		                    : !path_fits(route->pattern, path, ret_match))
			continue;
		pattern = route->pattern;
		ret_match->path_known = true;
		if (method_fits(route->method, method)) {
			ret_match->route = route;
			return;
		}
	}
	ret_match->capture_count = 0;
}

bool http_routes_have(const struct http_route *routes, const char *path)
{
	struct route_match match;

	route_find(routes, "", path, &match);
	return match.path_known;
}

static bool any_served(const struct http_route *routes, const char *method)
{
	while (routes->method != NULL && !method_fits(routes->method, method))
		routes++;
	return routes->method != NULL;
}

static bool path_served(const struct http_route *routes, const char *method, const char *path)
{
	struct route_match match;

	if (path == NULL)
		return any_served(routes, method);
	route_find(routes, method, path, &match);
	return match.route != NULL;
}

void route_allow(const struct http_route *routes, const char *path, char *allow, size_t size)
{
	static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
	size_t used = 0;

	allow[0] = '\0';
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		size_t length = strlen(methods[i]);
		if (used + length + sizeof(", OPTIONS") >= size || !path_served(routes, methods[i], path))
			continue;
		memcpy(allow + used, methods[i], length);
		memcpy(allow + used + length, ", ", 3);
		used += length + 2;
	}
	if (size > used + sizeof("OPTIONS"))
		memcpy(allow + used, "OPTIONS", sizeof("OPTIONS"));
}
