/* How a server is reached, as its configuration says, and what apps are told of it. */
#ifndef DRIVER_MYSQL_TARGET_H
#define DRIVER_MYSQL_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "driver/url.h"
#include "model/service.h"

struct login_server;

struct mysql_target {
	const char *name; /* the server's, for sentences; borrowed from the configuration */
	struct place place;
	const char *user, *password;
	bool tls;             /* demanded, and its certificate verified */
	const char *ca_file;  /* the certificates that are trusted */
	const char *tls_name; /* that its certificate must carry */
	const char *app_host; /* where the accounts' logins may come from */
	const char *public_host, *public_port;
	int64_t connect_timeout;     /* ms, for one address */
	int64_t idle;                /* ms that an unused session is kept */
	struct login_server *logins; /* how logins went; owned, and NULL until the driver has set it */
	struct arena arena;          /* holds the password */
};

/* On success the target is the caller's, to be released. No text in error shows the url. */
int maria_target_init(struct mysql_target *target, const struct server *server, struct error *error);
void maria_target_release(struct mysql_target *target);

/* The checks of the keys `url` and `app_host`. */
int maria_target_check_url(const char *name, const char *value, struct error *error);
int maria_target_check_app_host(const char *name, const char *value, struct error *error);
/* Whether what goes to the address stays within the machine. */
bool maria_address_is_local(const char *address);
/* The url for an app, every part percent-encoded. */
void maria_target_app_url(const struct mysql_target *target, const char *database, const char *user,
                          const char *password, bool tls, struct text *ret_url);

#endif
