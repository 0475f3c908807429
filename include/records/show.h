/* Records as JSON: what the service's own commands and the operators' API show of binds, operations and the rest. */
#ifndef RECORDS_SHOW_H
#define RECORDS_SHOW_H

#include "base/text.h"
#include "config/key.h"
#include "model/model.h"

/* Each adds a member, with a comma unless it is the object's first ('{' is the last byte). A NULL text and a time of 0
 * add nothing. */
void show_text(struct text *json, const char *name, const char *value);
void show_number(struct text *json, const char *name, int64_t value);
void show_flag(struct text *json, const char *name, bool value);
void show_time(struct text *json, const char *name, int64_t wall);
/* The comma between members or items, where one is needed, and the name. */
void show_name(struct text *json, const char *name);
void show_comma(struct text *json);

/* Whole objects; the drift is an item of a list. */
void show_drift(struct text *json, const struct pair *drift);
/* old (NULL: none) names the parameters that the instance has another value of for it by now. */
void show_bind(struct text *json, const struct bind *bind, const char *old);
/* What only memory knows of an operation under way; NULL: nothing. */
struct progress {
	bool running;
	const char *waits_for; /* NULL: for nothing */
	int64_t attempts;      /* that are not in the record yet */
	const char *error;     /* of the last one; NULL: the record's */
};
void show_operation(struct text *json, const struct operation *operation, const struct progress *progress);
/* The members of an instance, without the braces. */
void show_instance(struct text *json, const struct instance *instance);

#endif
