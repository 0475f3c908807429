/* Binds of apps and jobs: whose credentials are kept, restored or made anew (sequences S4, S6, S7 and S8).
 *
 * A bind of the same event as the last unbind takes that unbind back: the very same credentials. A repeat of the event
 * that made the bind gets the same, too. Every other bind of something bound gets a new password, and the old one ends:
 * tsuru forgot the earlier bind, or the app's name is somebody else's by now. */
#include <cjson/cJSON.h>
#include <string.h>

#include "model/parameters.h"
#include "queue/queue.h"
#include "requests/accept.h"
#include "requests/bind.h"

int bind_new_secret(struct intent *intent, struct bind *bind)
{
	size_t length = PASSWORD_LENGTH + SECRET_SEAL_OVERHEAD;
	unsigned char *sealed = arena_alloc(&intent->arena, length);
	char password[PASSWORD_LENGTH + 1];
	struct text context;

	text_init(&context, STORE_KEY_MAX);
	bind_context(bind, &context);
	if (sealed == NULL || context.failed) {
		text_release(&context);
		return error_no_memory(&intent->error);
	}
	secret_password(password);
	keyring_seal(intent->requests->life->keyring, text_string(&context), password, PASSWORD_LENGTH, sealed);
	secret_wipe(password, sizeof(password));
	text_release(&context);
	bind->secret = sealed;
	bind->secret_length = length;
	bind->version++;
	return 0;
}

/* asked: what the request asks for, by which parameters. */
static int make_bind(struct intent *intent, const struct instance *instance, const struct bind *asked,
                     struct bind *ret_bind)
{
	const struct broker_request *request = intent->request;
	const struct driver *driver = intent->offering->backend->driver;
	const struct name_rule rule = {.max = driver->login_name_max, .reserved = driver->reserved_names};
	char *login = arena_alloc(&intent->arena, BACKEND_NAME_MAX + 1);

	if (login == NULL)
		return error_no_memory(&intent->error);
	name_login(login, &rule, instance->service, instance->name, instance->incarnation, request->bind_kind,
	           request->bind_name);
	*ret_bind = (struct bind){
	    .incarnation = instance->incarnation,
	    .kind = asked->kind,
	    .name = asked->name,
	    .login = login,
	    .parameters = asked->parameters,
	    .sent = asked->sent,
	    .whereabouts = request->whereabouts,
	    .event = request->caller.event,
	    .made_by = request->caller.repeat,
	    .state = BIND_BINDING,
	    .oldest = 1,
	    .created_at = timers_wall(intent->requests->catalog->timers),
	};
	return bind_new_secret(intent, ret_bind);
}

/* What tsuru says of the app now holds from now on; an unbind that is taken back without a word leaves it as it was. */
static void place_bind(struct bind *bind, const struct broker_request *request, bool undo)
{
	static const struct whereabouts none = {0};

	if (!undo || !whereabouts_same(&request->whereabouts, &none))
		bind->whereabouts = request->whereabouts;
}

/* Queues the operation that makes the record true, and writes both. */
static enum intent_next commit_bind(struct intent *intent, struct held_instance *instance, struct bind *bind,
                                    uint64_t base, bool renew)
{
	const struct operation operation = {
	    .kind = OPERATION_BIND,
	    .bind_kind = bind->kind,
	    .bind_name = bind->name,
	    .bind_version = bind->version,
	    .renew = renew,
	};
	int rc = accept_work(intent, &instance->record);

	if (rc == 0)
		rc = intent_add_operation(intent, &instance->record, &operation, &bind->operation);
	if (rc != 0)
		return INTENT_REFUSE;
	bind->user = intent->request->caller.user;
	bind->failure = NULL;
	bind->updated_at = timers_wall(intent->requests->catalog->timers);
	changes_put_bind(&intent->changes, KEYSPACE_BINDS, bind, base);
	changes_delete_bind(&intent->changes, KEYSPACE_UNBOUND, bind, REVISION_ANY);
	if (instance->record.was_bound) {
		changes_check_instance(&intent->changes, instance);
	} else {
		instance->record.was_bound = true;
		changes_put_instance(&intent->changes, KEYSPACE_INSTANCES, &instance->record, instance->revision);
	}
	return INTENT_COMMIT;
}

/* Nothing is bound under this name; an unbind of the same event may have left what to restore. */
static enum intent_next decide_new(struct intent *intent, struct held_instance *instance, const struct bind *asked)
{
	const struct broker_request *request = intent->request;
	struct held_bind unbound;
	struct bind bind;
	int rc = intent_find_bind(intent, KEYSPACE_UNBOUND, instance->record.incarnation, &unbound);

	if (rc != 0 && rc != ERR_NOT_FOUND)
		return INTENT_REFUSE;
	if (rc == 0 && same_event(request->caller.event, unbound.record.unbind_event)) {
		bind = unbound.record;
		bind.event = request->caller.event;
		bind.made_by = request->caller.repeat;
		bind.unbind_event = NULL;
		bind.version++;
		place_bind(&bind, request, true);
		rc = bind_move(&bind, BIND_BINDING, &intent->error);
	} else {
		rc = make_bind(intent, &instance->record, asked, &bind);
	}
	return rc == 0 ? commit_bind(intent, instance, &bind, REVISION_ABSENT, false) : INTENT_REFUSE;
}

/* Whether it is this very request's, which was forwarded and comes again. */
static bool is_own(const struct intent *intent, const struct bind *bind)
{
	return same_event(intent->request->caller.repeat, bind->made_by) ||
	       (intent->repeated != NULL && intent->repeated->bind_version == bind->version);
}

/* Whether what is asked for is the bind as it is: by its event again, or by a copy of the request. */
static bool is_repeat(const struct intent *intent, const struct bind *bind)
{
	return bind->state != BIND_UNBINDING &&
	       (is_own(intent, bind) || same_event(intent->request->caller.event, bind->event));
}

/* Whoever asked before has given up, or is answered the same; from now on it is this event's bind, and a repeat of it
 * gets the same, too. */
static enum intent_next join_bind(struct intent *intent, struct held_bind *held)
{
	const struct caller *caller = &intent->request->caller;
	struct bind *bind = &held->record;
	const bool has_event = caller->event != NULL && caller->event[0] != '\0';
	const bool known =
	    has_event ? same_event(caller->event, bind->event) : caller->repeat == NULL || is_own(intent, bind);

	if (known)
		return intent_join(intent, bind->incarnation, bind->operation, OPERATION_BIND);
	bind->event = has_event ? caller->event : bind->event;
	bind->made_by = caller->repeat;
	bind->updated_at = timers_wall(intent->requests->catalog->timers);
	changes_put_bind(&intent->changes, KEYSPACE_BINDS, bind, held->revision);
	return INTENT_COMMIT_AGAIN;
}

/* A record exists: a retry, an undone unbind, or somebody new under the name. */
static enum intent_next decide_again(struct intent *intent, struct held_instance *instance, const struct bind *asked,
                                     struct held_bind *held)
{
	const struct broker_request *request = intent->request;
	struct bind *bind = &held->record;
	bool undo = bind->state == BIND_UNBINDING && same_event(request->caller.event, bind->unbind_event);
	bool repeat = is_repeat(intent, bind);
	int rc = 0;

	if (bind->state == BIND_BINDING && !bind_is_left(intent->requests->catalog->records, bind) &&
	    (repeat || same_text(bind->parameters, asked->parameters)) &&
	    whereabouts_same(&bind->whereabouts, &request->whereabouts))
		return join_bind(intent, held);
	if (!repeat) {
		bind->event = request->caller.event;
		bind->made_by = request->caller.repeat;
	}
	if (!undo && !repeat) {
		bind->parameters = asked->parameters;
		bind->sent = asked->sent;
		rc = bind_new_secret(intent, bind);
	}
	if (undo)
		bind->version++;
	bind->unbind_event = NULL;
	place_bind(bind, request, undo);
	if (rc == 0)
		rc = bind_move(bind, BIND_BINDING, &intent->error);
	return rc == 0 ? commit_bind(intent, instance, bind, held->revision, !undo && !repeat) : INTENT_REFUSE;
}

/* It was done, and answered or not, and is not any more: its credentials are dead, or somebody else's. */
static enum intent_next refuse_overtaken(struct intent *intent)
{
	error_set(&intent->error, ERR_CANCELED,
	          "the %s \"%s\" was bound to the instance \"%s\", and has been unbound or bound anew since",
	          bind_kind_name(intent->request->bind_kind), intent->request->bind_name, intent->request->instance);
	return INTENT_REFUSE;
}

int bind_check_request(struct intent *intent)
{
	const struct broker_request *request = intent->request;

	return request->bind_by_host ? bind_check_host(request->bind_name, &intent->error)
	                             : bind_check_name(request->bind_kind, request->bind_name, &intent->error);
}

static int check_request(struct intent *intent, struct held_instance *ret_instance)
{
	const struct plan *plan = NULL;
	int rc = bind_check_request(intent);

	if (rc == 0)
		rc = intent_find_instance(intent, ret_instance);
	if (rc == 0)
		rc = accept_living(intent, &ret_instance->record);
	if (rc == 0)
		rc = accept_plan(intent, ret_instance->record.wanted_plan, &plan);
	return rc != 0 ? rc : accept_parameters(intent, plan, true);
}

static int find_parameters(struct intent *intent, const struct instance *instance, struct bind *asked)
{
	struct cJSON *from;
	int rc = parameters_parse(instance->parameters, &from, &intent->error);

	if (rc != 0)
		return rc;
	rc = accept_bind_parameters(intent, from, intent->request->parameters, asked);
	cJSON_Delete(from);
	return rc;
}

static enum intent_next decide_bind(struct intent *intent)
{
	const struct broker_request *request = intent->request;
	struct bind asked = {.kind = request->bind_kind, .name = request->bind_name};
	struct held_instance instance;
	struct held_bind held;
	int rc = check_request(intent, &instance);

	if (rc == 0)
		rc = find_parameters(intent, &instance.record, &asked);
	if (rc != 0)
		return INTENT_REFUSE;
	rc = intent_find_bind(intent, KEYSPACE_BINDS, instance.record.incarnation, &held);
	if (rc != 0 && rc != ERR_NOT_FOUND)
		return INTENT_REFUSE;
	if (intent->repeated != NULL && (rc != 0 || !is_repeat(intent, &held.record)))
		return refuse_overtaken(intent);
	if (rc == ERR_NOT_FOUND)
		return decide_new(intent, &instance, &asked);
	return decide_again(intent, &instance, &asked, &held);
}

const struct asked ask_bind = {decide_bind, INTENT_NEEDS_ANSWER};

/* ---- new passwords, and ends ---- */

int bind_rotate(struct intent *intent, const struct instance *instance, struct held_bind *held)
{
	struct bind *bind = &held->record;
	const struct operation rotate = {
	    .kind = OPERATION_ROTATE, .bind_kind = bind->kind, .bind_name = bind->name, .renew = true};
	int rc = bind_move(bind, BIND_BINDING, &intent->error);

	if (rc == 0)
		rc = intent_add_operation(intent, instance, &rotate, &bind->operation);
	changes_put_bind(&intent->changes, KEYSPACE_BINDS, bind, held->revision);
	return rc;
}

int bind_end(struct intent *intent, const struct instance *instance, struct held_bind *held)
{
	const struct operation unbind = {
	    .kind = OPERATION_UNBIND, .bind_kind = held->record.kind, .bind_name = held->record.name};
	struct bind *bind = &held->record;
	const int64_t wall = timers_wall(intent->requests->catalog->timers);
	int rc = bind_move_to_end(bind, wall, &intent->error);

	if (rc == 0)
		rc = intent_add_operation(intent, instance, &unbind, &bind->operation);
	bind->updated_at = wall;
	changes_put_bind(&intent->changes, KEYSPACE_BINDS, bind, held->revision);
	return rc;
}
