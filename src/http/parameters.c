/* `parameters`: building the tree from a form's keys, and the canonical text. Depth is bounded by the callers' input
 * checks, so walking it recursively is safe. */
#include "http/parameters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "http/fields.h"

#define PARAMETERS_TEXT_MAX (8 << 20) /* bytes; escapes can make the text longer than the body, never this long */

static int bad_key(const char *key, const char *reason, struct error *error)
{
	return error_set(error, ERR_INVALID, "the parameter \"%s\" %s", key, reason);
}

/* Copies the segment at *key without its escapes into segment and moves *key to the '.' or the end behind it. */
static int take_segment(const char **key, char *segment)
{
	const char *from = *key;
	char *to = segment;

	for (; *from != '\0' && *from != '.'; from++) {
		if (*from == '\\' && *++from != '.' && *from != '\\')
			return -1;
		*to++ = *from;
	}
	*to = '\0';
	*key = from;
	return to == segment ? -1 : 0;
}

static int set_value(cJSON *object, const char *name, const char *value, const char *key, struct error *error)
{
	if (cJSON_GetObjectItemCaseSensitive(object, name) != NULL)
		return bad_key(key, "is given more than once, or both as a value and as an object", error);
	return cJSON_AddStringToObject(object, name, value) == NULL ? error_no_memory(error) : 0;
}

static int enter_object(cJSON **object, const char *name, const char *key, struct error *error)
{
	cJSON *child = cJSON_GetObjectItemCaseSensitive(*object, name);

	if (child == NULL)
		child = cJSON_AddObjectToObject(*object, name);
	if (child == NULL)
		return error_no_memory(error);
	if (!cJSON_IsObject(child))
		return bad_key(key, "is given both as a value and as an object", error);
	*object = child;
	return 0;
}

int parameters_add(cJSON *root, const char *key, const char *value, struct arena *arena, struct error *error)
{
	const char *rest = key;
	char *segment = arena_alloc(arena, strlen(key) + 1);

	if (segment == NULL)
		return error_no_memory(error);
	for (int depth = 1; depth <= PARAMETER_MAX; depth++) {
		if (take_segment(&rest, segment) < 0)
			return bad_key(key, "has an empty part or a stray backslash", error);
		if (*rest == '\0')
			return set_value(root, segment, value, key, error);
		rest++;
		int rc = enter_object(&root, segment, key, error);
		if (rc < 0)
			return rc;
	}
	return bad_key(key, "is nested too deeply; 32 levels are allowed", error);
}

/* ---- printing ---- */

struct printer {
	struct text text;
	struct arena *arena;
	struct error *error;
	size_t items; /* printed so far, of all objects and lists */
	bool from_form;
};

static int print_item(struct printer *printer, const cJSON *item, bool may_be_list);

static int compare_keys(const void *a, const void *b)
{
	const cJSON *const *left = a, *const *right = b;

	return strcmp((*left)->string, (*right)->string);
}

/* The place that key names in a list of count items; count when it names none. */
static size_t list_place(const char *key, size_t count)
{
	size_t place = 0;

	if (key[0] == '\0' || (key[0] == '0' && key[1] != '\0'))
		return count;
	for (; *key != '\0'; key++) {
		if (*key < '0' || *key > '9' || place >= count)
			return count;
		place = place * 10 + (size_t)(*key - '0');
	}
	return place < count ? place : count;
}

/* Puts the children in the order their keys 0..n-1 name; false when they are other keys. Keys are distinct, so n valid
 * ones fill all places. */
static bool order_as_list(const cJSON *object, const cJSON **ret_items, size_t count)
{
	const cJSON *child;

	cJSON_ArrayForEach(child, object)
	{
		size_t place = list_place(child->string, count);
		if (place == count)
			return false;
		ret_items[place] = child;
	}
	return true;
}

static int order_by_key(struct printer *printer, const cJSON *object, const cJSON **ret_items, size_t count)
{
	const cJSON *child;
	size_t i = 0;

	cJSON_ArrayForEach(child, object)
	{
		ret_items[i++] = child;
	}
	qsort(ret_items, count, sizeof(const cJSON *), compare_keys);
	for (i = 1; i < count; i++) {
		if (strcmp(ret_items[i]->string, ret_items[i - 1]->string) == 0)
			return bad_key(ret_items[i]->string, "is given more than once", printer->error);
	}
	return 0;
}

static int print_items(struct printer *printer, const cJSON **items, size_t count, bool keyed)
{
	text_add(&printer->text, keyed ? "{" : "[");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			text_add(&printer->text, ",");
		if (keyed) {
			text_add_json(&printer->text, items[i]->string);
			text_add(&printer->text, ":");
		}
		int rc = print_item(printer, items[i], true);
		if (rc < 0)
			return rc;
	}
	text_add(&printer->text, keyed ? "}" : "]");
	return 0;
}

static int print_container(struct printer *printer, const cJSON *item, bool may_be_list)
{
	size_t count = (size_t)cJSON_GetArraySize(item);

	printer->items += count;
	if (printer->items > FIELDS_MAX)
		return error_set(printer->error, ERR_INVALID, "there are more than %d parameters", FIELDS_MAX);
	const cJSON **items = arena_alloc(printer->arena, (count + 1) * sizeof(const cJSON *));
	if (items == NULL)
		return error_no_memory(printer->error);
	bool listed = cJSON_IsArray(item) || (printer->from_form && may_be_list);
	if (cJSON_IsArray(item)) {
		for (const cJSON *child = item->child; child != NULL; child = child->next)
			*items++ = child;
		items -= count;
	} else if (!listed || !order_as_list(item, items, count)) {
		listed = false;
		int rc = order_by_key(printer, item, items, count);
		if (rc < 0)
			return rc;
	}
	return print_items(printer, items, count, !listed);
}

/* One that a double would change: as the caller wrote it. */
static int print_long_number(struct printer *printer, const char *number)
{
	if (!isfinite(strtod(number, NULL)))
		return error_set(printer->error, ERR_INVALID,
		                 "the field \"parameters\" has a number beyond all bounds");
	text_add(&printer->text, number);
	return 0;
}

static int print_item(struct printer *printer, const cJSON *item, bool may_be_list)
{
	char number[64];

	if (cJSON_IsObject(item) || cJSON_IsArray(item))
		return print_container(printer, item, may_be_list);
	if (cJSON_IsString(item)) {
		text_add_json(&printer->text, item->valuestring);
		return 0;
	}
	if (cJSON_IsRaw(item))
		return print_long_number(printer, item->valuestring);
	/* What is left is a number, a boolean or null: at most 26 characters. */
	if (!cJSON_PrintPreallocated((cJSON *)(uintptr_t)item, number, sizeof(number), false))
		return error_no_memory(printer->error);
	text_add(&printer->text, number);
	return 0;
}

int parameters_print(const cJSON *root, bool from_form, struct arena *arena, const char **ret_text, struct error *error)
{
	struct printer printer = {.arena = arena, .error = error, .from_form = from_form};

	if (root->child == NULL) {
		*ret_text = NULL;
		return 0;
	}
	text_init(&printer.text, PARAMETERS_TEXT_MAX);
	int rc = print_item(&printer, root, false);
	const char *copy = NULL;
	if (rc == 0 && !printer.text.failed)
		copy = arena_bytes(arena, printer.text.bytes, printer.text.length);
	if (rc == 0 && copy == NULL)
		rc = error_no_memory(error);
	if (rc == 0)
		*ret_text = copy;
	text_wipe(&printer.text);
	return rc;
}
