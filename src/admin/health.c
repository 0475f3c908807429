/* GET /health: the process lives. GET /ready: it can do its work. GET /active: and does it itself. GET /metrics: all
 * figures. */
#include "admin/internal.h"
#include "store/members.h"

static void add_configuration(const struct admin_server *admin, struct text *json)
{
	const char *error = admin->options.program.configuration_error(admin->options.program.arg);

	text_add(json, ",\"configuration\":");
	text_add_json(json, error != NULL ? error : "good");
}

static void add_sentence(struct text *json, const char *name, const struct error *error)
{
	if (error->code == 0)
		return;
	text_add_format(json, ",\"%s\":", name);
	text_add_json(json, error->text);
}

/* What its view lacked when this broker told of itself last, and how old it is; as long as they are known. */
static void add_lag(const struct store *store, struct text *json)
{
	const struct store_member *self = members_self(store_members(store));
	const int64_t age = store_age(store);

	if (self != NULL)
		text_add_format(json, ",\"lag_revisions\":%llu", (unsigned long long)self->behind);
	if (age != STORE_NEVER)
		text_add_format(json, ",\"age_seconds\":%lld", (long long)age / 1000);
}

/* Nothing where the store is not shared. */
static void add_standing(const struct admin_server *admin, struct text *json)
{
	const struct store_standing *standing = store_standing(admin->options.store);

	if (standing->role == STORE_ALONE)
		return;
	text_add_format(json, ",\"role\":\"%s\",\"epoch\":%llu,\"active\":", store_role_name(standing->role),
	                (unsigned long long)standing->epoch);
	text_add_json(json, standing->active);
	add_lag(admin->options.store, json);
	add_sentence(json, "trouble", &standing->trouble);
	add_sentence(json, "outdated", &standing->outdated);
	text_add(json, ",\"warnings\":");
	view_list_warnings(broker_view(admin->options.broker), json);
}

static void answer(struct http_request *http, int status, const struct text *json)
{
	struct error error;

	if (!json->failed) {
		http_reply_json(http, status, text_string(json));
		return;
	}
	error_no_memory(&error);
	http_reply_error(http, &error);
}

void admin_health(void *arg, struct http_request *http)
{
	const struct admin_server *admin = arg;
	const struct admin_program *program = &admin->options.program;
	struct text json;

	text_init(&json, ANSWER_MAX);
	text_add(&json, "{\"status\":\"ok\",\"version\":");
	text_add_json(&json, program->version);
	text_add_format(&json, ",\"uptime_seconds\":%lld",
	                (long long)(timers_now(admin->options.timers) - program->began) / 1000);
	add_standing(admin, &json);
	add_configuration(admin, &json);
	text_add(&json, "}");
	answer(http, 200, &json);
	text_release(&json);
}

/* It stands by, and passes on what it is asked. */
static bool passes_on(const struct admin_server *admin)
{
	char address[RELAY_ADDRESS_MAX + 1];

	standby_find_address(&admin->standby, RELAY_SERVICE, address);
	return store_standing(admin->options.store)->role == STORE_STANDBY && address[0] != '\0';
}

static bool is_active(const struct admin_server *admin, struct error *error)
{
	int rc = broker_has_begun(admin->options.broker, error);

	if (store_broken(admin->options.store))
		rc = error_set(error, ERR_INTERNAL, "a write failed; restart the broker");
	return rc == 0;
}

/* A server that is down keeps no other from being used: it is told, and the broker is ready. */
static int write_ready(const struct admin_server *admin, struct text *json)
{
	struct error error;
	const bool active = is_active(admin, &error);
	const bool ready = active || passes_on(admin);

	text_add_format(json, "{\"ready\":%s,\"store\":", ready ? "true" : "false");
	text_add_json(json, active ? "writable" : error.text);
	add_standing(admin, json);
	add_configuration(admin, json);
	text_add(json, ",\"servers\":");
	view_list_servers(broker_view(admin->options.broker), json);
	text_add(json, ",\"missing_services\":");
	view_list_missing(broker_view(admin->options.broker), json);
	text_add_format(json, ",\"logins_to_end\":%zu", view_count_lingering(broker_view(admin->options.broker)));
	view_show_tsuru(broker_view(admin->options.broker), json);
	text_add(json, "}");
	return ready ? 200 : 503;
}

void admin_ready(void *arg, struct http_request *http)
{
	struct admin_server *admin = arg;

	open_answer_renew(admin, &admin->ready, write_ready);
	answer(http, admin->ready.status, &admin->ready.text);
}

void admin_active(void *arg, struct http_request *http)
{
	const struct admin_server *admin = arg;
	struct error error;

	if (is_active(admin, &error))
		http_reply_json(http, 200, "{\"active\":true}");
	else
		http_reply_json(http, 503, "{\"active\":false}");
}

static int write_metrics(const struct admin_server *admin, struct text *text)
{
	metrics_render(admin->options.metrics, text);
	return 200;
}

void admin_metrics(void *arg, struct http_request *http)
{
	struct admin_server *admin = arg;

	if (open_answer_renew(admin, &admin->metrics, write_metrics))
		http_reply_text(http, admin->metrics.status, text_string(&admin->metrics.text));
	else
		http_reply_text(http, 503, "");
}
