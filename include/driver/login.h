/* Logins beside the loop. What a server answers to a login can make a client library compute for as long as the server
 * likes: PostgreSQL names the rounds of SCRAM, others send keys and parameters of TLS. So a helper thread goes through
 * logins, step by step, and hands each over to the loop once it has ended.
 *
 * A step cannot be interrupted. One that computes for LOGIN_HELD is left alone with its thread, which ends with it; the
 * other logins begin again on a new thread, and the server is one that holds: it never has more than one thread, and is
 * asked ever more rarely until a login to it ends well. The loop waits for no step, not even at the end.
 *
 * Who owns what: `work` belongs to the thread from login_start until on_done gives it back; to give a login up is to
 * say so, and the thread frees it. All functions here are the loop's. */
#ifndef DRIVER_LOGIN_H
#define DRIVER_LOGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/timer.h"

struct driver_call;
struct event_base;

#define LOGIN_HELD       250  /* ms of a processor for one step, all that a good login ever takes */
#define LOGIN_STUCK      3000 /* ms of any kind, for a step that waits in spite of all */
#define LOGIN_THREADS    8    /* at once, those that are held included */
#define LOGIN_SUSPECTS   6    /* of them for servers that have held one before */
#define LOGIN_REST_FIRST 5000 /* ms that such a server is not asked; twice as long with each time */
#define LOGIN_REST_MAX   300000

struct logins;       /* the threads */
struct login_server; /* how the logins to one server went */
struct login;        /* one that is under way */

enum login_next {
	LOGIN_READS,  /* when the socket can be read */
	LOGIN_WRITES, /* ... or written to */
	LOGIN_DONE,   /* logged in */
	LOGIN_FAILED, /* the work says why */
};

/* What the driver's logins can do. */
struct login_kind {
	/* Goes on without waiting. The first call begins, and all are on one thread. ret_fd: what is waited for. */
	enum login_next (*step)(void *work, int *ret_fd);
	/* Frees the work, on the thread of its steps or once they are over. */
	void (*free)(void *work);
};

enum login_end {
	LOGIN_OVER,  /* done or failed; the work is the caller's again */
	LOGIN_RESTS, /* the server is not asked now (login_server_explain) */
	LOGIN_AGAIN, /* another server holds its thread: it has to be started anew */
};

/* From the loop, never inside login_start. work NULL: it is freed. */
typedef void login_done(void *arg, enum login_end end, void *work);

/* A step began to hold its thread, for the times-th time in a row. */
typedef void logins_held(void *arg, const char *service, const char *server, const char *whose, int times);

/* base and timers are borrowed. The first login starts the thread. */
int logins_new(struct event_base *base, struct timers *timers, logins_held *on_held, void *arg,
               struct logins **ret_logins, struct error *error);
/* Nobody waits for a login any more. Whether a thread still computes: it uses the libraries until the process is gone,
 * which may not take them down then. Accepts NULL. */
bool logins_close(struct logins *logins);

/* logins NULL: nothing will be started. whose: "the broker". All is copied. NULL: memory is out. */
struct login_server *login_server_new(struct logins *logins, const char *service, const char *server,
                                      const char *whose);
/* Lasts until the last login to it has ended. Accepts NULL. */
void login_server_free(struct login_server *server);
/* Why it is not asked now. The code is ERR_UNAVAILABLE. */
int login_server_explain(const struct login_server *server, struct error *error);
/* Whether the last login held a thread, although it ended well. */
bool login_server_is_slow(const struct login_server *server);
/* For a check of the server: then adds the warning that says so. */
void login_server_warn(const struct login_server *server, struct driver_call *call);

/* Owns work. NULL: memory is out, work is still the caller's. */
struct login *login_start(struct login_server *server, const struct login_kind *kind, void *work, login_done *on_done,
                          void *arg);
/* Gives it up in silence. Accepts NULL; not after on_done. */
void login_cancel(struct login *login);

#endif
