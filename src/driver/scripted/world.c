/* The pretended server's memory. Every effect is a line: it is written to the journal with one write, then applied;
 * opening applies the journal's lines again. */
#include "driver/scripted/world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/secret.h"

#define WORD_MAX   256  /* bytes of a name or plan, with the NUL */
#define EFFECT_MAX 1024 /* bytes of a line */
#define HASH_BYTES 16

struct thing {
	char name[WORD_MAX];
	char of[WORD_MAX];             /* an instance's plan, a login's instance */
	char hash[2 * HASH_BYTES + 1]; /* of a login's password */
	bool retired;                  /* an instance */
	UT_hash_handle hh;
};

static struct thing *find_thing(struct thing *things, const char *name)
{
	struct thing *thing;

	HASH_FIND_STR(things, name, thing);
	return thing;
}

static void drop_thing(struct thing **things, const char *name)
{
	struct thing *thing = find_thing(*things, name);

	if (thing == NULL)
		return;
	HASH_DEL(*things, thing);
	free(thing);
}

static struct thing *add_thing(struct thing **things, const char *name)
{
	struct thing *thing = calloc(1, sizeof(*thing));

	if (thing == NULL)
		return NULL;
	strcpy(thing->name, name);
	HASH_ADD_STR(*things, name, thing);
	if (thing->hh.tbl != NULL)
		return thing;
	free(thing);
	return NULL;
}

static int put_thing(struct thing **things, const struct thing *content, struct error *error)
{
	struct thing *thing = find_thing(*things, content->name);

	if (thing == NULL)
		thing = add_thing(things, content->name);
	if (thing == NULL)
		return error_no_memory(error);
	memcpy(thing->of, content->of, sizeof(thing->of));
	memcpy(thing->hash, content->hash, sizeof(thing->hash));
	return 0;
}

static void set_retired(struct thing *things, const char *name, bool retired)
{
	struct thing *thing = find_thing(things, name);

	if (thing != NULL)
		thing->retired = retired;
}

/* ---- effects ---- */

static int apply(struct world *world, const char *line, struct error *error)
{
	struct thing thing = {0};

	if (sscanf(line, "instance %255s %255s", thing.name, thing.of) == 2)
		return put_thing(&world->instances, &thing, error);
	if (sscanf(line, "login %255s %255s %32s", thing.name, thing.of, thing.hash) == 3)
		return put_thing(&world->logins, &thing, error);
	if (sscanf(line, "drop-instance %255s", thing.name) == 1)
		drop_thing(&world->instances, thing.name);
	else if (sscanf(line, "drop-login %255s", thing.name) == 1)
		drop_thing(&world->logins, thing.name);
	else if (sscanf(line, "mark %255s", thing.name) == 1)
		snprintf(world->mark, sizeof(world->mark), "%.*s", MARK_MAX,
		         strcmp(thing.name, "-") != 0 ? thing.name : "");
	else if (sscanf(line, "retire %255s", thing.name) == 1)
		set_retired(world->instances, thing.name, true);
	else if (sscanf(line, "restore %255s", thing.name) == 1)
		set_retired(world->instances, thing.name, false);
	else
		return error_set(error, ERR_CORRUPT, "the journal of a scripted server has the line \"%s\"", line);
	return 0;
}

__attribute__((format(printf, 3, 4))) static int act(struct world *world, struct error *error, const char *format, ...)
{
	char line[EFFECT_MAX];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= sizeof(line))
		return error_set(error, ERR_TOO_LARGE, "an effect is over %d bytes", EFFECT_MAX);
	if (world->journal < 0)
		return apply(world, line, error);
	if (write(world->journal, line, (size_t)length) != length)
		return error_set(error, ERR_UNAVAILABLE, "a scripted server's journal cannot be written: %s",
		                 strerror(errno));
	return world_refresh(world, error);
}

int world_refresh(struct world *world, struct error *error)
{
	char line[EFFECT_MAX];
	ssize_t length;
	int rc = 0;

	while (rc == 0 && world->journal >= 0 &&
	       (length = pread(world->journal, line, sizeof(line) - 1, world->applied)) > 0) {
		char *end = memchr(line, '\n', (size_t)length);

		if (end == NULL)
			break;
		*end = '\0';
		rc = apply(world, line, error);
		if (rc == 0)
			world->applied += end + 1 - line;
	}
	return rc;
}

int world_open(struct world *world, const char *path, struct error *error)
{
	int rc;

	*world = (struct world){.journal = -1};
	if (path == NULL)
		return 0;
	world->journal = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (world->journal < 0)
		rc = error_set(error, ERR_INVALID, "the journal \"%s\" cannot be opened: %s", path, strerror(errno));
	else
		rc = world_refresh(world, error);
	/* A last line that was cut off by the end of the process never happened. */
	if (rc == 0 && ftruncate(world->journal, world->applied) != 0)
		rc = error_set(error, ERR_INVALID, "the journal \"%s\" cannot be cut: %s", path, strerror(errno));
	if (rc != 0)
		world_close(world);
	return rc;
}

static void free_all(struct thing **things)
{
	struct thing *thing, *next;

	HASH_ITER (hh, *things, thing, next) {
		HASH_DEL(*things, thing);
		free(thing);
	}
}

void world_close(struct world *world)
{
	free_all(&world->instances);
	free_all(&world->logins);
	if (world->journal >= 0)
		close(world->journal);
	world->journal = -1;
}

static void hash_password(const char *name, const char *password, char *ret_hash)
{
	const char *const parts[] = {name, password};

	secret_hash_hex(ret_hash, HASH_BYTES, parts, 2);
}

int world_put_instance(struct world *world, const char *name, const char *plan, struct error *error)
{
	const struct thing *instance = find_thing(world->instances, name);

	if (instance != NULL && strcmp(instance->of, plan) == 0)
		return 0;
	return act(world, error, "instance %s %s\n", name, plan);
}

int world_put_login(struct world *world, const char *name, const char *instance, const char *password,
                    struct error *error)
{
	const struct thing *login = find_thing(world->logins, name);
	char hash[2 * HASH_BYTES + 1];

	hash_password(name, password, hash);
	if (login != NULL && strcmp(login->of, instance) == 0 && strcmp(login->hash, hash) == 0)
		return 0;
	return act(world, error, "login %s %s %s\n", name, instance, hash);
}

int world_drop_instance(struct world *world, const char *name, struct error *error)
{
	return find_thing(world->instances, name) == NULL ? 0 : act(world, error, "drop-instance %s\n", name);
}

int world_drop_login(struct world *world, const char *name, struct error *error)
{
	return find_thing(world->logins, name) == NULL ? 0 : act(world, error, "drop-login %s\n", name);
}

int world_retire(struct world *world, const char *name, bool retired, struct error *error)
{
	const struct thing *instance = find_thing(world->instances, name);

	if (instance == NULL || instance->retired == retired)
		return 0;
	return act(world, error, "%s %s\n", retired ? "retire" : "restore", name);
}

int world_put_mark(struct world *world, const char *mark, struct error *error)
{
	return strcmp(world->mark, mark) == 0 ? 0 : act(world, error, "mark %s\n", mark[0] != '\0' ? mark : "-");
}

/* ---- look-ups ---- */

const char *world_mark(const struct world *world)
{
	return world->mark;
}

const char *world_plan(const struct world *world, const char *name)
{
	const struct thing *instance = find_thing(world->instances, name);

	return instance != NULL ? instance->of : NULL;
}

bool world_is_retired(const struct world *world, const char *name)
{
	const struct thing *instance = find_thing(world->instances, name);

	return instance != NULL && instance->retired;
}

const char *world_next_instance(const struct world *world, const char *name)
{
	const struct thing *thing = name != NULL ? find_thing(world->instances, name)->hh.next : world->instances;

	return thing != NULL ? thing->name : NULL;
}

const char *world_next_login(const struct world *world, const char *name)
{
	const struct thing *thing = name != NULL ? find_thing(world->logins, name)->hh.next : world->logins;

	return thing != NULL ? thing->name : NULL;
}

bool world_has_login(const struct world *world, const char *name)
{
	return find_thing(world->logins, name) != NULL;
}

bool world_is_login_of(const struct world *world, const char *name, const char *instance)
{
	const struct thing *login = find_thing(world->logins, name);

	return login != NULL && strcmp(login->of, instance) == 0;
}

bool world_password_is(const struct world *world, const char *name, const char *password)
{
	const struct thing *login = find_thing(world->logins, name);
	char hash[2 * HASH_BYTES + 1];

	if (login == NULL)
		return false;
	hash_password(name, password, hash);
	return strcmp(login->hash, hash) == 0;
}

size_t world_instances(const struct world *world)
{
	return HASH_COUNT(world->instances);
}

size_t world_logins(const struct world *world)
{
	return HASH_COUNT(world->logins);
}

size_t world_logins_of(const struct world *world, const char *instance)
{
	size_t count = 0;

	for (const struct thing *login = world->logins; login != NULL; login = login->hh.next)
		count += strcmp(login->of, instance) == 0;
	return count;
}
