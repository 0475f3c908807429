/* Reading options by name. */
#include "config/key.h"

#include <assert.h>
#include <string.h>

const struct option *options_find(const struct options *options, const char *name)
{
	for (size_t i = 0; i < options->count; i++) {
		if (strcmp(options->items[i].key->name, name) == 0)
			return &options->items[i];
	}
	assert(false); /* a caller's mistake: the name is in no table */
	return NULL;
}

const char *options_text(const struct options *options, const char *name)
{
	const struct option *option = options_find(options, name);

	assert(option->key->type == KEY_TEXT);
	return option->value.text;
}

int64_t options_number(const struct options *options, const char *name)
{
	const struct option *option = options_find(options, name);

	assert(option->key->type == KEY_NUMBER || option->key->type == KEY_DURATION || option->key->type == KEY_SIZE);
	return option->value.number;
}

bool options_flag(const struct options *options, const char *name)
{
	const struct option *option = options_find(options, name);

	assert(option->key->type == KEY_BOOL);
	return option->value.flag;
}
