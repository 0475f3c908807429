/* The private server: initdb and pg_ctl, by the shell. */
#include "postgres_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <glob.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMAND_MAX 2048

static int try_shell(const struct postgres_server *server, const char *command)
{
	char line[COMMAND_MAX + 512];

	/* What is printed goes to a file: a server must not hold the test's own output open. */
	snprintf(line, sizeof(line), "cd %s && %s %s >%s/out 2>&1", server->directory,
	         server->is_root ? "runuser -u postgres --" : "", command, server->directory);
	return system(line);
}

__attribute__((format(printf, 2, 3))) static void shell(const struct postgres_server *server, const char *format, ...)
{
	char command[COMMAND_MAX], line[COMMAND_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	if (try_shell(server, command) == 0)
		return;
	snprintf(line, sizeof(line), "cat %s/out %s/log >&2", server->directory, server->directory);
	fail_msg("\"%s\" failed%s", command, system(line) == 0 ? "" : ", and its output cannot be shown");
}

static void find_binaries(struct postgres_server *server)
{
	const char *given = getenv("POSTGRES_BIN");
	glob_t found;

	if (given != NULL) {
		snprintf(server->binaries, sizeof(server->binaries), "%s", given);
		return;
	}
	assert_int_equal(glob("/usr/lib/postgresql/*/bin", 0, NULL, &found), 0);
	snprintf(server->binaries, sizeof(server->binaries), "%s", found.gl_pathv[found.gl_pathc - 1]);
	globfree(&found);
}

static int find_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static void make_directory(struct postgres_server *server)
{
	const char *parent = getenv("TMPDIR");
	const struct passwd *user = server->is_root ? getpwnam("postgres") : NULL;

	snprintf(server->directory, sizeof(server->directory), "%s/pg-XXXXXX", parent != NULL ? parent : "/tmp");
	assert_non_null(mkdtemp(server->directory));
	assert_true(!server->is_root || user != NULL);
	if (user != NULL)
		assert_int_equal(chown(server->directory, user->pw_uid, user->pw_gid), 0);
	/* The test reads the certificate. */
	assert_int_equal(chmod(server->directory, 0755), 0);
}

static void write_password(const struct postgres_server *server)
{
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/password", server->directory);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fprintf(file, "%s\n", SERVER_PASSWORD) > 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0644), 0);
}

void postgres_server_create(struct postgres_server *server)
{
	*server = (struct postgres_server){.is_root = geteuid() == 0};
	find_binaries(server);
	make_directory(server);
	write_password(server);
	server->port = find_port();
	snprintf(server->certificate, sizeof(server->certificate), "%s/server.crt", server->directory);
	shell(server,
	      "%s/initdb -D %s/data -A scram-sha-256 -U " SERVER_ADMIN
	      " --pwfile=%s/password -E UTF8 --locale=C.UTF-8 --no-sync",
	      server->binaries, server->directory, server->directory);
	shell(server,
	      "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
	      " -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout %s/server.key -out %s",
	      server->directory, server->certificate);
	shell(server, "chmod 600 %s/server.key", server->directory);
}

void postgres_server_start(struct postgres_server *server, bool tls)
{
	shell(server,
	      "%s/pg_ctl -D %s/data -w -t 600 -l %s/log -o '-p %d -c listen_addresses=127.0.0.1 -c "
	      "unix_socket_directories=%s"
	      " -c fsync=off -c max_connections=60 -c ssl=%s -c ssl_cert_file=%s -c ssl_key_file=%s/server.key' start",
	      server->binaries, server->directory, server->directory, server->port, server->directory,
	      tls ? "on" : "off", server->certificate, server->directory);
}

void postgres_server_stop(struct postgres_server *server, const char *mode)
{
	shell(server, "%s/pg_ctl -D %s/data -w -t 600 -m %s stop", server->binaries, server->directory, mode);
}

void postgres_server_destroy(struct postgres_server *server)
{
	char line[256];

	/* A test that failed may have left it stopped. */
	snprintf(line, sizeof(line), "%s/data/postmaster.pid", server->directory);
	if (access(line, F_OK) == 0)
		postgres_server_stop(server, "immediate");
	snprintf(line, sizeof(line), "rm -rf %s", server->directory);
	assert_int_equal(system(line), 0);
}

int postgres_server_pid(const struct postgres_server *server)
{
	char path[160];
	FILE *file;
	int pid = 0;

	snprintf(path, sizeof(path), "%s/data/postmaster.pid", server->directory);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	fclose(file);
	return pid;
}

PGconn *postgres_server_login(const struct postgres_server *server, const char *database, const char *user,
                              const char *password)
{
	char port[16];
	const char *const keywords[] = {"host", "port", "dbname", "user", "password", "connect_timeout", NULL};
	const char *const values[] = {"127.0.0.1", port, database, user, password, "20", NULL};

	snprintf(port, sizeof(port), "%d", server->port);
	return PQconnectdbParams(keywords, values, 0);
}

PGconn *postgres_server_admin(const struct postgres_server *server, const char *database)
{
	return postgres_server_login(server, database, SERVER_ADMIN, SERVER_PASSWORD);
}
