/* Servers that make the program compute while it logs in: the log tells each login that was left to its thread. The
 * health of such a server is told, too, by its driver's own failures. */
#include "cli/logins.h"

#include "driver/login.h"

static void on_held(void *arg, const char *service, const char *server, const char *whose, int times)
{
	const struct program *program = arg;
	struct log_line line;

	log_begin(&line, &program->log, LOG_WARNING, "login-computes");
	log_text(&line, "service", service);
	log_text(&line, "server", server);
	log_text(&line, "login_of", whose);
	log_number(&line, "times", times);
	log_text(&line, "reason",
	         "what the server answers to a login makes the broker compute for long (SCRAM iterations, keys or TLS "
	         "that are out of proportion); it is asked ever more rarely until it lets itself be logged in to");
	log_end(&line);
}

int logins_open(struct program *program, struct error *error)
{
	return logins_new(program->base, program->timers, on_held, program, &program->logins, error);
}

void logins_end(struct program *program)
{
	program->computing = logins_close(program->logins);
}
