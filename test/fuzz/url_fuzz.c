/* Urls of servers: taken apart into hosts and ports that are not empty, or refused with a sentence that shows nothing
 * of them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "driver/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_place(const struct place *place)
{
	if (place->host[0] == '\0' || place->port[0] == '\0' || strlen(place->port) > 5)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char scheme[] = "redis://";
	char *text = malloc(sizeof(scheme) + size);
	struct place place;
	struct arena arena;
	struct error error = {0};
	struct url url;

	memcpy(text, scheme, sizeof(scheme) - 1);
	memcpy(text + sizeof(scheme) - 1, data, size);
	text[sizeof(scheme) - 1 + size] = '\0';
	arena_init(&arena);
	if (url_parse(&arena, text, scheme, "6379", &url, &error) == 0) {
		if (url.place_count > URL_PLACES_MAX || url.password == NULL || url.password[0] == '\0')
			abort();
		for (size_t i = 0; i < url.place_count; i++)
			check_place(&url.places[i]);
	} else if (error.text[0] == '\0') {
		abort();
	}
	if (url_parse_place(&arena, text + sizeof(scheme) - 1, "6379", &place, NULL) == 0)
		check_place(&place);
	arena_wipe(&arena);
	free(text);
	return 0;
}
