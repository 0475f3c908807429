/* A table of names from a server's list, each once under its kind; a driver that gives one twice changes nothing. */
#include "watch/names.h"

#include <stdlib.h>
#include <string.h>

#define KEY_MAX 512 /* bytes; no driver has names so long */

static const char *kind_of(const char *word)
{
	static const char *const kinds[] = {LIST_INSTANCE, LIST_LOGIN, LIST_RETIRED};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i], word) == 0)
			return kinds[i];
	return LIST_INSTANCE;
}

static struct name *find(struct name *names, const char *kind, const char *text)
{
	const size_t length = strlen(text);
	struct name *name = NULL;
	char key[KEY_MAX];

	if (length + 2 > sizeof(key))
		return NULL;
	key[0] = kind[0];
	memcpy(key + 1, text, length + 1);
	HASH_FIND_STR(names, key, name);
	return name;
}

static bool add(struct name **names, const char *kind, const char *text)
{
	const size_t length = strlen(text);
	struct name *name;

	if (length + 2 > KEY_MAX || find(*names, kind, text) != NULL)
		return true;
	name = calloc(1, sizeof(*name) + length + 2);
	if (name == NULL)
		return false;
	name->kind = kind;
	name->key[0] = kind[0];
	name->text = memcpy(name->key + 1, text, length + 1);
	HASH_ADD_STR(*names, key, name);
	if (name->hh.tbl != NULL)
		return true;
	free(name);
	return false;
}

bool names_add_all(struct name **names, const struct driver_call *listed)
{
	bool all = true;

	for (size_t i = 0; all && i < listed->result_count; i++)
		all = add(names, kind_of(listed->results[i].name), listed->results[i].value);
	return all;
}

const struct name *names_find(struct name *const *names, const char *kind, const char *text)
{
	return find(*names, kind_of(kind), text);
}

bool names_take(struct name **names, const char *kind, const char *text)
{
	struct name *name = find(*names, kind, text);

	if (name == NULL)
		return false;
	HASH_DEL(*names, name);
	free(name);
	return true;
}

void names_free(struct name **names)
{
	struct name *name, *next;

	HASH_ITER (hh, *names, name, next) {
		HASH_DEL(*names, name);
		free(name);
	}
}
