/* The loop's side: which thread a login goes to, what a server that held one has to expect, and what the threads hand
 * back. One thread takes all logins; those that a step holds are left to it and end with it. */
#include "driver/login.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "driver/driver.h"
#include "login_thread.h"

#define LOOK    100 /* ms between two looks at the step that goes on */
#define REFUSAL 100 /* ms until a login is told that its server rests: whoever tries again at once does no harm */

struct logins {
	struct timers *timers;
	int fd; /* by which threads call */
	struct event *event;
	TAILQ_HEAD(, worker) workers;
	struct worker *active; /* takes logins; NULL: none */
	size_t worker_count;
	struct login_list queue; /* no thread may be had for them */
	struct timer look;
	logins_held *on_held;
	void *arg;
};

struct login_server {
	struct logins *logins;
	char *service, *name, *whose;
	size_t uses;                 /* its owner and its logins */
	const struct login *holding; /* whose step holds a thread; NULL: none */
	int64_t held_since;
	int64_t held;       /* ms, the last time */
	int times;          /* that a login held a thread, since one that did not */
	int64_t rest_until; /* 0: it does not rest */
};

/* ---- servers ---- */

struct login_server *login_server_new(struct logins *logins, const char *service, const char *server, const char *whose)
{
	struct login_server *made = calloc(1, sizeof(*made));

	if (made == NULL)
		return NULL;
	*made = (struct login_server){
	    .logins = logins, .service = strdup(service), .name = strdup(server), .whose = strdup(whose), .uses = 1};
	if (made->service != NULL && made->name != NULL && made->whose != NULL)
		return made;
	login_server_free(made);
	return NULL;
}

void login_server_free(struct login_server *server)
{
	if (server == NULL || --server->uses > 0)
		return;
	free(server->service);
	free(server->name);
	free(server->whose);
	free(server);
}

static bool rests(const struct login_server *server)
{
	const struct logins *logins = server->logins;

	return server->holding != NULL || timers_now(logins->timers) < server->rest_until ||
	       (server->times > 0 && logins->worker_count - (logins->active != NULL) >= LOGIN_SUSPECTS);
}

int login_server_explain(const struct login_server *server, struct error *error)
{
	const int64_t now = timers_now(server->logins->timers);
	const char *const reason = "the broker was made to compute for its login without an end (SCRAM iterations, "
	                           "keys or TLS that are out of proportion)";

	if (server->holding != NULL)
		return error_set(error, ERR_UNAVAILABLE, "%s, and still does after %lld s; it is not asked meanwhile",
		                 reason, (long long)(now - server->held_since) / 1000);
	return error_set(error, ERR_UNAVAILABLE, "%s, %lld ms the last time; it is asked again in %lld s", reason,
	                 (long long)server->held,
	                 (long long)(server->rest_until > now ? (server->rest_until - now) / 1000 + 1 : 1));
}

bool login_server_is_slow(const struct login_server *server)
{
	return server->times > 0;
}

void login_server_warn(const struct login_server *server, struct driver_call *call)
{
	if (!login_server_is_slow(server))
		return;
	call_tell(
	    call, CHECK_WARNING,
	    "a login to the server \"%s\" makes the broker compute for over %d ms: lower its SCRAM iterations, or "
	    "the size of its keys or TLS parameters",
	    server->name, LOGIN_HELD);
}

/* One that ends well in spite of it is a slow one, and is asked as any other. */
static void end_holding(struct login_server *server, bool good)
{
	const int64_t now = timers_now(server->logins->timers);
	int64_t rest = LOGIN_REST_FIRST;

	server->holding = NULL;
	server->held = now - server->held_since;
	for (int i = 1; i < server->times && rest < LOGIN_REST_MAX; i++)
		rest *= 2;
	server->rest_until = good ? 0 : now + (rest < LOGIN_REST_MAX ? rest : LOGIN_REST_MAX);
}

/* ---- ends ---- */

static void finish_login(struct login *login)
{
	const struct login ended = *login;
	const bool good = login->good && !login->given_up;

	if (ended.server->holding == login)
		end_holding(ended.server, good);
	else if (good)
		ended.server->times = 0;
	login_server_free(ended.server);
	if (ended.on_done == NULL)
		login_drop_work(login);
	free(login);
	if (ended.on_done != NULL)
		ended.on_done(ended.arg, LOGIN_OVER, ended.work);
}

/* Before a login has a thread. */
static void refuse(void *arg)
{
	struct login *login = arg;
	const struct login refused = *login;

	login_drop_work(login);
	login_server_free(login->server);
	free(login);
	refused.on_done(refused.arg, LOGIN_RESTS, NULL);
}

static struct login *take_done(struct worker *worker)
{
	struct login *login;

	pthread_mutex_lock(&worker->mutex);
	login = TAILQ_FIRST(&worker->done);
	if (login != NULL)
		TAILQ_REMOVE(&worker->done, login, entry);
	pthread_mutex_unlock(&worker->mutex);
	return login;
}

static bool has_ended(struct worker *worker)
{
	bool ended;

	pthread_mutex_lock(&worker->mutex);
	ended = worker->ended && TAILQ_EMPTY(&worker->done);
	pthread_mutex_unlock(&worker->mutex);
	return ended;
}

static void remove_worker(struct logins *logins, struct worker *worker)
{
	TAILQ_REMOVE(&logins->workers, worker, entry);
	logins->worker_count--;
	if (logins->active == worker)
		logins->active = NULL;
}

/* ---- threads ---- */

static void on_look(void *arg);

static bool find_thread(struct logins *logins)
{
	if (logins->active != NULL)
		return true;
	if (logins->worker_count == LOGIN_THREADS)
		return false;
	logins->active = worker_new(logins->fd);
	if (logins->active == NULL)
		return false;
	TAILQ_INSERT_TAIL(&logins->workers, logins->active, entry);
	logins->worker_count++;
	return true;
}

static int look_later(struct logins *logins)
{
	return timer_running(&logins->look) ? 0 : timer_start(logins->timers, &logins->look, LOOK);
}

static bool enter(struct logins *logins, struct login *login)
{
	if (!find_thread(logins) || look_later(logins) != 0)
		return false;
	worker_take(logins->active, login);
	return true;
}

static void serve_queue(struct logins *logins)
{
	struct login *login;

	while ((login = TAILQ_FIRST(&logins->queue)) != NULL && find_thread(logins)) {
		TAILQ_REMOVE(&logins->queue, login, entry);
		if (rests(login->server) || !enter(logins, login))
			refuse(login);
	}
}

/* A completion may start, cancel and end others: each look is a new one. */
static bool take_one(struct logins *logins)
{
	struct worker *worker;
	struct login *login;

	TAILQ_FOREACH (worker, &logins->workers, entry) {
		login = take_done(worker);
		if (login != NULL) {
			finish_login(login);
			return true;
		}
		if (has_ended(worker)) {
			remove_worker(logins, worker);
			worker_free(worker);
			return true;
		}
	}
	return false;
}

static void on_call(evutil_socket_t fd, short what, void *arg)
{
	struct logins *logins = arg;
	uint64_t calls;

	(void)what;
	(void)!read(fd, &calls, sizeof(calls));
	while (take_one(logins))
		;
	serve_queue(logins);
}

/* ---- what holds ---- */

/* Any other login of the thread; it is given up now. */
static struct login *give_up_another(struct worker *worker, const struct login *holding)
{
	struct login *login;

	pthread_mutex_lock(&worker->mutex);
	TAILQ_FOREACH (login, &worker->logins, entry)
		if (login != holding && !login->given_up)
			break;
	if (login != NULL)
		login->given_up = true;
	pthread_mutex_unlock(&worker->mutex);
	return login;
}

static void leave_alone(struct logins *logins, struct worker *worker, struct login *holding)
{
	struct login_server *server = holding->server;
	struct login *login;

	logins->active = NULL;
	server->holding = holding;
	server->held_since = timers_now(logins->timers);
	server->times++;
	logins->on_held(logins->arg, server->service, server->name, server->whose, server->times);
	worker_retire(worker);
	while ((login = give_up_another(worker, holding)) != NULL) {
		login_done *const on_done = login->on_done;

		login->on_done = NULL;
		if (on_done != NULL)
			on_done(login->arg, LOGIN_AGAIN, NULL);
	}
	worker_wake(worker); /* the step may have ended meanwhile, and who was given up since waits for its socket */
}

static void on_look(void *arg)
{
	struct logins *logins = arg;
	struct worker *worker = logins->active;
	struct login *holding;
	bool busy;

	if (worker == NULL)
		return;
	pthread_mutex_lock(&worker->mutex);
	holding = worker_is_held(worker) ? worker->stepping : NULL;
	busy = !TAILQ_EMPTY(&worker->logins);
	pthread_mutex_unlock(&worker->mutex);
	if (holding != NULL)
		leave_alone(logins, worker, holding);
	else if (busy)
		(void)look_later(logins); /* its slot in the heap was just freed: this cannot fail */
}

/* ---- logins ---- */

struct login *login_start(struct login_server *server, const struct login_kind *kind, void *work, login_done *on_done,
                          void *arg)
{
	struct logins *logins = server->logins;
	struct login *login = calloc(1, sizeof(*login));
	bool under_way;

	if (login == NULL)
		return NULL;
	*login = (struct login){.server = server, .on_done = on_done, .arg = arg, .kind = kind, .work = work, .fd = -1};
	timer_init(&login->refusal, refuse, login);
	if (rests(server))
		under_way = timer_start(logins->timers, &login->refusal, REFUSAL) == 0;
	else
		under_way = enter(logins, login);
	if (!under_way && logins->worker_count == LOGIN_THREADS && logins->active == NULL) {
		TAILQ_INSERT_TAIL(&logins->queue, login, entry);
		under_way = true;
	}
	if (!under_way) {
		free(login);
		return NULL;
	}
	server->uses++;
	return login;
}

void login_cancel(struct login *login)
{
	if (login == NULL)
		return;
	login->on_done = NULL;
	if (login->worker != NULL) {
		pthread_mutex_lock(&login->worker->mutex);
		login->given_up = true;
		pthread_mutex_unlock(&login->worker->mutex);
		worker_wake(login->worker);
		return;
	}
	if (timer_running(&login->refusal))
		timer_stop(login->server->logins->timers, &login->refusal);
	else
		TAILQ_REMOVE(&login->server->logins->queue, login, entry);
	login_drop_work(login);
	login_server_free(login->server);
	free(login);
}

/* ---- all of them ---- */

int logins_new(struct event_base *base, struct timers *timers, logins_held *on_held, void *arg,
               struct logins **ret_logins, struct error *error)
{
	struct logins *logins = calloc(1, sizeof(*logins));

	if (logins == NULL)
		return error_no_memory(error);
	*logins = (struct logins){.timers = timers, .on_held = on_held, .arg = arg};
	TAILQ_INIT(&logins->workers);
	TAILQ_INIT(&logins->queue);
	timer_init(&logins->look, on_look, logins);
	logins->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (logins->fd >= 0)
		logins->event = event_new(base, logins->fd, EV_READ | EV_PERSIST, on_call, logins);
	if (logins->event != NULL && event_add(logins->event, NULL) == 0) {
		*ret_logins = logins;
		return 0;
	}
	logins_close(logins);
	return error_no_memory(error);
}

static void give_up_list(const struct login_list *list)
{
	struct login *login;

	TAILQ_FOREACH (login, list, entry) {
		login->given_up = true;
		login_server_free(login->server);
		login->server = NULL;
	}
}

bool logins_close(struct logins *logins)
{
	struct worker *worker;
	bool left = false;

	if (logins == NULL)
		return false;
	while ((worker = TAILQ_FIRST(&logins->workers)) != NULL) {
		remove_worker(logins, worker);
		pthread_mutex_lock(&worker->mutex);
		give_up_list(&worker->logins);
		give_up_list(&worker->done);
		pthread_mutex_unlock(&worker->mutex);
		left |= !worker_end(worker);
	}
	timer_stop(logins->timers, &logins->look);
	if (logins->event != NULL)
		event_free(logins->event);
	if (logins->fd >= 0)
		close(logins->fd);
	free(logins);
	return left;
}
