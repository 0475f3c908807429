/* Logins: compared, refused or put off. The waiting itself is the connection's (connection_wait). */
#include "http/login.h"

#include "http/auth.h"
#include "http/connection.h"
#include "http/internal.h"

static void answer_wrong(struct http_request *request)
{
	const char *realm = request->site->realm != NULL ? request->site->realm : "";
	const char *challenge = arena_format(&request->arena, "Basic realm=\"%s\", charset=\"UTF-8\"", realm);
	struct error error;

	error_set(&error, ERR_UNAUTHORIZED, "the user or the password is wrong");
	if (request->server->options.on_wrong_login != NULL)
		request->server->options.on_wrong_login(request, &error);
	if (challenge != NULL)
		http_reply_header(request, "WWW-Authenticate", challenge);
	http_reply_error(request, &error);
}

static void answer_early(struct http_request *request)
{
	http_reply_header(request, "Retry-After", "10");
	http_measures_login(request->server->options.measures, request->server->options.name, "early");
	reply_refusal(request, 429, "too many wrong passwords came from this address; this one was not looked at");
}

static void answer(struct http_request *request, enum login login)
{
	if (login == LOGIN_WRONG)
		answer_wrong(request);
	else
		answer_early(request);
}

/* Has it wait for delay ms, if it may. */
static void hold(struct http_request *request, enum login login, int64_t delay)
{
	struct http_server *server = request->server;

	const size_t kept = request->head_length + request->connection->held.length;

	if (server->waiting >= LOGIN_WAITING_MAX || kept > LOGIN_HEAD_MAX) {
		request->head.close = true;
		answer(request, login);
		return;
	}
	if (login != LOGIN_TURN)
		request_drop_body(request);
	request->login = login;
	connection_wait(request->connection, delay);
}

/* For an answer that is not given at once. They are given one behind the other, so that however many ask again once
 * they have theirs, that is a bounded number in a second. Who has gone meanwhile, or was answered at once, is not
 * waited for: no more are in front than wait. */
static int64_t hold_time(struct http_server *server, int64_t now)
{
	const int64_t soonest = now + LOGIN_HOLD, latest = soonest + (int64_t)server->waiting * LOGIN_PACE;
	int64_t at = server->next_answer > soonest ? server->next_answer : soonest;

	if (at > latest)
		at = latest;
	server->next_answer = at + LOGIN_PACE;
	return at - now;
}

static bool compare(struct http_request *request)
{
	struct http_server *server = request->server;
	const int64_t now = timers_now(server->options.timers);
	struct throttle_key key;
	bool held;

	if (request->has_client)
		throttle_key(&request->client, request->site->path, &key);
	if (sites_let_in(request->sites, request->site, request->head.authorization, &request->arena)) {
		if (request->has_client)
			throttle_passed(&server->throttle, &key, now);
		crowd_trust(&server->crowd, &request->connection->place);
		return true;
	}
	http_measures_login(server->options.measures, server->options.name, "wrong");
	held = request->has_client && throttle_failed(&server->throttle, &key, now);
	crowd_distrust(&server->crowd, &request->connection->place);
	if (held && request->login == LOGIN_NONE)
		hold(request, LOGIN_WRONG, hold_time(server, now));
	else
		answer_wrong(request);
	return false;
}

/* Browsers and curl show a password once they were asked for one. */
static void answer_bare(struct http_request *request)
{
	struct http_server *server = request->server;
	const int64_t now = timers_now(server->options.timers);
	struct throttle_key key;
	bool held = false;

	crowd_distrust(&server->crowd, &request->connection->place);
	if (request->has_client) {
		throttle_key(&request->client, request->site->path, &key);
		held = throttle_bare(&server->throttle, &key, now);
	}
	if (held)
		hold(request, LOGIN_WRONG, hold_time(server, now));
	else
		answer_wrong(request);
}

/* What logged in itself is asked for no patience. A proxy's connection is anybody's. */
static bool is_exempt(const struct http_request *request)
{
	return !request->has_client ||
	       (!request->connection->proxied && request->connection->place.kind == CROWD_KNOWN);
}

static int64_t ask(const struct http_request *request)
{
	struct http_server *server = request->server;
	struct throttle_key key;

	if (is_exempt(request))
		return 0;
	throttle_key(&request->client, request->site->path, &key);
	return throttle_ask(&server->throttle, &key, timers_now(server->options.timers));
}

bool login_would_pass(struct http_request *request, struct sites *sites, const struct http_site *site)
{
	struct http_server *server = request->server;
	struct throttle_key key;

	if (site->username == NULL)
		return true;
	throttle_key(&request->client, site->path, &key);
	if (!is_exempt(request) && throttle_holds(&server->throttle, &key, timers_now(server->options.timers)))
		return false;
	return sites_let_in(sites, site, request->head.authorization, &request->arena);
}

bool login_check(struct http_request *request)
{
	int64_t delay;

	if (request->site->username == NULL) {
		crowd_trust(&request->server->crowd, &request->connection->place);
		return true;
	}
	if (!auth_is_shown(request->head.authorization)) {
		answer_bare(request);
		return false;
	}
	delay = ask(request);
	if (delay == 0)
		return compare(request);
	crowd_distrust(&request->server->crowd, &request->connection->place);
	if (delay > 0)
		hold(request, LOGIN_TURN, delay);
	else
		hold(request, LOGIN_EARLY, hold_time(request->server, timers_now(request->server->options.timers)));
	return false;
}

bool login_resume(struct http_request *request)
{
	if (request->login == LOGIN_TURN)
		return compare(request);
	answer(request, request->login);
	return false;
}
