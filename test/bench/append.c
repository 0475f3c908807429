/* The limit for durable groups in PostgreSQL: the statement of the store, with the bytes of one of its groups, by
 * itself. Usage: bench_append URL KEYS SECONDS, of the group that has about that many keys. Nothing else may write.
 * Prints one line of JSON. */
#include <endian.h>
#include <libpq-fe.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/postgres/append.h"

#define GROUP_BYTES 16

static const char settings[] = "SET jit = off; SET enable_seqscan = off; SET enable_hashjoin = off;"
                               "SET enable_mergejoin = off; SET plan_cache_mode = force_generic_plan";
static const char last[] = "SELECT h.revision, h.last_group, h.epoch, l.keyspaces, l.keys, l.revisions, l.contents"
                           " FROM tsuru_broker.head h JOIN tsuru_broker.log l ON true"
                           " ORDER BY abs(cardinality(l.keys) - $1::int), l.revision DESC LIMIT 1";

static double now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static PGresult *must(PGconn *connection, PGresult *result)
{
	const ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
		return result;
	fprintf(stderr, "%s", PQerrorMessage(connection));
	exit(1);
}

/* Appends the group that was read behind itself, again and again; gives how often. */
static long append_for(PGconn *connection, PGresult *group, double seconds)
{
	static const int binary[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
	uint64_t before, after;
	unsigned char before_group[GROUP_BYTES], after_group[GROUP_BYTES] = {0};
	const char *values[9] = {(char *)&before, (char *)before_group, (char *)&after, (char *)after_group};
	int lengths[9] = {8, GROUP_BYTES, 8, GROUP_BYTES};
	const double end = now() + seconds;
	long count = 0;

	memcpy(&before, PQgetvalue(group, 0, 0), sizeof(before));
	memcpy(before_group, PQgetvalue(group, 0, 1), GROUP_BYTES);
	for (int i = 4; i < 9; i++) {
		values[i] = PQgetvalue(group, 0, i - 2);
		lengths[i] = PQgetlength(group, 0, i - 2);
	}
	while (now() < end) {
		PGresult *result;

		after = htobe64(be64toh(before) + 1);
		memcpy(after_group, &after, sizeof(after));
		result = must(connection, PQexecPrepared(connection, "append", 9, values, lengths, binary, 1));
		if (PQntuples(result) != 1) {
			fprintf(stderr, "somebody else has written\n");
			exit(1);
		}
		PQclear(result);
		before = after;
		memcpy(before_group, after_group, GROUP_BYTES);
		count++;
	}
	return count;
}

int main(int argc, char **argv)
{
	PGconn *connection;
	PGresult *group;
	double begin;
	long count;

	if (argc != 4) {
		fprintf(stderr, "usage: bench_append URL KEYS SECONDS\n");
		return 2;
	}
	connection = PQconnectdb(argv[1]);
	PQclear(must(connection, PQexec(connection, settings)));
	PQclear(must(connection,
	             PQprepare(connection, "append", APPEND " SELECT pg_notify('tsuru_broker', '') FROM h", 0, NULL)));
	group =
	    must(connection, PQexecParams(connection, last, 1, NULL, (const char *const[]){argv[2]}, NULL, NULL, 1));
	if (PQntuples(group) != 1) {
		fprintf(stderr, "there is no group\n");
		return 1;
	}
	begin = now();
	count = append_for(connection, group, atof(argv[3]));
	printf("{\"requests\": %ld, \"seconds\": %.6f}\n", count, now() - begin);
	PQclear(group);
	PQfinish(connection);
	return 0;
}
