/* Configuration files: loaded whole, or refused with a message. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/config.h"

static const struct config_key server_keys[] = {{.name = "url", .required = true, .secret = true, .help = "x"}, {0}};
static const struct config_key plan_keys[] = {{.name = "extensions", .type = KEY_LIST, .max = 9, .help = "x"},
                                              {.name = "settings", .type = KEY_MAP, .max = 9, .help = "x"},
                                              {.name = "limit", .type = KEY_NUMBER, .min = 1, .max = 9, .help = "x"},
                                              {0}};
static const char *const variables[] = {"url", NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct config_driver driver = {
	    .name = "db", .server_keys = server_keys, .plan_keys = plan_keys, .variables = variables};
	struct config_errors *errors = NULL;
	struct config *config = NULL;
	const int fd = memfd_create("config", MFD_CLOEXEC);
	char path[64];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (config_load(path, &driver, 1, &config, &errors) == 0) {
		if (config->service_count == 0 || config->services[0].plan_count == 0)
			abort();
		config_free(config);
	} else if (errors == NULL || errors->count == 0) {
		abort();
	}
	config_errors_free(errors);
	close(fd);
	return 0;
}
