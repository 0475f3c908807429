/* JSON that comes from outside: how much work a text is before it is parsed, and a parser that changes nothing. cJSON
 * keeps numbers as doubles and texts as C strings, so an account number of 18 digits would come out as another one, and
 * a password with a NUL as its beginning. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;

#define JSON_VALUES_MAX 100000 /* of one answer: to parse and free them takes 30 ms */

/* As many values as there may be in it: each begins behind a comma or a bracket. Those inside texts are counted, too.
 */
size_t json_count_values(const char *bytes, size_t length);

/* Whether a text or a name in it has a NUL, which JSON writes as \u0000. */
bool json_has_nul(const char *bytes, size_t length);

/* Whether they are a number as the grammar of JSON has it: strtod takes more. */
bool json_is_number_text(const char *bytes, size_t length);

/* The one value that bytes hold, to be freed by cJSON_Delete; NULL: they hold no JSON, or memory is out.
 * What cJSON would change is a cJSON_Raw, which is printed as it stood: a number of more than 15 digits or beyond the
 * range of doubles, and a text with a NUL. A name with a NUL is what stood between its quotes, escapes included. */
struct cJSON *json_parse_value(const char *bytes, size_t length);

/* Of either form. */
bool json_is_number(const struct cJSON *item);
bool json_is_text(const struct cJSON *item);
/* A whole number, exactly; false leaves *ret_number untouched. */
bool json_read_whole(const struct cJSON *item, int64_t *ret_number);
/* A number that is printed exactly; NULL: memory is out. */
struct cJSON *json_new_whole(int64_t number);

#endif
