/* How a server is reached, as its configuration says: the url taken apart, the sentinels, TLS, and what apps are told.
 * Neighbours: redis.c has the keys, link.c connects by what is here. */
#ifndef DRIVER_REDIS_TARGET_H
#define DRIVER_REDIS_TARGET_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "driver/url.h"
#include "model/service.h"

/* Who the broker is, and how it makes sure of the other side. */
struct redis_login {
	const char *user;        /* NULL: none */
	const char *password;    /* NULL: none */
	SSL_CTX *tls;            /* NULL: plain */
	const char *tls_name;    /* that certificates must carry; NULL: the host that is connected to */
	int64_t connect_timeout; /* ms, for one address */
};

enum target_kind {
	TARGET_SINGLE,   /* one server */
	TARGET_SENTINEL, /* a master that sentinels know, and its replicas */
	TARGET_CLUSTER,  /* Redis Cluster: the places are seeds */
};

struct redis_target {
	const char *name; /* the server's, for sentences; borrowed from the configuration */
	enum target_kind kind;
	struct place places[URL_PLACES_MAX]; /* of the url; none with sentinels */
	size_t place_count;
	struct place sentinels[URL_PLACES_MAX];
	size_t sentinel_count;
	const char *master;        /* the name that the sentinels know it by */
	const char *sentinel_list; /* "host:port,host:port", for apps */
	struct redis_login login, sentinel_login;
	const char *public_host, *public_port; /* NULL: those of the master */
	struct arena arena;                    /* holds the password */
};

/* On success the target is the caller's, to be released. No text in error shows the url. */
int redis_target_init(struct redis_target *target, const struct server *server, struct error *error);
void redis_target_release(struct redis_target *target);

/* The checks of the keys `url` and `sentinels`. */
int redis_target_check_url(const char *name, const char *value, struct error *error);
int redis_target_check_sentinel(const char *name, const char *value, struct error *error);
/* "host:port", a host with colons in brackets. */
void redis_target_add_address(struct text *text, const char *host, const char *port);
/* The url for an app, every part percent-encoded. */
void redis_target_app_url(const struct redis_target *target, const char *host, const char *port, const char *user,
                          const char *password, struct text *ret_url);

#endif
