/* The dynamic loader, asked for a library while the program runs: by its name alone, so where it always looks. */
#include "base/library.h"

#include <dlfcn.h>
#include <string.h>

static const char *find_missing(void *handle, const char *const *functions)
{
	while (*functions != NULL && dlsym(handle, *functions) != NULL)
		functions++;
	return *functions;
}

static void take(void *handle, const char *const *functions, unsigned char *ret_functions)
{
	for (size_t i = 0; functions[i] != NULL; i++) {
		void *const function = dlsym(handle, functions[i]);

		memcpy(ret_functions + i * sizeof(function), &function, sizeof(function));
	}
}

int library_load(const struct library *library, void *ret_functions, struct error *error)
{
	/* NODELETE: it stays after dlclose, with the threads and the exit handlers that it may have. */
	void *handle = dlopen(library->file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	const char *missing;

	if (handle == NULL)
		return error_set(error, ERR_INTERNAL, "the library cannot be loaded: %s; Debian's package %s has it",
		                 dlerror(), library->package);
	missing = find_missing(handle, library->functions);
	if (missing == NULL)
		take(handle, library->functions, ret_functions);
	dlclose(handle);
	if (missing != NULL)
		return error_set(error, ERR_INTERNAL, "the library %s has no %s: it is of another version",
		                 library->file, missing);
	return 0;
}
