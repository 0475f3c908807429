/* tsuru's list of instances. The first byte says in how large parts it comes: that must change nothing. What is taken
 * for a list is JSON for cJSON, too, and everything that is bound is bound to an instance. */
#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "tsuru/listing.h"

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct config_driver driver = {.name = "shared", .variables = (const char *const[]){NULL}};
static struct config *config;

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	static const char text[] = "services: [{name: s, driver: shared, password: x, plans: [{name: p}]}]\n";
	struct config_errors *errors = NULL;
	char path[] = "/tmp/listing-fuzz-XXXXXX";
	const int fd = mkstemp(path);

	(void)count;
	(void)arguments;
	if (fd < 0 || write(fd, text, sizeof(text) - 1) < 0 || config_load(path, &driver, 1, &config, &errors) != 0)
		abort();
	close(fd);
	unlink(path);
	return 0;
}

/* NULL: it is odd. */
static struct listing *read_parts(const char *json, size_t length, size_t part)
{
	struct listing *listing = listing_new(config);
	struct error error;

	for (size_t at = 0; at < length; at += part) {
		if (!listing_read(listing, json + at, length - at < part ? length - at : part))
			break;
	}
	if (listing_end(listing, &error) == 0)
		return listing;
	listing_free(listing);
	return NULL;
}

static void check(const struct listing *listing, const char *json, size_t length)
{
	struct cJSON *root = json_parse_value(json, length);

	if (root == NULL)
		abort();
	cJSON_Delete(root);
	for (const struct listed *listed = listing_first(listing); listed != NULL; listed = listed->hh.next) {
		if (listing_find(listing, listed->kind, listed->service, listed->instance, listed->name) != listed ||
		    listing_find(listing, LISTED_SERVICE, listed->service, "", "") == NULL ||
		    (listed->kind != LISTED_SERVICE &&
		     listing_find(listing, LISTED_INSTANCE, listed->service, listed->instance, "") == NULL))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *json = (const char *)data + 1;
	struct listing *whole, *parts;

	if (size < 2)
		return 0;
	whole = read_parts(json, size - 1, size);
	parts = read_parts(json, size - 1, data[0] % 16U + 1);
	if ((whole == NULL) != (parts == NULL))
		abort();
	if (whole != NULL)
		check(whole, json, size - 1);
	listing_free(whole);
	listing_free(parts);
	return 0;
}
