/* Any program as a server: the vtable, the configuration's keys, and how each server's program is called. */
#include "exec.h"

#include <string.h>

#include "driver/drivers.h"
#include "model/template.h"

#define MIB ((int64_t)1024 * 1024)

/* ---- keys ---- */

static int check_path(const char *name, const char *value, struct error *error)
{
	if (value[0] == '/')
		return 0;
	return error_set(error, ERR_INVALID, "\"%s\" is \"%.100s\"; it must be an absolute path", name, value);
}

static int check_variable(const char *name, const char *value, struct error *error)
{
	(void)value;
	return template_check_name(name, error);
}

static const struct config_key server_keys[] = {
    {.name = "command",
     .type = KEY_TEXT,
     .required = true,
     .min = 1,
     .max = 3000,
     .check = check_path,
     .help = "the program, by its absolute path"},
    {.name = "args", .type = KEY_LIST, .max = ARGUMENTS_MAX, .help = "its arguments before the action"},
    {.name = "env",
     .type = KEY_MAP,
     .max = 256,
     .check = check_variable,
     .secret = true,
     .help = "its environment, beside PATH, HOME and LANG"},
    {.name = "directory",
     .type = KEY_TEXT,
     .fallback = "/",
     .min = 1,
     .max = 3000,
     .check = check_path,
     .help = "where it runs"},
    {.name = "output_bytes",
     .type = KEY_SIZE,
     .fallback = "1MiB",
     .min = 1024,
     .max = 64 * MIB,
     .help = "of an answer"},
    {.name = "memory",
     .type = KEY_SIZE,
     .fallback = "0",
     .max = 1024 * 1024 * MIB,
     .help = "address space of each of its processes; 0: no limit"},
    {.name = "user", .type = KEY_TEXT, .min = 1, .max = 64, .help = "whom it runs as; the broker's user if absent"},
    {.name = "group", .type = KEY_TEXT, .min = 1, .max = 64, .help = "its group; the user's own if absent"},
    {.name = NULL},
};

static const struct config_key plan_keys[] = {
    {.name = "options", .type = KEY_MAP, .max = 256, .help = "texts that the program is given with the plan"},
    {.name = "actions",
     .type = KEY_LIST,
     .max = 32,
     .check = exec_check_action,
     .help = "actions of the program's own that users may have done: [reindex, flush]"},
    {.name = NULL},
};

/* ---- open and close ---- */

/* Unless the configuration gives them. */
static const struct pair usual[] = {
    {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
    {"HOME", "/nonexistent"},
    {"LANG", "C.UTF-8"},
};

static bool is_given(const struct option *given, const char *name)
{
	for (size_t i = 0; i < given->value.map.count; i++)
		if (strcmp(given->value.map.items[i].name, name) == 0)
			return true;
	return false;
}

static void fill_environment(const struct option *given, struct exec_place *place)
{
	struct arena *arena = &place->arena;
	const size_t usual_count = sizeof(usual) / sizeof(*usual), given_count = given->value.map.count;
	size_t count = 0;

	place->environment = arena_alloc(arena, (usual_count + given_count + 1) * sizeof(*place->environment));
	if (place->environment == NULL)
		return;
	for (size_t i = 0; i < usual_count; i++)
		if (!is_given(given, usual[i].name))
			place->environment[count++] = arena_format(arena, "%s=%s", usual[i].name, usual[i].value);
	for (size_t i = 0; i < given_count; i++)
		place->environment[count++] =
		    arena_format(arena, "%s=%s", given->value.map.items[i].name, given->value.map.items[i].value);
}

static void fill_arguments(const struct options *options, struct exec_place *place)
{
	const struct option *args = options_find(options, "args");

	place->arguments[place->argument_count++] = options_text(options, "command");
	for (size_t i = 0; i < args->value.list.count; i++)
		place->arguments[place->argument_count++] = args->value.list.items[i];
}

static int fill_user(const struct server *server, struct exec_place *place, struct error *error)
{
	const char *user = options_text(&server->options, "user"), *group = options_text(&server->options, "group");
	struct error reason;

	if (user == NULL && group == NULL)
		return 0;
	place->user = arena_alloc(&place->arena, sizeof(*place->user));
	if (place->user == NULL)
		return error_no_memory(error);
	if (user == NULL)
		error_set(&reason, ERR_INVALID, "\"group\" needs a \"user\"");
	else if (user_find(user, group, place->user, &reason) == 0)
		return 0;
	return error_set(error, reason.code, "the server \"%s\": %s", server->name, reason.text);
}

static void close_place(void *arg)
{
	struct exec_place *place = arg;

	processes_forget(&place->processes);
	arena_wipe(&place->arena); /* environments hold passwords */
}

static int open_place(const struct backend *backend, const struct server *server, void *arg, struct error *error)
{
	struct exec_place *place = arg;
	const struct options *options = &server->options;

	(void)backend;
	LIST_INIT(&place->processes);
	arena_init(&place->arena);
	place->directory = options_text(options, "directory");
	place->output_max = (size_t)options_number(options, "output_bytes");
	place->memory = options_number(options, "memory");
	fill_arguments(options, place);
	fill_environment(options_find(options, "env"), place);
	if (arena_failed(&place->arena))
		return error_no_memory(error);
	return fill_user(server, place, error);
}

/* ---- the vtable ---- */

static const struct pair environment[] = {{NULL, NULL}};

const struct driver driver_exec = {
    .name = "exec",
    .server_keys = server_keys,
    .plan_keys = plan_keys,
    .instance_name_max = BACKEND_NAME_MAX,
    .login_name_max = BACKEND_NAME_MAX,
    .variables = NULL,
    .environment = environment,
    .instance_parameters = NULL,
    .bind_parameters = NULL,
    .hands_down_read_only = true,
    .retires = true,
    .actions_key = "actions",
    .validate = driver_validate_nothing,
    .host_size = sizeof(struct exec_place),
    .open_host = open_place,
    .close_host = close_place,
    .work_size = sizeof(struct exec_work),
    .begin = exec_begin,
    .end = exec_end,
    .steps =
        {
            [CALL_PROVISION] = exec_steps,
            [CALL_UPDATE] = exec_steps,
            [CALL_DEPROVISION] = exec_steps,
            [CALL_BIND] = exec_steps,
            [CALL_UNBIND] = exec_steps,
            [CALL_CHECK] = exec_steps,
            [CALL_OBSERVE] = exec_steps,
            [CALL_RETIRE] = exec_steps,
            [CALL_RESTORE] = exec_steps,
            [CALL_INSPECT] = exec_steps,
            [CALL_LIST] = exec_steps,
            [CALL_ADOPT] = exec_steps,
            [CALL_ACT] = exec_steps,
        },
};
