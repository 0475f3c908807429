/* The client that proxies name. Both headers are read from right to left, as each proxy adds to the right, up to the
 * first that is not trusted. What stands left of that was sent by it and is not looked at, not even for its quotes. */
#include "http/forwarded.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* A header as far as it was read. */
struct trail {
	const struct http_proxies *proxies;
	struct network_address client; /* the last one that was read */
	bool found;
	bool ended; /* it is not trusted, or what stood left of it is no address */
};

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

static void trim(const char **begin, const char **end)
{
	while (*begin < *end && is_blank(**begin))
		(*begin)++;
	while (*begin < *end && is_blank((*end)[-1]))
		(*end)--;
}

/* A port, or a name for one (RFC 7239, section 6). */
static bool is_port(const char *begin, const char *end)
{
	for (const char *at = begin; at < end; at++) {
		if (!isalnum((unsigned char)*at) && strchr("._-", *at) == NULL)
			return false;
	}
	return begin < end;
}

bool forwarded_node(const char *begin, const char *end, struct network_address *ret_address)
{
	char text[NETWORK_TEXT_MAX];
	const char *colon, *close;

	trim(&begin, &end);
	colon = memchr(begin, ':', (size_t)(end - begin));
	if (begin < end && *begin == '[') {
		close = memchr(begin, ']', (size_t)(end - begin));
		if (close == NULL || (close + 1 < end && (close[1] != ':' || !is_port(close + 2, end))))
			return false;
		begin++;
		end = close;
	} else if (colon != NULL && memchr(colon + 1, ':', (size_t)(end - colon - 1)) == NULL) {
		if (!is_port(colon + 1, end))
			return false;
		end = colon;
	}
	if (end - begin >= NETWORK_TEXT_MAX)
		return false;
	memcpy(text, begin, (size_t)(end - begin));
	text[end - begin] = '\0';
	return network_parse_address(text, ret_address);
}

static void take_node(struct trail *trail, const char *begin, const char *end)
{
	if (!forwarded_node(begin, end, &trail->client)) {
		trail->ended = true;
		return;
	}
	trail->found = true;
	trail->ended = !network_holds(trail->proxies->networks, trail->proxies->count, &trail->client);
}

/* The begin of the last part of a text: behind the last mark that stands in no quoted string. */
static const char *last_part(const char *text, const char *end, char mark)
{
	bool quoted = false;

	for (; end > text && (quoted || end[-1] != mark); end--) {
		if (end[-1] == '"')
			quoted = !quoted;
	}
	return end;
}

/* One element of Forwarded: parameters, of which "for" counts. Without one it names nobody. */
static void take_element(struct trail *trail, const char *begin, const char *end)
{
	while (true) {
		const char *part = last_part(begin, end, ';'), *name = part, *stop = end;

		trim(&name, &stop);
		if (stop - name >= 4 && strncasecmp(name, "for=", 4) == 0) {
			name += 4;
			if (stop - name >= 2 && *name == '"' && stop[-1] == '"') {
				name++;
				stop--;
			}
			take_node(trail, name, stop);
			return;
		}
		if (part == begin)
			break;
		end = part - 1;
	}
	trail->ended = true;
}

static void read_value(struct trail *trail, const char *value, bool standard)
{
	const char *end = value + strlen(value);

	while (!trail->ended) {
		const char *part = last_part(value, end, ',');

		if (standard)
			take_element(trail, part, end);
		else
			take_node(trail, part, end);
		if (part == value)
			return;
		end = part - 1;
	}
}

static void read_header(const struct head *head, const char *name, bool standard, struct trail *trail)
{
	for (size_t i = head->header_count; i > 0 && !trail->ended; i--) {
		const struct header *header = &head->headers[i - 1];

		if (strcasecmp(header->name, name) == 0)
			read_value(trail, header->value, standard);
	}
}

bool forwarded_client(const struct head *head, const struct http_proxies *proxies, struct network_address *ret_client)
{
	struct trail plain = {.proxies = proxies}, standard = {.proxies = proxies};

	read_header(head, "X-Forwarded-For", false, &plain);
	read_header(head, "Forwarded", true, &standard);
	if (plain.found && standard.found && memcmp(&plain.client, &standard.client, sizeof(plain.client)) != 0)
		return false;
	if (!plain.found && !standard.found)
		return false;
	*ret_client = plain.found ? plain.client : standard.client;
	return true;
}
