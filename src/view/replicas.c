/* The brokers that share the store, for operators: who they are, and what is not as it should be among them. */
#include "base/timer.h"
#include "catalog/host.h"
#include "store/members.h"
#include "view/list.h"

static const char *role_of(const struct store_member *member)
{
	return member->is_gone ? "gone" : store_role_name(member->role);
}

static const char *note_of(const struct store_member *member)
{
	if (member->is_double)
		return "another one has its name";
	return member->is_self ? "this one" : "";
}

/* age: of the list, in ms. */
static void add_member(const struct view *view, const struct store_member *member, int64_t age, struct text *json)
{
	char since[32];

	text_format_time(timers_wall(view->catalog->timers) - age - member->since, since, sizeof(since));
	text_add(json, "{\"name\":");
	text_add_json(json, member->name);
	text_add_format(
	    json, ",\"role\":\"%s\",\"since\":\"%s\",\"revision\":%llu,\"lag\":%llu,\"version\":", role_of(member),
	    since, (unsigned long long)member->revision, (unsigned long long)member->behind);
	text_add_json(json, member->version);
	text_add_format(
	    json, ",\"configuration\":\"%s\",\"told_seconds\":%lld,\"self\":%s,\"name_taken\":%s,\"note\":\"%s\"}",
	    member->differs ? "differs" : "same", (long long)(member->told + age) / 1000,
	    member->is_self ? "true" : "false", member->is_double ? "true" : "false", note_of(member));
}

int view_list_replicas(const struct view *view, struct text *ret_json, struct error *error)
{
	const struct store_members *members = store_members(view->catalog->store);
	const int64_t age = timers_clock() / 1000 - members->seen;

	if (store_standing(view->catalog->store)->role == STORE_ALONE)
		return error_set(error, ERR_NOT_FOUND, "the store is this broker's own: no other shares it");
	if (members->count == 0)
		return error_set(error, ERR_UNAVAILABLE, "the brokers that share the store are not known yet%s%s",
		                 members->trouble.code != 0 ? ": " : "", members->trouble.text);
	text_add_format(ret_json, "{\"seen_seconds\":%lld,\"replicas\":[", (long long)age / 1000);
	for (size_t i = 0; i < members->count; i++) {
		text_add(ret_json, i > 0 ? "," : "");
		add_member(view, &members->items[i], age, ret_json);
	}
	text_add(ret_json, "]}");
	return 0;
}

void view_list_warnings(const struct view *view, struct text *ret_json)
{
	const struct store_members *members = store_members(view->catalog->store);
	const char *comma = "";
	char reason[ERROR_TEXT_MAX];

	text_add(ret_json, "[");
	for (enum store_warning warning = 0; warning < STORE_WARNING_COUNT; warning++) {
		if (!members->warns[warning])
			continue;
		store_warning_text(members, warning, reason, sizeof(reason));
		text_add_format(ret_json, "%s{\"warning\":\"%s\",\"reason\":", comma, store_warning_name(warning));
		text_add_json(ret_json, reason);
		text_add(ret_json, "}");
		comma = ",";
	}
	text_add(ret_json, "]");
}
