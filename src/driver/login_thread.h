/* A thread that takes logins through their steps, and what it shares with the loop (login.c). */
#ifndef DRIVER_LOGIN_THREAD_H
#define DRIVER_LOGIN_THREAD_H

#include <pthread.h>
#include <sys/queue.h>

#include "driver/login.h"

TAILQ_HEAD(login_list, login);

enum login_state {
	LOGIN_NEW,      /* no step was taken */
	LOGIN_STEPPING, /* one is being taken */
	LOGIN_WAITING,  /* for its socket */
	LOGIN_ENDED,    /* it is the loop's */
};

struct login {
	/* the loop's */
	struct login_server *server;
	struct worker *worker; /* NULL: none yet */
	struct timer refusal;  /* of a server that rests */
	login_done *on_done;   /* NULL: it was told or given up */
	void *arg;

	/* guarded by the worker's mutex */
	TAILQ_ENTRY(login) entry;
	enum login_state state;
	bool given_up; /* nobody waits for it */

	/* the thread's until it has ended */
	const struct login_kind *kind;
	void *work;
	int fd;
	bool good; /* logged in */
};

struct worker {
	TAILQ_ENTRY(worker) entry; /* the loop's */
	pthread_t thread;
	int epoll, wake_fd;
	int loop_fd; /* an eventfd of the loop's */

	pthread_cond_t over;            /* it has ended */
	pthread_mutex_t mutex;          /* guards what follows */
	struct login_list logins;       /* the thread's, those that are given up included */
	struct login_list done;         /* for the loop to take */
	struct login *stepping;         /* NULL: it waits */
	int64_t began, began_computing; /* the step, ms of the thread's clocks */
	bool closing;                   /* it ends after its last login */
	bool orphaned;                  /* the loop has gone: it frees all itself */
	bool ended;
	int tid;
};

/* NULL: it could not be started. */
struct worker *worker_new(int loop_fd);
/* Of one that has ended, or never ran a login. Waits for its end. */
void worker_free(struct worker *worker);

/* Hands a login over. */
void worker_take(struct worker *worker, struct login *login);
/* For after a change of what the mutex guards. */
void worker_wake(const struct worker *worker);
/* Called with the mutex held: whether the present step has lasted for too long. */
bool worker_is_held(const struct worker *worker);
/* Lets it end after its last login, and behind all other work of the machine. */
void worker_retire(struct worker *worker);
/* Every login is given up and the loop's part of it gone: ends and frees it. False: a step goes on, and the thread
 * frees all whenever that is over. */
bool worker_end(struct worker *worker);

/* Frees the work, if there is any. */
void login_drop_work(struct login *login);

#endif
