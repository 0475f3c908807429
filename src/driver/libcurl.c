/* libcurl's functions, found when a service needs them first. */
#include "driver/libcurl.h"

#include "base/library.h"

#define LIBCURL_NAME(name) "curl_" #name,

static const char *const functions[] = {LIBCURL_FUNCTIONS(LIBCURL_NAME) NULL};
static const struct library library = {.file = "libcurl.so.4", .package = "libcurl4", .functions = functions};

int libcurl_load(struct libcurl *ret_curl, struct error *error)
{
	return library_load(&library, ret_curl, error);
}
