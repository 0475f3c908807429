/* tsuru's list. What it looks like is what tsuru's `serviceInstances` encodes (api/service_instance.go), one object for
 * each service that the token may see:
 *
 *   [{"service": "postgres", "instances": ["mydb"], "plans": ["small"], "service_instances": [
 *      {"name": "mydb", "id": 0, "service_name": "postgres", "apps": ["shop"], "jobs": null, ...}]}]
 *
 * An empty list is null, and so is "service_instances" of a service without instances. "instances" names the same ones
 * once more, so their numbers agree. Where "id" is not 0 (rows of an old tsuru), it is what tsuru calls the instance
 * when it talks to the broker. A tsuru before jobs has no "jobs". Other members are passed over. */
#include "tsuru/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json_stream.h"

#define KEY_MAX (4 * 1024) /* bytes of all names of an entry */

/* Where in the list the reader is. */
enum room {
	ROOM_OUTSIDE,   /* before the list, and behind it */
	ROOM_SERVICES,  /* in the list */
	ROOM_SERVICE,   /* in a service's object */
	ROOM_NAMES,     /* in its "instances" */
	ROOM_INSTANCES, /* in its "service_instances" */
	ROOM_INSTANCE,  /* in an instance's object */
	ROOM_BOUND,     /* in its "apps" or "jobs" */
	ROOM_COUNT
};

enum member {
	MEMBER_OTHER,
	MEMBER_SERVICE,
	MEMBER_NAMES,
	MEMBER_INSTANCES,
	MEMBER_NAME,
	MEMBER_ID,
	MEMBER_SERVICE_NAME,
	MEMBER_APPS,
	MEMBER_JOBS,
	MEMBER_COUNT
};

/* A member that is read, and where what it holds leads to; ROOM_OUTSIDE: it holds a text or a number. */
static const struct {
	enum room room;
	const char *name;
	enum room leads_to;
} members[MEMBER_COUNT] = {
    [MEMBER_SERVICE] = {ROOM_SERVICE, "service", ROOM_OUTSIDE},
    [MEMBER_NAMES] = {ROOM_SERVICE, "instances", ROOM_NAMES},
    [MEMBER_INSTANCES] = {ROOM_SERVICE, "service_instances", ROOM_INSTANCES},
    [MEMBER_NAME] = {ROOM_INSTANCE, "name", ROOM_OUTSIDE},
    [MEMBER_ID] = {ROOM_INSTANCE, "id", ROOM_OUTSIDE},
    [MEMBER_SERVICE_NAME] = {ROOM_INSTANCE, "service_name", ROOM_OUTSIDE},
    [MEMBER_APPS] = {ROOM_INSTANCE, "apps", ROOM_BOUND},
    [MEMBER_JOBS] = {ROOM_INSTANCE, "jobs", ROOM_BOUND},
};
#define BIT(member)     (1u << (member))
#define SERVICE_NEEDS   (BIT(MEMBER_SERVICE) | BIT(MEMBER_NAMES) | BIT(MEMBER_INSTANCES))
#define INSTANCE_NEEDS  (BIT(MEMBER_NAME) | BIT(MEMBER_SERVICE_NAME) | BIT(MEMBER_APPS))
#define INSTANCE_MEMBER (INSTANCE_NEEDS | BIT(MEMBER_ID) | BIT(MEMBER_JOBS))

/* An app or a job of the instance that is read. */
struct bound {
	struct bound *next;
	enum listed_kind kind;
	const char *name;
};

struct listing {
	struct config *config;
	struct json_stream stream;
	struct listed *table;
	struct arena arena; /* of the table's entries */
	size_t count;       /* of them, and of what is bound to the instance that is read */
	size_t bytes;       /* of the names of both */
	size_t services;    /* that were listed, others' included */
	struct error error; /* what is odd */

	enum room room;
	size_t skipped; /* levels of a member that is passed over */
	enum member member;
	unsigned seen;           /* BIT() of the members of the service and the instance that are read */
	size_t names, instances; /* of the service */
	const char *service;     /* its name; in of_service, as the next one */
	const char *first;       /* what its first instance calls it */
	struct arena of_service;
	const char *name, *service_name; /* of the instance; in of_instance, as what is bound to it */
	struct bound *bound, **last;
	size_t count_before, bytes_before; /* what is bound to it came */
	struct arena of_instance;
};

static bool odd(struct listing *listing, const char *what)
{
	if (listing->error.code == 0)
		error_set(&listing->error, ERR_ANSWER, "tsuru's list of instances is odd: %s", what);
	return false;
}

static bool no_memory(struct listing *listing)
{
	error_no_memory(&listing->error);
	return false;
}

/* ---- what is kept ---- */

/* The kind, and the names with a NUL behind each. 0: they are too long. */
static size_t make_key(char *key, enum listed_kind kind, const char *service, const char *instance, const char *name)
{
	const int length = snprintf(key, KEY_MAX, "%c%s%c%s%c%s", (char)kind, service, '\0', instance, '\0', name);

	return length > 0 && length < KEY_MAX ? (size_t)length + 1 : 0;
}

struct listed *listing_find(const struct listing *listing, enum listed_kind kind, const char *service,
                            const char *instance, const char *name)
{
	struct listed *found = NULL;
	char key[KEY_MAX];
	const size_t length = make_key(key, kind, service, instance, name);

	if (length > 0)
		HASH_FIND(hh, listing->table, key, length, found);
	return found;
}

/* Makes room for a name: whoever answers in tsuru's place may send names without end. */
static bool make_room(struct listing *listing, size_t length)
{
	if (listing->count >= LISTING_MAX || length > LISTING_BYTES_MAX - listing->bytes)
		return odd(listing, "it has too many names");
	listing->count++;
	listing->bytes += length;
	return true;
}

/* NULL: it is odd, or memory is out. */
static struct listed *keep(struct listing *listing, enum listed_kind kind, const char *service, const char *instance,
                           const char *name)
{
	char key[KEY_MAX];
	const size_t length = make_key(key, kind, service, instance, name);
	struct listed *listed;
	char *kept;

	if (length == 0) {
		odd(listing, "a name is too long");
		return NULL;
	}
	if (listing_find(listing, kind, service, instance, name) != NULL) {
		error_set(&listing->error, ERR_ANSWER, "tsuru's list of instances is odd: it has %s/%s%s%s twice",
		          service, instance, name[0] != '\0' ? " " : "", name);
		return NULL;
	}
	if (!make_room(listing, length))
		return NULL;
	listed = arena_alloc(&listing->arena, sizeof(*listed));
	kept = arena_bytes(&listing->arena, key, length);
	if (listed != NULL && kept != NULL) {
		listed->kind = kind;
		listed->service = kept + 1;
		listed->instance = listed->service + strlen(service) + 1;
		listed->name = listed->instance + strlen(instance) + 1;
		HASH_ADD_KEYPTR(hh, listing->table, kept, length, listed);
	}
	if (listed == NULL || kept == NULL || listed->hh.tbl == NULL) {
		no_memory(listing);
		return NULL;
	}
	return listed;
}

/* ---- objects that are whole ---- */

static bool end_instance(struct listing *listing)
{
	const char *service = listing->service_name, *name = listing->name;
	struct listed *instance;

	if ((listing->seen & INSTANCE_NEEDS) != INSTANCE_NEEDS)
		return odd(listing, "an instance lacks its name, its service or its apps");
	if (listing->first == NULL)
		listing->first = arena_text(&listing->of_service, service);
	if (listing->first == NULL)
		return no_memory(listing);
	if (strcmp(listing->first, service) != 0)
		return odd(listing, "a service has an instance of another one");
	listing->instances++;
	listing->count = listing->count_before;
	listing->bytes = listing->bytes_before;
	if (config_service(listing->config, service) == NULL)
		return true;
	instance = keep(listing, LISTED_INSTANCE, service, name, "");
	if (instance == NULL)
		return false;
	instance->tells_jobs = (listing->seen & BIT(MEMBER_JOBS)) != 0;
	for (const struct bound *bound = listing->bound; bound != NULL; bound = bound->next) {
		if (keep(listing, bound->kind, service, name, bound->name) == NULL)
			return false;
	}
	return true;
}

static bool end_service(struct listing *listing)
{
	if ((listing->seen & SERVICE_NEEDS) != SERVICE_NEEDS)
		return odd(listing, "a service lacks its name or its instances with their apps");
	if (listing->first != NULL && strcmp(listing->first, listing->service) != 0)
		return odd(listing, "a service has an instance of another one");
	if (listing->names != listing->instances)
		return odd(listing, "a service has more or fewer names of instances than instances");
	listing->services++;
	return config_service(listing->config, listing->service) == NULL ||
	       keep(listing, LISTED_SERVICE, listing->service, "", "") != NULL;
}

static void begin_service(struct listing *listing)
{
	arena_release(&listing->of_service);
	listing->service = listing->first = NULL;
	listing->names = listing->instances = 0;
	listing->seen = 0;
}

static void begin_instance(struct listing *listing)
{
	arena_release(&listing->of_instance);
	listing->name = listing->service_name = NULL;
	listing->bound = NULL;
	listing->last = &listing->bound;
	listing->count_before = listing->count;
	listing->bytes_before = listing->bytes;
	listing->seen &= ~INSTANCE_MEMBER;
}

/* ---- values ---- */

/* A name that can be one: not empty, and without a NUL. NULL: it is odd, or memory is out. */
static const char *take_name(struct listing *listing, struct arena *arena, const char *text, size_t length)
{
	const char *name;

	if (text == NULL || length == 0 || strlen(text) != length) {
		odd(listing, "a name is empty, too long or no text");
		return NULL;
	}
	name = arena_text(arena, text);
	if (name == NULL)
		no_memory(listing);
	return name;
}

static bool take_bound(struct listing *listing, const char *text, size_t length)
{
	struct bound *bound;

	if (!make_room(listing, length))
		return false;
	bound = arena_alloc(&listing->of_instance, sizeof(*bound));
	if (bound == NULL)
		return no_memory(listing);
	bound->kind = listing->member == MEMBER_APPS ? LISTED_APP : LISTED_JOB;
	bound->name = take_name(listing, &listing->of_instance, text, length);
	*listing->last = bound;
	listing->last = &bound->next;
	return bound->name != NULL;
}

/* What tsuru calls it to the broker, where it has one; "name" may come before or behind it. */
static bool take_id(struct listing *listing, const char *text, size_t length)
{
	if (strspn(text, "0123456789") != length || (text[0] == '0' && length > 1))
		return odd(listing, "an instance's id is no whole number");
	if (strcmp(text, "0") == 0)
		listing->seen &= ~BIT(MEMBER_ID);
	else
		listing->name = take_name(listing, &listing->of_instance, text, length);
	return text[0] == '0' || listing->name != NULL;
}

static bool take_text(struct listing *listing, const char *text, size_t length)
{
	const char **into = listing->member == MEMBER_SERVICE        ? &listing->service
	                    : listing->member == MEMBER_SERVICE_NAME ? &listing->service_name
	                                                             : &listing->name;
	struct arena *arena = listing->member == MEMBER_SERVICE ? &listing->of_service : &listing->of_instance;
	const char *name = take_name(listing, arena, text, length);

	if (listing->member != MEMBER_NAME || (listing->seen & BIT(MEMBER_ID)) == 0)
		*into = name;
	return name != NULL;
}

/* The value of a member: a list and an object lead on, or are passed over. */
static bool take_member(struct listing *listing, enum json_event event, const char *text, size_t length)
{
	const enum member member = listing->member;
	const enum room leads_to = members[member].leads_to;

	if (member == MEMBER_OTHER) {
		listing->skipped = event == JSON_LIST || event == JSON_OBJECT;
		return true;
	}
	if (leads_to != ROOM_OUTSIDE && (event == JSON_LIST || event == JSON_NULL)) {
		listing->room = event == JSON_LIST ? leads_to : listing->room;
		return true;
	}
	if (member == MEMBER_ID && event == JSON_NUMBER)
		return take_id(listing, text, length);
	if (leads_to == ROOM_OUTSIDE && member != MEMBER_ID && event == JSON_TEXT)
		return take_text(listing, text, length);
	error_set(&listing->error, ERR_ANSWER, "tsuru's list of instances is odd: \"%s\" is not what it should be",
	          members[member].name);
	return false;
}

static bool take_member_name(struct listing *listing, const char *text)
{
	listing->member = MEMBER_OTHER;
	for (enum member member = MEMBER_OTHER + 1; text != NULL && member < MEMBER_COUNT; member++) {
		if (members[member].room == listing->room && strcmp(members[member].name, text) == 0)
			listing->member = member;
	}
	if (listing->member == MEMBER_OTHER)
		return true;
	if ((listing->seen & BIT(listing->member)) != 0)
		return odd(listing, "a member stands twice in an object");
	listing->seen |= BIT(listing->member);
	return true;
}

/* ---- rooms ---- */

/* In a list: what its items are, and where they lead to. */
static bool in_list(struct listing *listing, enum json_event event, const char *text, size_t length)
{
	if (event == JSON_OBJECT && listing->room == ROOM_SERVICES) {
		begin_service(listing);
		listing->room = ROOM_SERVICE;
		return true;
	}
	if (event == JSON_OBJECT && listing->room == ROOM_INSTANCES) {
		begin_instance(listing);
		listing->room = ROOM_INSTANCE;
		return true;
	}
	if (event == JSON_TEXT && listing->room == ROOM_BOUND)
		return take_bound(listing, text, length);
	if (event == JSON_TEXT && listing->room == ROOM_NAMES) {
		listing->names++;
		return true;
	}
	return odd(listing, "an item of a list is not what it should be");
}

static bool leave(struct listing *listing)
{
	static const enum room outer[ROOM_COUNT] = {
	    [ROOM_SERVICES] = ROOM_OUTSIDE,  [ROOM_SERVICE] = ROOM_SERVICES,   [ROOM_NAMES] = ROOM_SERVICE,
	    [ROOM_INSTANCES] = ROOM_SERVICE, [ROOM_INSTANCE] = ROOM_INSTANCES, [ROOM_BOUND] = ROOM_INSTANCE,
	};
	const enum room room = listing->room;

	listing->room = outer[room];
	if (room == ROOM_INSTANCE)
		return end_instance(listing);
	return room != ROOM_SERVICE || end_service(listing);
}

static bool skip(struct listing *listing, enum json_event event)
{
	listing->skipped += event == JSON_LIST || event == JSON_OBJECT;
	listing->skipped -= event == JSON_LIST_END || event == JSON_OBJECT_END;
	return true;
}

static bool on_event(void *arg, enum json_event event, const char *text, size_t length)
{
	struct listing *listing = arg;

	if (listing->skipped > 0)
		return skip(listing, event);
	if (event == JSON_LIST_END || event == JSON_OBJECT_END)
		return leave(listing);
	if (event == JSON_NAME)
		return take_member_name(listing, text);
	if (listing->room == ROOM_SERVICE || listing->room == ROOM_INSTANCE)
		return take_member(listing, event, text, length);
	if (listing->room != ROOM_OUTSIDE)
		return in_list(listing, event, text, length);
	listing->room = ROOM_SERVICES;
	return event == JSON_LIST || odd(listing, "it is no list");
}

/* ---- the whole ---- */

struct listing *listing_new(struct config *config)
{
	struct listing *listing = calloc(1, sizeof(*listing));

	if (listing == NULL)
		return NULL;
	listing->config = config_hold(config);
	json_stream_init(&listing->stream, on_event, listing);
	arena_init(&listing->arena);
	arena_init(&listing->of_service);
	arena_init(&listing->of_instance);
	error_clear(&listing->error);
	return listing;
}

bool listing_read(struct listing *listing, const char *bytes, size_t length)
{
	return json_stream_read(&listing->stream, bytes, length) || odd(listing, "it is no JSON");
}

int listing_end(struct listing *listing, struct error *error)
{
	if (!json_stream_end(&listing->stream))
		odd(listing, "it is no JSON, or it was cut off");
	else if (listing->services == 0)
		odd(listing, "it has no service; may the token read services?");
	if (listing->error.code != 0)
		return error_set(error, listing->error.code, "%s", listing->error.text);
	return 0;
}

struct listed *listing_first(const struct listing *listing)
{
	return listing->table;
}

void listing_free(struct listing *listing)
{
	if (listing == NULL)
		return;
	HASH_CLEAR(hh, listing->table);
	json_stream_release(&listing->stream);
	arena_release(&listing->of_service);
	arena_release(&listing->of_instance);
	arena_release(&listing->arena);
	config_free(listing->config);
	free(listing);
}
