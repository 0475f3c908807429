/* Checks of single values, for the tables of keys. Each error names the key, the value and what is allowed. */
#include <arpa/inet.h>
#include <string.h>

#include "base/log.h"
#include "base/network.h"
#include "base/text.h"
#include "config/reader.h"

#define NAME_MAX_BYTES  64 /* SERVER_NAME_MAX */
#define UNIX_PREFIX     "unix:"
#define SOCKET_PATH_MAX 107  /* bytes that a socket's address holds */
#define PASSWORD_MAX    1024 /* bytes */

/* "host:port", "[v6]:port" or ":port", where the host is numeric; or "unix:/path". */
bool split_listener(const char *text, struct arena *arena, struct listener *ret_listener)
{
	const char *colon = strrchr(text, ':');
	unsigned char address[16];
	int64_t port;
	char *host;

	if (strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0) {
		*ret_listener = (struct listener){.text = text, .path = text + strlen(UNIX_PREFIX)};
		return ret_listener->path[0] == '/' && strlen(ret_listener->path) <= SOCKET_PATH_MAX;
	}
	if (colon == NULL || text_parse_number(colon + 1, &port) != 0 || port < 0 || port > 65535)
		return false;
	if (colon == text)
		host = arena_text(arena, "0.0.0.0");
	else if (text[0] == '[' && colon > text + 1 && colon[-1] == ']')
		host = arena_bytes(arena, text + 1, (size_t)(colon - text) - 2);
	else
		host = arena_bytes(arena, text, (size_t)(colon - text));
	if (host == NULL || inet_pton(text[0] == '[' ? AF_INET6 : AF_INET, host, address) != 1)
		return false;
	*ret_listener = (struct listener){.text = text, .host = host, .port = (uint16_t)port};
	return true;
}

int check_listener(const char *name, const char *value, struct error *error)
{
	struct listener listener;
	struct arena arena;
	bool good;

	arena_init(&arena);
	good = split_listener(value, &arena, &listener);
	arena_release(&arena);
	if (good)
		return 0;
	return error_set(error, ERR_INVALID,
	                 "\"%s\" is \"%.100s\"; it must be ADDRESS:PORT with a numeric address, such as 0.0.0.0:8080, "
	                 "[::]:8080 or :8080, or unix:/PATH of at most %d bytes",
	                 name, value, SOCKET_PATH_MAX);
}

int check_service_name(const char *name, const char *value, struct error *error)
{
	const size_t length = strlen(value);

	if (length > 0 && length <= SERVICE_NAME_MAX && value[0] >= 'a' && value[0] <= 'z' &&
	    strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-") == length)
		return 0;
	return error_set(
	    error, ERR_INVALID,
	    "\"%s\" is \"%.100s\"; a service's name is a small letter and then small letters, digits and -, "
	    "%d at most in all",
	    name, value, SERVICE_NAME_MAX);
}

int check_name(const char *name, const char *value, struct error *error)
{
	const size_t length = strlen(value);

	if (length > 0 && length <= NAME_MAX_BYTES && strpbrk(value, " \t\r\n/") == NULL)
		return 0;
	return error_set(error, ERR_INVALID,
	                 "\"%s\" is \"%.100s\"; it must have 1 to %d bytes, without spaces and slashes", name, value,
	                 NAME_MAX_BYTES);
}

/* The value is not shown: somebody may have put a password into it. */
int check_url(const char *name, const char *value, struct error *error)
{
	const char *host = strncmp(value, "http://", 7) == 0    ? value + 7
	                   : strncmp(value, "https://", 8) == 0 ? value + 8
	                                                        : "";

	if (host[0] != '\0' && host[0] != '/' && host[0] != ':' && strpbrk(value, " \t\r\n@?#\\") == NULL)
		return 0;
	return error_set(error, ERR_INVALID,
	                 "\"%s\" must be http:// or https:// with a host and perhaps a path, without user, query and "
	                 "fragment",
	                 name);
}

int check_origin(const char *name, const char *value, struct error *error)
{
	const char *host = strstr(value, "://");

	if (check_url(name, value, NULL) == 0 && strchr(host + 3, '/') == NULL)
		return 0;
	return error_set(error, ERR_INVALID,
	                 "\"%s\" must be http:// or https:// with a host and perhaps a port, and nothing behind", name);
}

/* A password with a / in it would end the host, and the rest of it be sent to another. */
static bool has_at_sign_in_path(const char *origin)
{
	const char *path = origin + strcspn(origin, "/?");

	return memchr(path, '@', strcspn(path, "?")) != NULL;
}

/* Nor is this one. */
int check_postgres_url(const char *name, const char *value, struct error *error)
{
	const char *origin = strstr(value, "://");

	if (strncmp(value, "postgres://", 11) != 0 && strncmp(value, "postgresql://", 13) != 0)
		return error_set(error, ERR_INVALID, "\"%s\" must be a url like postgres://user@host:5432/database",
		                 name);
	if (has_at_sign_in_path(origin + 3))
		return error_set(error, ERR_INVALID,
		                 "\"%s\" has an @ behind the first / after its host: in a user, a password and a name "
		                 "of a database, / is written %%2F and @ is written %%40",
		                 name);
	return 0;
}

int check_path(const char *name, const char *value, struct error *error)
{
	static const char unreserved[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
	const size_t length = strlen(value);

	if (strcmp(value, "/") == 0)
		return 0;
	if (value[0] == '/' && value[length - 1] != '/' && strspn(value, unreserved) == length &&
	    strstr(value, "//") == NULL && strstr(value, "/.") == NULL)
		return 0;
	return error_set(
	    error, ERR_INVALID,
	    "\"%s\" is \"%.100s\"; a path begins with /, does not end with one, and holds letters, digits, "
	    "-, _, ~ and dots that begin no segment",
	    name, value);
}

bool is_socket_proxy(const char *text)
{
	return strcmp(text, "unix") == 0;
}

int check_proxy(const char *name, const char *value, struct error *error)
{
	struct network network;
	struct error reason;

	if (is_socket_proxy(value) || network_parse(value, &network, &reason) == 0)
		return 0;
	return error_set(error, ERR_INVALID,
	                 "\"%s\": %s; it must be a numeric address such as 10.0.0.5 or fd00::5, a network such as "
	                 "10.1.0.0/16 or fd00:1::/32, or unix for those that come by a socket file",
	                 name, reason.text);
}

int check_password(const char *name, const char *value, struct error *error)
{
	const size_t length = strlen(value);

	if (length > 0 && length <= PASSWORD_MAX)
		return 0;
	return error_set(error, ERR_INVALID, "\"%s\" has %zu bytes; allowed are 1 to %d", name, length, PASSWORD_MAX);
}

int check_log_format(const char *name, const char *value, struct error *error)
{
	if (strcmp(value, "text") == 0 || strcmp(value, "json") == 0)
		return 0;
	return error_set(error, ERR_INVALID, "\"%s\" is \"%.100s\"; allowed are text and json", name, value);
}

int check_status_code(const char *name, const char *value, struct error *error)
{
	if (strcmp(value, "200") == 0 || strcmp(value, "500") == 0)
		return 0;
	return error_set(error, ERR_INVALID, "\"%s\" is \"%.100s\"; allowed are 200 and 500", name, value);
}

int check_log_level(const char *name, const char *value, struct error *error)
{
	if (log_level_parse(value) >= 0)
		return 0;
	return error_set(error, ERR_INVALID, "\"%s\" is \"%.100s\"; allowed are debug, info, warning and error", name,
	                 value);
}
