/* check and observe: how a server and an instance are. RabbitMQ's numbers are some seconds old. */
#include "work.h"

#define GUEST "guest"

/* ---- check ---- */

/* The user that RabbitMQ is installed with. */
static void warn_of_guest(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	if (found && rabbitmq_answer_password_fits(answer, GUEST))
		call_result(work->call, CHECK_WARNING,
		            "the user \"" GUEST "\" has the password that everybody knows, and may reach every vhost: "
		            "rabbitmqctl delete_user " GUEST);
	call_next(work->call);
}

static void step_look_at_guest(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "users", GUEST, NULL);
	rabbitmq_ask(work, "GET", warn_of_guest);
}

const struct step rabbitmq_check_steps[] = {
    {"answer_the_broker", rabbitmq_step_check_admin},
    {"look_for_an_open_user", step_look_at_guest},
    {NULL, NULL},
};

/* ---- observe ---- */

static void show_vhost(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	if (!found) {
		call_fail(work->call, ERR_NOT_FOUND, "there is no vhost \"%s\"", work->vhost);
		return;
	}
	if (!rabbitmq_answer_runs(answer)) {
		call_fail(work->call, ERR_UNAVAILABLE, "the vhost \"%s\" runs on no node", work->vhost);
		return;
	}
	call_tell(work->call, "Messages", "%lld", (long long)rabbitmq_answer_number(answer, "messages"));
	call_next(work->call);
}

static void step_show_vhost(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "vhosts", work->vhost, NULL);
	rabbitmq_ask(work, "GET", show_vhost);
}

static void show_queues(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	(void)found;
	call_tell(work->call, "Queues", "%zu", rabbitmq_answer_count(answer));
	call_tell(work->call, "Consumers", "%lld", (long long)rabbitmq_answer_sum(answer, "consumers"));
	call_next(work->call);
}

static void step_show_queues(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "queues", work->vhost, NULL);
	text_add(&work->path, "?columns=consumers");
	rabbitmq_ask(work, "GET", show_queues);
}

static void show_connections(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	(void)found;
	call_tell(work->call, "Connections", "%zu", rabbitmq_answer_count(answer));
	call_next(work->call);
}

static void step_show_connections(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "vhosts", work->vhost, "connections", NULL);
	text_add(&work->path, "?columns=protocol");
	rabbitmq_ask(work, "GET", show_connections);
}

const struct step rabbitmq_observe_steps[] = {
    {"answer_the_broker", rabbitmq_step_check_admin},
    {"show_the_vhost", step_show_vhost},
    {"show_its_queues", step_show_queues},
    {"show_its_connections", step_show_connections},
    {NULL, NULL},
};
