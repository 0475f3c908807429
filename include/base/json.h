/* How much work a text of JSON is, before it is parsed. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stddef.h>

#define JSON_VALUES_MAX 100000 /* of one answer: to parse and free them takes 30 ms */

/* As many values as there may be in it: each begins behind a comma or a bracket. Those inside texts are counted, too.
 */
size_t json_count_values(const char *bytes, size_t length);

#endif
