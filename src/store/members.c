/* What is seen in what the brokers that share a store have told of themselves. */
#include "store/members.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define GONE_MS 15000

#define NAMED_MAX 4 /* brokers, in a sentence */

const char *store_role_name(enum store_role role)
{
	static const char *const names[] = {
	    [STORE_ALONE] = "", [STORE_STANDBY] = "standby", [STORE_ACTIVE] = "active", [STORE_DEPOSED] = "deposed"};

	return names[role];
}

const struct store_member *members_self(const struct store_members *members)
{
	for (size_t i = 0; i < members->count; i++)
		if (members->items[i].is_self)
			return &members->items[i];
	return NULL;
}

const struct store_member *members_standby(const struct store_members *members)
{
	for (size_t i = 0; i < members->count; i++) {
		const struct store_member *member = &members->items[i];

		if (member->role == STORE_STANDBY && !member->is_gone && !member->is_self)
			return member;
	}
	return NULL;
}

bool members_has_others(const struct store_members *members)
{
	for (size_t i = 0; i < members->count; i++) {
		if (!members->items[i].is_self && !members->items[i].is_gone)
			return true;
	}
	return false;
}

/* A row of the same name that has told since this one began is another's that lives: one of an earlier life of this
 * broker has not, and is no double of the later one either. */
static bool is_double(const struct store_member *self, const struct store_member *other)
{
	return strcmp(self->name, other->name) == 0 && !self->is_gone && other->told < self->began &&
	       other->told < GONE_MS;
}

static const struct store_member *find_active(const struct store_members *members)
{
	const struct store_member *active = NULL;

	for (size_t i = 0; i < members->count; i++) {
		const struct store_member *member = &members->items[i];

		if (member->role == STORE_ACTIVE && !member->is_gone &&
		    (active == NULL || member->since < active->since))
			active = member;
	}
	return active;
}

static bool differs(const struct store_member *active, const struct store_member *member)
{
	return active != NULL && member != active && !member->is_gone && active->configuration[0] != '\0' &&
	       member->configuration[0] != '\0' && strcmp(active->version, member->version) == 0 &&
	       strcmp(active->configuration, member->configuration) != 0;
}

/* One that was killed has had no time to tell that it is the active one no more. */
static void judge_all(struct store_members *members)
{
	const struct store_member *active;

	for (size_t i = 0; i < members->count; i++)
		members->items[i].is_gone = members->items[i].told >= GONE_MS && !members->items[i].is_self;
	active = find_active(members);
	for (size_t i = 0; i < members->count; i++) {
		struct store_member *member = &members->items[i];

		if (member->role == STORE_ACTIVE && member != active)
			member->role = STORE_DEPOSED;
		member->differs = differs(active, member);
		member->is_double = false;
		for (size_t j = 0; j < members->count; j++)
			member->is_double |= j != i && is_double(member, &members->items[j]);
	}
}

void members_judge(struct store_members *members)
{
	const struct store_member *self;
	bool *warns = members->warns;

	judge_all(members);
	self = members_self(members);
	memset(warns, 0, sizeof(members->warns));
	warns[STORE_WARNING_UNKNOWN] = members->trouble.code != 0;
	if (self == NULL)
		return;
	warns[STORE_WARNING_NAME] = self->is_double;
	warns[STORE_WARNING_CONFIGURATION] = self->differs;
	for (size_t i = 0; i < members->count && self->role == STORE_ACTIVE; i++)
		warns[STORE_WARNING_CONFIGURATION] |= members->items[i].differs;
	warns[STORE_WARNING_ASYNCHRONOUS] =
	    self->role == STORE_ACTIVE && members->standbys > 0 && !members->is_synchronous;
}

/* ---- in words ---- */

const char *store_warning_name(enum store_warning warning)
{
	static const char *const names[STORE_WARNING_COUNT] = {
	    [STORE_WARNING_NAME] = "replica-name-taken",
	    [STORE_WARNING_CONFIGURATION] = "configuration-differs",
	    [STORE_WARNING_ASYNCHRONOUS] = "no-synchronous-standby",
	    [STORE_WARNING_UNKNOWN] = "replicas-unknown",
	};

	return names[warning];
}

/* Those that differ from the active one: "first", "second". */
static void list_differing(const struct store_members *members, struct text *text)
{
	size_t count = 0;

	for (size_t i = 0; i < members->count; i++) {
		if (members->items[i].differs && count++ < NAMED_MAX)
			text_add_format(text, "%s\"%s\"", count > 1 ? ", " : "", members->items[i].name);
	}
	if (count > NAMED_MAX)
		text_add_format(text, " and %zu more", count - NAMED_MAX);
}

static void write_warning(const struct store_members *members, enum store_warning warning, struct text *text)
{
	const struct store_member *self = members_self(members);
	const struct store_member *active = find_active(members);

	switch (warning) {
	case STORE_WARNING_NAME:
		text_add_format(text,
		                "another broker that shares the store is called \"%s\", too: each needs a name "
		                "of its own (store.name)",
		                self->name);
		break;
	case STORE_WARNING_CONFIGURATION:
		list_differing(members, text);
		text_add_format(text, ": not the configuration of the active broker, \"%s\"",
		                active != NULL ? active->name : "");
		break;
	case STORE_WARNING_ASYNCHRONOUS:
		text_add_format(text,
		                "the store's PostgreSQL has %llu standby(s), and no commit waits for one "
		                "(synchronous_standby_names is empty): a failover may lose what was acknowledged",
		                (unsigned long long)members->standbys);
		break;
	case STORE_WARNING_UNKNOWN:
		text_add(text, members->trouble.text);
		break;
	case STORE_WARNING_COUNT:
		break;
	}
}

void store_warning_text(const struct store_members *members, enum store_warning warning, char *ret_text, size_t size)
{
	struct text text;

	text_init(&text, size - 1);
	if (members->warns[warning])
		write_warning(members, warning, &text);
	snprintf(ret_text, size, "%s", text.failed ? "the broker is out of memory" : text_string(&text));
	text_release(&text);
}
