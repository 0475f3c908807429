/* How a server is reached, as its configuration says: the url taken apart, and what apps are told of it. */
#ifndef DRIVER_POSTGRES_TARGET_H
#define DRIVER_POSTGRES_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "model/service.h"
#include "pq/libpq.h"

#define TARGET_PLACES_MAX  8  /* hosts of one url */
#define TARGET_OPTIONS_MAX 48 /* libpq's keywords, those of the url and our own */

struct login_server;
struct roster;

struct pg_place {
	const char *host; /* a name, an address, or the directory of a unix socket */
	const char *port;
};

/* What a session begins with, in two ways. */
struct pg_settings {
	const char *options;   /* "-c name=value ...", of the connection: they count before anything else does */
	const char *statement; /* the same but for what only a connection can have; a SELECT without its semicolon */
};

#define STATEMENT_TIMEOUT "30s" /* of statements that belong to no call */

struct pg_target {
	struct libpq pq;
	const char *name; /* the server's, for sentences; borrowed from the configuration */
	struct pg_place places[TARGET_PLACES_MAX];
	size_t place_count;
	/* libpq's options but for host, port and database */
	const char *keywords[TARGET_OPTIONS_MAX], *values[TARGET_OPTIONS_MAX];
	size_t option_count;
	struct pg_settings settings;
	/* The last connection was one that takes no options; borrowed. NULL: that is not remembered. */
	bool *takes_no_options;
	const char *database; /* the one to manage the server from */
	const char *sslmode;  /* NULL: the default */
	const char *public_host, *public_port;
	int64_t connect_timeout; /* ms, for one address */
	/* How logins went; owned, and NULL until the driver has set them. Apps choose how long theirs compute. */
	struct login_server *logins, *app_logins;
	struct roster *roster; /* of its sessions; borrowed. NULL: they are not counted */
	struct arena arena;    /* holds the password */
};

/* Whom to connect as, instead of the url's user. Borrowed. */
struct target_login {
	const char *user, *password; /* NULL: the url's */
	struct pg_settings settings; /* instead of the target's; NULL: these */
};

/* Whether it is another's than the url's. login may be NULL. */
static inline bool target_login_is_other(const struct target_login *login)
{
	return login != NULL && login->user != NULL;
}

/* On success the target is the caller's, to be released. No text in error shows the url. */
int target_init(struct pg_target *target, const struct server *server, struct error *error);
void target_release(struct pg_target *target);

/* Its sessions are in roster from now on, under the name that this gives them. */
void target_set_roster(struct pg_target *target, struct roster *roster);

/* What a session of the login begins with. login may be NULL. */
static inline const struct pg_settings *target_settings(const struct pg_target *target,
                                                        const struct target_login *login)
{
	return login != NULL && login->settings.options != NULL ? &login->settings : &target->settings;
}

/* The check of the key `url`. */
int target_check_url(const char *name, const char *value, struct error *error);
/* The url for an app, every part percent-encoded. TLS is demanded when the broker's own url demands it. */
void target_app_url(const struct pg_target *target, const char *database, const char *user, const char *password,
                    struct text *ret_url);

#endif
