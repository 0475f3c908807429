/* The fields of a request's body, and the one table of the names that tsuru uses for them. */
#include "http/fields.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *form, *json;
	bool list;
} known[] = {
    {"name", "name", false},
    {"plan", "plan", false},
    {"team", "team", false},
    {"description", "description", false},
    {"user", "user", false},
    {"tags", "tags", true},
    {"tags", "tag", true},
    {"eventid", "eventID", false},
    {"app-name", "appName", false},
    {"app-host", "appHost", false},
    {"app-hosts", "appHosts", true},
    {"app-internal-hosts", "appInternalHosts", true},
    {"app-pool-name", "appPoolName", false},
    {"app-pool-provisioner", "appPoolProvisioner", false},
    {"app-cluster-name", "appClusterName", false},
    {"app-cluster-provisioner", "appClusterProvisioner", false},
    {"app-cluster-addresses", "appClusterAddresses", true},
    {"job-name", "jobName", false},
    {"job-pool-name", "jobPoolName", false},
    {"job-cluster-name", "jobClusterName", false},
    {"unit-host", "unitHost", false},
};

#define KNOWN_COUNT (sizeof(known) / sizeof(known[0]))

const char *fields_form_name(const char *json_name)
{
	for (size_t i = 0; i < KNOWN_COUNT; i++) {
		if (strcmp(known[i].json, json_name) == 0)
			return known[i].form;
	}
	return json_name;
}

static size_t find_known(const char *name)
{
	size_t i = 0;

	while (i < KNOWN_COUNT && strcmp(known[i].form, name) != 0)
		i++;
	return i;
}

bool fields_is_known(const char *name)
{
	return find_known(name) < KNOWN_COUNT;
}

bool fields_is_list(const char *name)
{
	size_t i = find_known(name);

	return i < KNOWN_COUNT && known[i].list;
}

int fields_init(struct fields *fields, size_t capacity, struct arena *arena, struct error *error)
{
	*fields = (struct fields){.capacity = capacity};
	if (capacity == 0)
		return 0;
	fields->names = arena_alloc(arena, capacity * sizeof(*fields->names));
	fields->values = arena_alloc(arena, capacity * sizeof(*fields->values));
	return fields->names == NULL || fields->values == NULL ? error_no_memory(error) : 0;
}

void fields_add(struct fields *fields, const char *name, const char *value)
{
	if (fields->count == fields->capacity)
		return;
	fields->names[fields->count] = name;
	fields->values[fields->count++] = value;
}

struct sorted_field {
	const char *name, *value;
	size_t place; /* qsort is not stable by promise */
};

static int compare_fields(const void *a, const void *b)
{
	const struct sorted_field *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order != 0 ? order : (left->place > right->place) - (left->place < right->place);
}

static int check_repeats(const struct fields *fields, struct error *error)
{
	for (size_t i = 1; i < fields->count; i++) {
		const char *name = fields->names[i];
		if (strcmp(name, fields->names[i - 1]) == 0 && fields_is_known(name) && !fields_is_list(name))
			return error_set(error, ERR_INVALID, "the field \"%s\" is given more than once", name);
	}
	return 0;
}

int fields_finish(struct fields *fields, struct arena *arena, struct error *error)
{
	if (fields->count < 2)
		return 0;
	struct sorted_field *sorted = arena_alloc(arena, fields->count * sizeof(*sorted));
	if (sorted == NULL)
		return error_no_memory(error);
	for (size_t i = 0; i < fields->count; i++)
		sorted[i] = (struct sorted_field){fields->names[i], fields->values[i], i};
	qsort(sorted, fields->count, sizeof(*sorted), compare_fields);
	for (size_t i = 0; i < fields->count; i++) {
		fields->names[i] = sorted[i].name;
		fields->values[i] = sorted[i].value;
	}
	return check_repeats(fields, error);
}

const char *const *fields_get(const struct fields *fields, const char *name, size_t *ret_count)
{
	size_t first = 0, end;

	while (first < fields->count && strcmp(fields->names[first], name) != 0)
		first++;
	for (end = first; end < fields->count && strcmp(fields->names[end], name) == 0;)
		end++;
	*ret_count = end - first;
	return end == first ? NULL : &fields->values[first];
}
