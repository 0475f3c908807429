/* Limits of connections that fit under the process's limit of open files. */
#include <string.h>

#include "config/config.h"

#define ELSEWHERE  128 /* files for the store, the log, the loop, listeners and a reload */
#define FOR_A_CALL 4   /* files of a call: connections to its server, or the pipes of a program */
#define LEAST      8   /* the fewest connections that a listener gets */

static int64_t calls_at_once(const struct server *server)
{
	int64_t most = server->parallel;

	for (size_t i = 0; i < server->options.count; i++) {
		const struct option *option = &server->options.items[i];

		if (strcmp(option->key->name, "connections") == 0 && option->value.number > most)
			most = option->value.number;
	}
	return most;
}

static int64_t files_elsewhere(const struct config *config)
{
	int64_t files = ELSEWHERE + (config->store != NULL ? config->limits.requests : 0); /* that are passed on */

	for (size_t i = 0; i < config->service_count; i++) {
		for (size_t j = 0; j < config->services[i].server_count; j++)
			files += FOR_A_CALL * calls_at_once(&config->services[i].servers[j]);
	}
	return files;
}

static int64_t least_of(int64_t left, int64_t right)
{
	return left < right ? left : right;
}

static int64_t at_least(int64_t number)
{
	return number > LEAST ? number : LEAST;
}

/* Connections get what files are left by the rest, and half of all files at least. Where that is too few, operators get
 * a third of it at most. */
bool config_fit_files(struct config *config, int64_t files)
{
	struct limits *limits = &config->limits;
	const int64_t room = files - least_of(files_elsewhere(config), files / 2);
	const int64_t operators = config->admin != NULL ? limits->admin_connections : 0;

	if (limits->connections + operators <= room)
		return true;
	if (operators > 0)
		limits->admin_connections = at_least(least_of(operators, room / 3));
	limits->connections =
	    least_of(limits->connections, at_least(room - (operators > 0 ? limits->admin_connections : 0)));
	return false;
}
