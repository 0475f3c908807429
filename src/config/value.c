/* Values: scalars with variables of the environment, and their conversion by the key's type. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/reader.h"

#define SCALAR_MAX 65536 /* bytes, after replacement */

/* ---- ${VARIABLES} ---- */

/* Replaces the variable that begins at text ("${"); returns what follows it, or NULL when an error was noted. */
static const char *replace_variable(struct reader *reader, int node, const char *text, struct text *scalar)
{
	const char *end = strchr(text, '}');
	const char *fallback = NULL, *value;
	char name[128];
	size_t length;

	if (end == NULL) {
		reader_error(reader, node, "a \"${\" has no \"}\"; a dollar sign by itself is written $$");
		return NULL;
	}
	length = strcspn(text + 2, ":}");
	if (text[2 + length] == ':') {
		fallback = text + 2 + length + 2;
		if (text[2 + length + 1] != '-') {
			reader_error(reader, node, "a variable is written ${NAME} or ${NAME:-default}");
			return NULL;
		}
	}
	if (length == 0 || length >= sizeof(name)) {
		reader_error(reader, node, "a variable's name has 1 to %zu characters", sizeof(name) - 1);
		return NULL;
	}
	memcpy(name, text + 2, length);
	name[length] = '\0';
	value = getenv(name);
	if (value != NULL && (value[0] != '\0' || fallback == NULL))
		text_add(scalar, value);
	else if (fallback != NULL)
		text_add_bytes(scalar, fallback, (size_t)(end - fallback));
	else {
		reader_error(reader, node, "the environment variable %s is not set; ${%s:-default} gives it a default",
		             name, name);
		return NULL;
	}
	return end + 1;
}

static bool replace_variables(struct reader *reader, int node, const char *text, struct text *scalar)
{
	while (*text != '\0') {
		const size_t plain = strcspn(text, "$");

		text_add_bytes(scalar, text, plain);
		text += plain;
		if (text[0] == '$' && text[1] == '{') {
			text = replace_variable(reader, node, text, scalar);
			if (text == NULL)
				return false;
		} else if (text[0] == '$') {
			text_add(scalar, "$");
			text += text[1] == '$' ? 2 : 1;
		}
	}
	return true;
}

/* A scalar with its ${VARIABLES} replaced, in the arena; NULL when an error was noted. */
static const char *copy_scalar(struct reader *reader, int index)
{
	const yaml_node_t *node = yaml_document_get_node(&reader->document, index);
	const char *copy = NULL;
	struct text scalar;

	if (node->type != YAML_SCALAR_NODE) {
		reader_error(reader, index, "here must stand a single value, not a list or a mapping");
		return NULL;
	}
	if (strlen((const char *)node->data.scalar.value) != node->data.scalar.length) {
		reader_error(reader, index, "a value must not hold a NUL");
		return NULL;
	}
	text_init(&scalar, SCALAR_MAX);
	if (replace_variables(reader, index, (const char *)node->data.scalar.value, &scalar)) {
		copy = scalar.failed ? NULL : arena_text(reader->arena, text_string(&scalar));
		if (copy == NULL)
			reader_error(reader, index, "the value is over %d bytes", SCALAR_MAX);
		else if (!text_is_clean(copy, strlen(copy))) {
			reader_error(reader, index, "the value holds control characters or is not UTF-8");
			copy = NULL;
		}
	}
	text_wipe(&scalar);
	return copy;
}

/* ---- by type ---- */

static const char *const type_names[] = {
    [KEY_TEXT] = "a text",
    [KEY_NUMBER] = "a whole number",
    [KEY_BOOL] = "true or false",
    [KEY_DURATION] = "a duration such as 250ms, 25s, 2m, 24h or 7d",
    [KEY_SIZE] = "a size such as 512, 64KiB, 1MiB, 2GiB or 1TiB",
};

/* Converts text; false when it is not of the key's type. */
static bool convert(const struct config_key *key, const char *text, struct option *option)
{
	switch (key->type) {
	case KEY_NUMBER:
		return text_parse_number(text, &option->value.number) == 0;
	case KEY_DURATION:
		return text_parse_duration(text, &option->value.number) == 0;
	case KEY_SIZE:
		return text_parse_size(text, &option->value.number) == 0;
	case KEY_BOOL:
		option->value.flag = strcmp(text, "true") == 0;
		return option->value.flag || strcmp(text, "false") == 0;
	default:
		option->value.text = text;
		return true;
	}
}

static void format_bound(const struct config_key *key, int64_t bound, char *ret_text, size_t size)
{
	if (key->type == KEY_DURATION)
		text_format_duration(bound, ret_text, size);
	else if (key->type == KEY_SIZE)
		text_format_size(bound, ret_text, size);
	else
		snprintf(ret_text, size, "%lld", (long long)bound);
}

static bool check_range(struct reader *reader, int node, const struct config_key *key, int64_t number, const char *text)
{
	char min[32], max[32];

	if ((key->min == 0 && key->max == 0) || (number >= key->min && number <= key->max))
		return true;
	format_bound(key, key->min, min, sizeof(min));
	format_bound(key, key->max, max, sizeof(max));
	if (key->type == KEY_TEXT)
		reader_error(reader, node, "\"%s\" has %lld bytes; allowed are %s to %s", key->name, (long long)number,
		             min, max);
	else
		reader_error(reader, node, "\"%s\" is %.100s; allowed is %s to %s", key->name, text, min, max);
	return false;
}

static bool run_check(struct reader *reader, int node, const struct config_key *key, const char *name, const char *text)
{
	struct error error;

	if (key->check == NULL || key->check(name, text, &error) == 0)
		return true;
	reader_error(reader, node, "%s", error.text);
	return false;
}

static bool read_scalar(struct reader *reader, int node, const struct config_key *key, struct option *option)
{
	const char *text = copy_scalar(reader, node);

	if (text == NULL)
		return false;
	if (!convert(key, text, option)) {
		reader_error(reader, node, "\"%s\" is \"%.100s\"; it must be %s", key->name, key->secret ? "..." : text,
		             type_names[key->type]);
		return false;
	}
	if (key->type == KEY_TEXT
	        ? !check_range(reader, node, key, (int64_t)strlen(text), text)
	        : key->type != KEY_BOOL && !check_range(reader, node, key, option->value.number, text))
		return false;
	return run_check(reader, node, key, key->name, text);
}

/* Where a list may stand, a single value counts as a list of one. */
static size_t list_items(struct reader *reader, const int *index, const struct config_key *key,
                         const yaml_node_item_t **ret_items)
{
	if (yaml_document_get_node(&reader->document, *index)->type != YAML_SCALAR_NODE)
		return reader_sequence(reader, *index, key->name, ret_items);
	*ret_items = index;
	return 1;
}

static bool read_list(struct reader *reader, int index, const struct config_key *key, struct option *option)
{
	const yaml_node_item_t *items;
	const size_t count = list_items(reader, &index, key, &items);
	const char **texts = arena_alloc(reader->arena, (count + 1) * sizeof(*texts));

	if (texts == NULL || !check_range(reader, index, key, (int64_t)count, "too long"))
		return false;
	for (size_t i = 0; i < count; i++) {
		texts[i] = copy_scalar(reader, items[i]);
		if (texts[i] == NULL || !run_check(reader, items[i], key, key->name, texts[i]))
			return false;
	}
	option->value.list.items = texts;
	option->value.list.count = count;
	return true;
}

static bool is_new_name(struct reader *reader, int node, const struct pair *pairs, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(pairs[i].name, name) == 0) {
			reader_error(reader, node, "the key \"%s\" stands here a second time", name);
			return false;
		}
	}
	return true;
}

/* Adds one pair to those that were read. */
static bool read_pair(struct reader *reader, const yaml_node_pair_t *pair, const struct config_key *key,
                      struct pair *pairs, size_t *read)
{
	const char *name = copy_scalar(reader, pair->key);
	const char *value = copy_scalar(reader, pair->value);

	if (name == NULL || value == NULL || !is_new_name(reader, pair->key, pairs, *read, name) ||
	    !run_check(reader, pair->value, key, name, value))
		return false;
	pairs[(*read)++] = (struct pair){name, value};
	return true;
}

static bool read_map(struct reader *reader, int index, const struct config_key *key, struct option *option)
{
	const yaml_node_t *node = yaml_document_get_node(&reader->document, index);
	struct pair *pairs;
	size_t count, read = 0;
	bool good = true;

	if (node->type != YAML_MAPPING_NODE) {
		reader_error(reader, index, "\"%s\" must be a mapping of names to values", key->name);
		return false;
	}
	count = (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
	pairs = arena_alloc(reader->arena, (count + 1) * sizeof(*pairs));
	if (pairs == NULL || !check_range(reader, index, key, (int64_t)count, "too long"))
		return false;
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++)
		good = read_pair(reader, pair, key, pairs, &read) && good;
	if (!good)
		return false;
	option->value.map.items = pairs;
	option->value.map.count = read;
	return true;
}

bool value_read(struct reader *reader, int node, const struct config_key *key, struct option *ret_option)
{
	ret_option->key = key;
	ret_option->set = true;
	if (key->type == KEY_LIST)
		return read_list(reader, node, key, ret_option);
	if (key->type == KEY_MAP)
		return read_map(reader, node, key, ret_option);
	return key->type == KEY_NODE || read_scalar(reader, node, key, ret_option);
}

void value_fall_back(const struct config_key *key, struct option *ret_option)
{
	if (key->fallback != NULL)
		(void)convert(key, key->fallback, ret_option);
}
