/* What tests say to the pretended servers, and see of them, behind the broker's back. */
#include "driver/scripted/scripted.h"
#include "driver/scripted/state.h"

/* ---- rules ---- */

void scripted_rule(void *state, enum call_kind kind, enum scripted_behaviour behaviour, int times, int64_t delay_ms,
                   int code)
{
	struct scripted *scripted = state;
	const struct rule rule = {
	    .kind = kind, .behaviour = behaviour, .times = times == 0 ? -1 : times, .delay = delay_ms, .code = code};

	if (rules_add(&scripted->rules, &rule, NULL) != 0)
		scripted->is_short = true;
}

void scripted_clear_rules(void *state)
{
	struct scripted *scripted = state;

	rules_release(&scripted->rules);
}

/* ---- what the worlds hold ---- */

static bool is_in_any(const struct scripted *scripted, bool (*holds)(const struct world *world, const char *name),
                      const char *name)
{
	for (size_t i = 0; i < scripted->place_count; i++)
		if (holds(&scripted->places[i].world, name))
			return true;
	return false;
}

static size_t sum_of_worlds(const struct scripted *scripted, size_t (*count)(const struct world *world))
{
	size_t total = 0;

	for (size_t i = 0; i < scripted->place_count; i++)
		total += count(&scripted->places[i].world);
	return total;
}

const char *scripted_plan(void *state, const char *name)
{
	const struct scripted *scripted = state;
	const char *plan = NULL;

	for (size_t i = 0; plan == NULL && i < scripted->place_count; i++)
		plan = world_plan(&scripted->places[i].world, name);
	return plan;
}

bool scripted_has_instance(void *state, const char *name)
{
	return scripted_plan(state, name) != NULL;
}

bool scripted_has_login(void *state, const char *name)
{
	return is_in_any(state, world_has_login, name);
}

bool scripted_is_retired(void *state, const char *name)
{
	return is_in_any(state, world_is_retired, name);
}

bool scripted_password_is(void *state, const char *name, const char *password)
{
	const struct scripted *scripted = state;

	for (size_t i = 0; i < scripted->place_count; i++)
		if (world_password_is(&scripted->places[i].world, name, password))
			return true;
	return false;
}

size_t scripted_instances(void *state)
{
	return sum_of_worlds(state, world_instances);
}

size_t scripted_logins(void *state)
{
	return sum_of_worlds(state, world_logins);
}

const char *scripted_mark(void *state)
{
	const struct scripted *scripted = state;

	return world_mark(&scripted->places[0].world);
}

/* ---- what tests change in them ---- */

void scripted_put_instance(void *state, const char *name, const char *plan)
{
	struct scripted *scripted = state;

	if (world_put_instance(&scripted->places[0].world, name, plan, NULL) != 0)
		scripted->is_short = true;
}

void scripted_drop(void *state, const char *name)
{
	struct scripted *scripted = state;

	for (size_t i = 0; i < scripted->place_count; i++) {
		(void)world_drop_instance(&scripted->places[i].world, name, NULL);
		(void)world_drop_login(&scripted->places[i].world, name, NULL);
	}
}

void scripted_put_mark(void *state, const char *mark)
{
	struct scripted *scripted = state;

	if (world_put_mark(&scripted->places[0].world, mark, NULL) != 0)
		scripted->is_short = true;
}
