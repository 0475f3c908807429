/* Tables of configuration keys: one row says a key's name, type, default, range, and meaning.
 * The walk in src/config reads every mapping of the file by such a table; a driver brings tables for its own keys. */
#ifndef CONFIG_KEY_H
#define CONFIG_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum key_type {
	KEY_TEXT,     /* any scalar */
	KEY_NUMBER,   /* whole number within [min, max] */
	KEY_BOOL,     /* true or false */
	KEY_DURATION, /* "25s"; milliseconds within [min, max] */
	KEY_SIZE,     /* "1MiB"; bytes within [min, max] */
	KEY_LIST,     /* a sequence of scalars, or one scalar */
	KEY_MAP,      /* a mapping of scalars */
	KEY_NODE,     /* src/config's own: a nested mapping or sequence with tables of its own */
};

struct config_key {
	const char *name; /* NULL ends a table */
	enum key_type type;
	bool required;
	const char *fallback; /* as it would stand in the file; NULL: absent. Never for KEY_LIST and KEY_MAP */
	int64_t min,
	    max; /* KEY_NUMBER, KEY_DURATION, KEY_SIZE; KEY_TEXT: length in bytes when max > 0; lists and maps: items */
	/* A further check of the whole value as text (for lists and maps: of each item; a map's key is name). NULL:
	 * none. On failure fills error with what is allowed. */
	int (*check)(const char *name, const char *value, struct error *error);
	const char *help; /* one line, for documentation and messages */
	bool secret;      /* the value is never shown in a message */
};

struct pair {
	const char *name, *value;
};

struct option {
	const struct config_key *key;
	bool set; /* stands in the file (otherwise the fallback, if there is one) */
	union {
		const char *text;
		int64_t number; /* KEY_NUMBER, KEY_DURATION, KEY_SIZE */
		bool flag;
		struct {
			const char *const *items;
			size_t count;
		} list;
		struct {
			const struct pair *items;
			size_t count;
		} map;
	} value;
};

/* The options of one mapping, a row for each key of its table in the same order. All borrowed from the configuration.
 */
struct options {
	const struct option *items;
	size_t count;
};

/* Reads by name; the name must be in the table and of that type (asserted). */
const struct option *options_find(const struct options *options, const char *name);
const char *options_text(const struct options *options, const char *name); /* NULL: absent */
int64_t options_number(const struct options *options, const char *name);   /* 0: absent */
bool options_flag(const struct options *options, const char *name);        /* false: absent */

#endif
