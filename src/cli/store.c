/* tsuru-broker store check: the configuration's store, looked at as a whole. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/load.h"
#include "cli/progress.h"
#include "cli/shared.h"
#include "records/check.h"
#include "store/check.h"

#define SHOW_EVERY 500 /* records, between two lines of progress */

struct checking {
	const struct invocation *invocation;
	struct records_check *records;
	struct progress_line progress;
	size_t counts[KEYSPACE_COUNT];
	size_t total, findings;
};

static void on_finding(void *arg, const char *finding)
{
	struct checking *checking = arg;

	checking->findings++;
	fprintf(checking->invocation->out, "%s\n", finding);
}

static int on_record(void *arg, enum keyspace keyspace, const void *key, size_t key_length,
                     const struct store_value *value, struct error *error)
{
	struct checking *checking = arg;

	checking->counts[keyspace]++;
	if (++checking->total % SHOW_EVERY == 0)
		progress_show(&checking->progress, "records", checking->total);
	return records_check_take(checking->records, keyspace, key, key_length, value, error);
}

static int look(const struct config *config, const struct store_check *check, struct error *error)
{
	struct shared_names names;
	struct store_shared shared;

	if (config->store == NULL)
		return store_check_alone(config->data_dir, check, error);
	shared_fill(config, NULL, &names, &shared);
	return store_check_shared(&shared, check, error);
}

static void show_counts(const struct checking *checking)
{
	FILE *out = checking->invocation->out;

	for (enum keyspace keyspace = 0; keyspace < KEYSPACE_COUNT; keyspace++)
		fprintf(out, "%s%zu %s", keyspace > 0 ? ", " : "", checking->counts[keyspace],
		        store_keyspace_name(keyspace));
	fprintf(out, "\n%zu records, %zu findings\n", checking->total, checking->findings);
}

static int check(const struct config *config, struct checking *checking, struct error *error)
{
	const struct store_check check = {.visit = on_record, .report = on_finding, .arg = checking};
	int rc = records_check_new(on_finding, checking, &checking->records, error);

	progress_begin(&checking->progress, true);
	if (rc == 0)
		rc = look(config, &check, error);
	progress_end(&checking->progress);
	if (rc == 0)
		records_check_end(checking->records);
	records_check_free(checking->records);
	return rc;
}

int run_store_check(const struct invocation *invocation)
{
	struct checking checking = {.invocation = invocation};
	struct config *config = NULL;
	struct error error;
	int rc;

	if (load_config(invocation, &config) != 0)
		return EXIT_FAILED;
	rc = check(config, &checking, &error);
	config_free(config);
	if (rc != 0) {
		fprintf(invocation->err, "tsuru-broker: %s\n", error.text);
		return EXIT_FAILED;
	}
	show_counts(&checking);
	return checking.findings == 0 ? EXIT_GOOD : EXIT_FAILED;
}
