/* Requests at a broker that stands by, and what each is answered when nobody has taken it. Nobody waits for long to
 * read, as what this broker knows by itself is better than nothing. */
#include "relay/passing.h"

#include <stdio.h>
#include <string.h>

bool passing_is_read(const struct http_request *http)
{
	const char *method = http_request_method(http);

	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

bool passing_has_stepped_down(const struct standby *standby, bool has_begun, int code)
{
	if (code != ERR_UNAVAILABLE || standby->relay == NULL)
		return false;
	return !has_begun || store_leased_until(standby->store) <= timers_clock();
}

/* Whoever asks may ask again soon. A broker that passed it on reads the header, and holds it. */
static void refuse(struct passing *passing)
{
	http_reply_header(passing->http, "Retry-After", "1");
	if (http_request_forwarded(passing->http) != NULL)
		http_reply_header(passing->http, RELAY_STANDBY_HEADER, "1");
	http_reply_error(passing->http, passing->error);
}

/* ---- the ends ---- */

static bool show_view(struct passing *passing)
{
	const int64_t age = store_age(passing->standby->store);
	char number[24];

	if (!passing_is_read(passing->http) || passing->has_no_view || age == STORE_NEVER)
		return false;
	passing->is_from_view = true;
	passing->view_age = age / 1000;
	snprintf(number, sizeof(number), "%lld", (long long)passing->view_age);
	http_reply_header(passing->http, "Age", number);
	return true;
}

void passing_answer_alone(struct passing *passing)
{
	if (show_view(passing))
		passing->serve(passing->arg);
	else
		refuse(passing);
}

bool passing_has_no_way(const struct passing *passing)
{
	static const char *const keys[RELAY_LISTENERS] = {
	    [RELAY_SERVICE] = "address", [RELAY_OPERATORS] = "admin_address"};
	const struct standby *standby = passing->standby;

	if (standby->relay == NULL || !standby_lacks_address(standby))
		return false;
	error_set(
	    passing->error, ERR_UNAVAILABLE,
	    "this broker stands by, and the active one, \"%s\", has no \"%s\" in its \"store\" to be asked under, or "
	    "another master key than this one; nothing was done: ask it by itself",
	    store_standing(standby->store)->active, keys[standby->listener]);
	return true;
}

static void explain_late(const struct passing *passing, const struct relay_end *end)
{
	struct error *error = passing->error;

	if (end->active == NULL && passing_has_no_way(passing))
		return;
	if (end->was_sent)
		error_set(
		    error, ERR_UNAVAILABLE,
		    "the active broker \"%s\" has not answered, and no other has taken over; it may have accepted "
		    "this: repeat it in a moment",
		    end->active);
	else if (end->active != NULL)
		error_set(error, ERR_UNAVAILABLE,
		          "the active broker \"%s\" cannot be reached, and no other has taken over; nothing was done: "
		          "repeat this in a moment",
		          end->active);
	else
		error_set(
		    error, ERR_UNAVAILABLE,
		    "no broker of those that share the store is the active one; nothing was done: repeat this in a "
		    "moment");
}

static void explain_broken(const struct relay_end *end, struct error *error)
{
	error_set(
	    error, ERR_UNAVAILABLE,
	    "the active broker \"%s\" broke off before it had answered, and may have done this; no other is asked "
	    "for what is to be done once: look what became of it",
	    end->active);
}

static void on_end(void *arg, const struct relay_end *end)
{
	struct passing *passing = arg;
	struct arena *arena = http_request_arena(passing->http);

	passing->forwarded_to = arena_text(arena, end->active);
	switch (end->outcome) {
	case RELAY_ANSWERED:
		http_reply_passed(passing->http, end->answer);
		break;
	case RELAY_OWN:
		passing->serve(passing->arg);
		break;
	case RELAY_LATE:
		passing->forward_failure = arena_text(arena, end->error->text);
		explain_late(passing, end);
		passing_answer_alone(passing);
		break;
	case RELAY_BROKEN:
		passing->forward_failure = arena_text(arena, end->error->text);
		explain_broken(end, passing->error);
		refuse(passing);
		break;
	case RELAY_LEFT:
		error_set(passing->error, ERR_UNAVAILABLE, "the client has gone before this was passed on");
		refuse(passing);
		break;
	default:
		*passing->error = *end->error;
		http_reply_error(passing->http, passing->error);
		break;
	}
}

/* ---- the begin ---- */

/* Of clients that have gone, too: their connections, which are limited, are free for the next. */
static bool is_crowded(const struct passing *passing, const struct passing_terms *terms)
{
	if (terms->most == 0 || relay_count(passing->standby->relay) < terms->most)
		return false;
	error_set(passing->error, ERR_UNAVAILABLE,
	          "this broker stands by, and %zu requests wait for the active one already; repeat this in a moment",
	          terms->most);
	return true;
}

void passing_begin(struct passing *passing, const char *id, const struct passing_terms *terms)
{
	const bool is_read = passing_is_read(passing->http);
	const int64_t wait = is_read ? PASSING_READ_WAIT : terms->wait;
	const struct relay_request request = {
	    .http = passing->http,
	    .id = id,
	    .wait = wait,
	    .is_brief = is_read,
	    .is_once = terms->is_once,
	    .answer_within = is_read ? wait + PASSING_MARGIN : terms->answer_within,
	};

	if (passing->standby->relay == NULL || http_request_forwarded(passing->http) != NULL)
		refuse(passing);
	else if (is_crowded(passing, terms))
		passing_answer_alone(passing);
	else if (relay_pass(passing->standby->relay, &request, on_end, passing, passing->error) != 0)
		http_reply_error(passing->http, passing->error);
}

void passing_log(const struct passing *passing, struct log_line *line)
{
	log_text(line, "forwarded_to", passing->forwarded_to);
	if (passing->forward_failure != NULL && passing->forward_failure[0] != '\0')
		log_text(line, "forward_failure", passing->forward_failure);
	if (passing->is_from_view)
		log_number(line, "view_age_s", passing->view_age);
}
