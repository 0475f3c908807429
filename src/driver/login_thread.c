/* The thread's side: it waits for the sockets of its logins, takes the step that is due, and puts what has ended where
 * the loop finds it. Each socket is watched for one shot, since libraries change theirs while they connect. */
#include "login_thread.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/thread.h"

#define PATIENCE 500 /* ms that a thread may take to end */
#define NICE     19

static int64_t read_clock(clockid_t clock)
{
	struct timespec now = {0};

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* It fails only when the counter is full, and then the other side is called already. */
static void call(int fd)
{
	const uint64_t one = 1;

	(void)!write(fd, &one, sizeof(one));
}

void login_drop_work(struct login *login)
{
	if (login->work != NULL)
		login->kind->free(login->work);
	login->work = NULL;
}

/* ---- on the thread ---- */

static void free_worker(struct worker *worker)
{
	struct login *login;

	while ((login = TAILQ_FIRST(&worker->done)) != NULL) {
		TAILQ_REMOVE(&worker->done, login, entry);
		login_drop_work(login);
		free(login);
	}
	if (worker->epoll >= 0)
		close(worker->epoll);
	if (worker->wake_fd >= 0)
		close(worker->wake_fd);
	pthread_cond_destroy(&worker->over);
	pthread_mutex_destroy(&worker->mutex);
	free(worker);
}

static bool watch_socket(const struct worker *worker, struct login *login, enum login_next next)
{
	struct epoll_event event = {.events = EPOLLONESHOT | (next == LOGIN_READS ? EPOLLIN : EPOLLOUT),
	                            .data.ptr = login};

	if (epoll_ctl(worker->epoll, EPOLL_CTL_MOD, login->fd, &event) == 0)
		return true;
	return errno == ENOENT && epoll_ctl(worker->epoll, EPOLL_CTL_ADD, login->fd, &event) == 0;
}

static bool is_given_up(struct worker *worker, const struct login *login)
{
	bool given_up;

	pthread_mutex_lock(&worker->mutex);
	given_up = login->given_up;
	pthread_mutex_unlock(&worker->mutex);
	return given_up;
}

static void end_login(struct worker *worker, struct login *login, bool good)
{
	bool orphaned;

	login->good = good;
	/* Closing is not enough: a program that is being started has the socket, too, until it is executed. */
	if (login->fd >= 0)
		epoll_ctl(worker->epoll, EPOLL_CTL_DEL, login->fd, NULL);
	if (is_given_up(worker, login))
		login_drop_work(login);
	pthread_mutex_lock(&worker->mutex);
	TAILQ_REMOVE(&worker->logins, login, entry);
	login->state = LOGIN_ENDED;
	orphaned = worker->orphaned;
	if (!orphaned) {
		TAILQ_INSERT_TAIL(&worker->done, login, entry);
		call(worker->loop_fd);
	}
	pthread_mutex_unlock(&worker->mutex);
	if (orphaned) {
		login_drop_work(login);
		free(login);
	}
}

static bool begin_step(struct worker *worker, struct login *login)
{
	bool wanted;

	pthread_mutex_lock(&worker->mutex);
	wanted = !login->given_up;
	if (wanted) {
		login->state = LOGIN_STEPPING;
		worker->stepping = login;
		worker->began = read_clock(CLOCK_MONOTONIC);
		worker->began_computing = read_clock(CLOCK_THREAD_CPUTIME_ID);
	}
	pthread_mutex_unlock(&worker->mutex);
	return wanted;
}

static void end_step(struct worker *worker, struct login *login)
{
	pthread_mutex_lock(&worker->mutex);
	worker->stepping = NULL;
	login->state = LOGIN_WAITING;
	pthread_mutex_unlock(&worker->mutex);
}

static void go_on_with(struct worker *worker, struct login *login)
{
	enum login_next next = LOGIN_FAILED;

	if (begin_step(worker, login)) {
		next = login->kind->step(login->work, &login->fd);
		end_step(worker, login);
	}
	if ((next == LOGIN_READS || next == LOGIN_WRITES) && !is_given_up(worker, login) &&
	    watch_socket(worker, login, next))
		return;
	end_login(worker, login, next == LOGIN_DONE);
}

/* One that is new, or not wanted any more. */
static struct login *find_due(struct worker *worker)
{
	struct login *login;

	pthread_mutex_lock(&worker->mutex);
	TAILQ_FOREACH (login, &worker->logins, entry)
		if (login->state == LOGIN_NEW || login->given_up)
			break;
	pthread_mutex_unlock(&worker->mutex);
	return login;
}

static bool is_over(struct worker *worker)
{
	bool over;

	pthread_mutex_lock(&worker->mutex);
	over = worker->closing && TAILQ_EMPTY(&worker->logins);
	pthread_mutex_unlock(&worker->mutex);
	return over;
}

static void leave(struct worker *worker)
{
	bool orphaned;

	pthread_mutex_lock(&worker->mutex);
	worker->ended = true;
	pthread_cond_signal(&worker->over);
	orphaned = worker->orphaned;
	if (!orphaned)
		call(worker->loop_fd);
	pthread_mutex_unlock(&worker->mutex);
	if (orphaned)
		free_worker(worker);
}

static void *serve_logins(void *arg)
{
	struct worker *worker = arg;
	struct epoll_event event;
	struct login *login;
	uint64_t calls;

	pthread_mutex_lock(&worker->mutex);
	worker->tid = gettid();
	pthread_mutex_unlock(&worker->mutex);
	while (!is_over(worker)) {
		if (epoll_wait(worker->epoll, &event, 1, -1) != 1)
			continue;
		if (event.data.ptr != NULL) {
			go_on_with(worker, event.data.ptr);
			continue;
		}
		(void)!read(worker->wake_fd, &calls, sizeof(calls));
		while ((login = find_due(worker)) != NULL)
			go_on_with(worker, login);
	}
	leave(worker);
	return NULL;
}

/* ---- on the loop ---- */

struct worker *worker_new(int loop_fd)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	struct epoll_event event = {.events = EPOLLIN};
	pthread_condattr_t monotonic;

	if (worker == NULL)
		return NULL;
	pthread_mutex_init(&worker->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&worker->over, &monotonic);
	pthread_condattr_destroy(&monotonic);
	TAILQ_INIT(&worker->logins);
	TAILQ_INIT(&worker->done);
	worker->loop_fd = loop_fd;
	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->epoll < 0 || worker->wake_fd < 0 ||
	    epoll_ctl(worker->epoll, EPOLL_CTL_ADD, worker->wake_fd, &event) != 0 ||
	    thread_start(&worker->thread, serve_logins, worker) != 0) {
		free_worker(worker);
		return NULL;
	}
	return worker;
}

void worker_free(struct worker *worker)
{
	pthread_join(worker->thread, NULL);
	free_worker(worker);
}

void worker_wake(const struct worker *worker)
{
	call(worker->wake_fd);
}

void worker_take(struct worker *worker, struct login *login)
{
	pthread_mutex_lock(&worker->mutex);
	login->worker = worker;
	TAILQ_INSERT_TAIL(&worker->logins, login, entry);
	pthread_mutex_unlock(&worker->mutex);
	worker_wake(worker);
}

/* Other work of the machine can make a good step last for long, but not compute for long. */
bool worker_is_held(const struct worker *worker)
{
	clockid_t computing;

	if (worker->stepping == NULL)
		return false;
	if (read_clock(CLOCK_MONOTONIC) - worker->began >= LOGIN_STUCK)
		return true;
	return pthread_getcpuclockid(worker->thread, &computing) == 0 &&
	       read_clock(computing) - worker->began_computing >= LOGIN_HELD;
}

void worker_retire(struct worker *worker)
{
	int tid;

	pthread_mutex_lock(&worker->mutex);
	worker->closing = true;
	tid = worker->tid;
	pthread_mutex_unlock(&worker->mutex);
	worker_wake(worker);
	(void)setpriority(PRIO_PROCESS, (id_t)tid, NICE);
}

/* Whether the thread has ended within PATIENCE; otherwise it is an orphan from now on. */
static bool await_end(struct worker *worker)
{
	const int64_t until = read_clock(CLOCK_MONOTONIC) + PATIENCE;
	const struct timespec time = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
	bool ended;

	pthread_mutex_lock(&worker->mutex);
	worker->closing = true;
	worker_wake(worker);
	while (!worker->ended && pthread_cond_timedwait(&worker->over, &worker->mutex, &time) == 0)
		;
	ended = worker->ended;
	worker->orphaned = !ended;
	pthread_mutex_unlock(&worker->mutex);
	return ended;
}

bool worker_end(struct worker *worker)
{
	const pthread_t thread = worker->thread;

	if (await_end(worker)) {
		worker_free(worker);
		return true;
	}
	pthread_detach(thread);
	return false;
}
