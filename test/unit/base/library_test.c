/* Libraries that are loaded while the program runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/library.h"

struct zlib {
	unsigned long (*crc32)(unsigned long crc, const unsigned char *bytes, unsigned int length);
	const char *(*version)(void);
};

static const char *const functions[] = {"crc32", "zlibVersion", NULL};

static void test_functions_in_their_order(void **state)
{
	const struct library library = {.file = "libz.so.1", .package = "zlib1g", .functions = functions};
	struct zlib zlib;
	struct error error = {0};

	(void)state;
	for (int i = 0; i < 2; i++) {
		memset(&zlib, 0, sizeof(zlib));
		assert_int_equal(library_load(&library, &zlib, &error), 0);
		assert_int_equal(zlib.crc32(0, (const unsigned char *)"123456789", 9), 0xcbf43926);
		assert_int_equal(zlib.version()[0], '1');
	}
}

static void test_missing_library(void **state)
{
	const struct library library = {.file = "libnowhere.so.7", .package = "libnowhere7", .functions = functions};
	struct zlib zlib = {0};
	struct error error = {0};

	(void)state;
	assert_int_equal(library_load(&library, &zlib, &error), ERR_INTERNAL);
	assert_non_null(strstr(error.text, "libnowhere.so.7"));
	assert_non_null(strstr(error.text, "Debian's package libnowhere7"));
	assert_null(zlib.version);
}

static void test_missing_function(void **state)
{
	const char *const wanted[] = {"crc32", "crc33", NULL};
	const struct library library = {.file = "libz.so.1", .package = "zlib1g", .functions = wanted};
	struct zlib zlib = {0};
	struct error error = {0};

	(void)state;
	assert_int_equal(library_load(&library, &zlib, &error), ERR_INTERNAL);
	assert_string_equal(error.text, "the library libz.so.1 has no crc33: it is of another version");
	assert_null(zlib.crc32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_functions_in_their_order),
	    cmocka_unit_test(test_missing_library),
	    cmocka_unit_test(test_missing_function),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
