/* The values of a text of JSON, counted without parsing it. */
#include "base/json.h"

size_t json_count_values(const char *bytes, size_t length)
{
	size_t values = 0;

	for (size_t i = 0; i < length; i++)
		values += bytes[i] == ',' || bytes[i] == '[' || bytes[i] == '{';
	return values;
}
