/* A private PostgreSQL for a test: made in a temporary directory, on a free port of 127.0.0.1, gone at the end.
 * As root its programs run as the user postgres, which is what they insist on. */
#ifndef INTEGRATION_POSTGRES_SERVER_H
#define INTEGRATION_POSTGRES_SERVER_H

#include <libpq-fe.h>
#include <stdbool.h>

#define SERVER_ADMIN           "admin"
#define SERVER_PASSWORD        "it's a \"secret\" %2F"
#define SERVER_PASSWORD_IN_URL "it%27s%20a%20%22secret%22%20%252F"

struct postgres_server {
	char directory[128];
	char binaries[128];
	char certificate[160]; /* of the server, self-signed, for localhost and 127.0.0.1 */
	int port;
	bool is_root;
};

/* With TLS. Fails the test when it cannot. */
void postgres_server_create(struct postgres_server *server);
void postgres_server_start(struct postgres_server *server, bool tls);
/* mode: "fast", "immediate". */
void postgres_server_stop(struct postgres_server *server, const char *mode);
void postgres_server_destroy(struct postgres_server *server);
/* The postmaster's process. */
int postgres_server_pid(const struct postgres_server *server);

/* A blocking connection as an app has one; its status tells whether it was let in. */
PGconn *postgres_server_login(const struct postgres_server *server, const char *database, const char *user,
                              const char *password);
PGconn *postgres_server_admin(const struct postgres_server *server, const char *database);

#endif
