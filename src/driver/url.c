/* The parts of a url, cut out of a copy of it in the caller's arena. */
#include "driver/url.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

#define HOST_MAX 255
#define PORT_MAX 65535

/* ---- places ---- */

static int take_port(struct arena *arena, const char *text, const char *fallback, const char **ret_port,
                     struct error *error)
{
	int64_t port;

	if (text == NULL) {
		*ret_port = fallback;
		return 0;
	}
	if (text_parse_number(text, &port) != 0 || port < 1 || port > PORT_MAX)
		return error_set(error, ERR_INVALID, "it has a port that is no number from 1 to %d", PORT_MAX);
	*ret_port = arena_format(arena, "%lld", (long long)port);
	return *ret_port != NULL ? 0 : error_no_memory(error);
}

/* The bytes are changed. */
static int take_place(struct arena *arena, char *bytes, const char *fallback_port, struct place *ret_place,
                      struct error *error)
{
	struct place place = {.host = bytes};
	char *end = strchr(bytes, ':'), *port = NULL;
	int rc;

	if (bytes[0] == '[') {
		place.host = bytes + 1;
		end = strchr(bytes, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return error_set(error, ERR_INVALID, "it has a bracket without its end");
		if (end[1] == ':')
			port = end + 2;
		*end = '\0';
	} else if (end != NULL) {
		*end = '\0';
		port = end + 1;
	}
	if (place.host[0] == '\0' || strlen(place.host) > HOST_MAX)
		return error_set(error, ERR_INVALID, "it has a host of no bytes, or of more than %d", HOST_MAX);
	rc = take_port(arena, port, fallback_port, &place.port, error);
	if (rc == 0)
		*ret_place = place;
	return rc;
}

int url_parse_place(struct arena *arena, const char *text, const char *default_port, struct place *ret_place,
                    struct error *error)
{
	char *bytes = arena_text(arena, text);

	return bytes == NULL ? error_no_memory(error) : take_place(arena, bytes, default_port, ret_place, error);
}

static int take_places(struct arena *arena, char *list, const char *default_port, struct url *url, struct error *error)
{
	char *next;

	for (; list != NULL && list[0] != '\0'; list = next) {
		int rc;

		if (url->place_count == URL_PLACES_MAX)
			return error_set(error, ERR_INVALID, "it has more than %d hosts", URL_PLACES_MAX);
		next = strchr(list, ',');
		if (next != NULL)
			*next++ = '\0';
		rc = take_place(arena, list, default_port, &url->places[url->place_count], error);
		if (rc != 0)
			return rc;
		url->place_count++;
	}
	return 0;
}

/* ---- the whole ---- */

static bool decode(char *bytes)
{
	const long length = text_percent_decode(bytes, strlen(bytes), false);

	if (length >= 0)
		bytes[length] = '\0';
	return length >= 0;
}

static int take_login(char *bytes, struct url *url, struct error *error)
{
	char *password = strchr(bytes, ':');

	if (password == NULL)
		return error_set(error, ERR_INVALID, "it names no password");
	*password++ = '\0';
	if (!decode(bytes) || !decode(password))
		return error_set(error, ERR_INVALID, "its user and password are not percent-encoded");
	if (password[0] == '\0')
		return error_set(error, ERR_INVALID, "it has an empty password");
	url->user = bytes;
	url->password = password;
	return 0;
}

int url_parse(struct arena *arena, const char *text, const char *scheme, const char *default_port, struct url *ret_url,
              struct error *error)
{
	struct url url = {.rest = ""};
	char *bytes = arena_text(arena, text + strlen(scheme)), *places, *rest;
	int rc;

	if (bytes == NULL)
		return error_no_memory(error);
	places = strrchr(bytes, '@');
	if (places == NULL)
		return error_set(error, ERR_INVALID, "it names no user and password");
	*places++ = '\0';
	rest = strpbrk(places, "/?#");
	if (rest != NULL) {
		url.rest = arena_text(arena, rest);
		*rest = '\0';
	}
	rc = take_login(bytes, &url, error);
	if (rc == 0)
		rc = take_places(arena, places, default_port, &url, error);
	if (rc == 0 && arena_failed(arena))
		rc = error_no_memory(error);
	if (rc == 0)
		*ret_url = url;
	return rc;
}
