/* Lists of JSON objects as tables for people: a column as wide as its longest value. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdio.h>

struct cJSON;

struct column {
	const char *title; /* NULL ends a list of columns */
	const char *key;   /* the object's member */
};

/* Nothing, not even the titles, when items is empty. Control characters are shown as '?'. */
void table_print(FILE *file, const struct cJSON *items, const struct column *columns);
/* One object, a line a member; members that are lists or objects are left away. */
void table_print_object(FILE *file, const struct cJSON *object);

#endif
