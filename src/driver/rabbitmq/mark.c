/* read_mark and write_mark. The mark is a global parameter of the server, which only administrators and policymakers
 * can change; a cluster has it on all nodes. Vhosts, users and tags were thought of: a vhost costs the server
 * processes, a tag an atom for ever with each mark. */
#include "work.h"

static void tell_mark(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	const char *mark = rabbitmq_answer_text(answer, "value");

	if (found)
		call_result(work->call, MARK_RESULT, mark != NULL ? mark : "");
	call_next(work->call);
}

static void step_read_mark(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_mark_path(work);
	rabbitmq_ask(work, "GET", tell_mark);
}

static void step_write_mark(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_mark_path(work);
	text_add(&work->body, "{\"name\":\"" RABBITMQ_MARK "\",\"value\":");
	text_add_json(&work->body, work->call->mark);
	text_add(&work->body, "}");
	rabbitmq_ask(work, "PUT", rabbitmq_go_on);
}

const struct step rabbitmq_read_mark_steps[] = {
    {"answer_the_broker", rabbitmq_step_check_admin},
    {"read_the_mark", step_read_mark},
    {NULL, NULL},
};

const struct step rabbitmq_write_mark_steps[] = {
    {"answer_the_broker", rabbitmq_step_check_admin},
    {"write_the_mark", step_write_mark},
    {NULL, NULL},
};
