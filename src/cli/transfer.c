/* ctl backup, export and import: the store as a file, or as lines of JSON, a record each:
 *
 *     {"keyspace": "instances", "key": ["0123456789abcdef"], "record": {"name": "mydb", ...}}
 *
 * with "record" for what is a record, "number" for a counter, "text" for other texts, "bytes" (base64) for the rest. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/loop.h"
#include "base/secret.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/load.h"
#include "cli/progress.h"
#include "cli/shared.h"
#include "model/record.h"
#include "model/transfer.h"
#include "store/copy.h"

#define LINE_BYTES  (1 << 20)
#define BATCH_LINES 500      /* also between two lines of progress */
#define OWN_PREFIX  "store." /* of the keys that belong to a store itself, and not to what it holds */

enum form {
	FORM_TEXT,
	FORM_NUMBER,
	FORM_RECORD,
};

static const struct {
	enum form form;
	enum record_kind kind;
} forms[KEYSPACE_COUNT] = {
    [KEYSPACE_INSTANCES] = {FORM_RECORD, RECORD_INSTANCE},   [KEYSPACE_BINDS] = {FORM_RECORD, RECORD_BIND},
    [KEYSPACE_OPERATIONS] = {FORM_RECORD, RECORD_OPERATION}, [KEYSPACE_TOMBSTONES] = {FORM_RECORD, RECORD_TOMBSTONE},
    [KEYSPACE_UNBOUND] = {FORM_RECORD, RECORD_BIND},         [KEYSPACE_AUDIT] = {FORM_RECORD, RECORD_AUDIT},
    [KEYSPACE_COUNTERS] = {FORM_NUMBER, RECORD_INSTANCE},
};

static int finish(const struct invocation *invocation, int rc, const struct error *error)
{
	if (rc != 0)
		fprintf(invocation->err, "tsuru-broker: %s\n", error->text);
	return rc == 0 ? EXIT_GOOD : EXIT_FAILED;
}

int run_backup(const struct invocation *invocation)
{
	struct config *config = NULL;
	struct error error;
	int rc;

	if (load_config(invocation, &config) != 0)
		return EXIT_FAILED;
	rc = store_copy(config->data_dir, invocation->operand, &error);
	config_free(config);
	if (rc == 0)
		fprintf(invocation->out, "%s: the store; the master key is not in it, keep a copy of that elsewhere\n",
		        invocation->operand);
	return finish(invocation, rc, &error);
}

/* ---- export ---- */

struct export
{
	FILE *file;
	const char *path;
	size_t lines;
	struct progress_line progress;
};

/* The parts of a key, which are joined by NUL. */
static struct cJSON *make_key(const char *key, size_t length)
{
	struct cJSON *parts = cJSON_CreateArray();
	const char *const end = key + length;
	struct text part;

	text_init(&part, STORE_KEY_MAX);
	while (parts != NULL && key <= end) {
		const size_t size = strnlen(key, (size_t)(end - key));

		text_reset(&part);
		text_add_bytes(&part, key, size);
		cJSON_AddItemToArray(parts, cJSON_CreateString(text_string(&part)));
		key += size + 1;
	}
	text_release(&part);
	return parts;
}

static int add_value(struct cJSON *line, enum keyspace keyspace, const struct store_value *value, struct error *error)
{
	struct cJSON *json = NULL;
	struct text text;
	int64_t number;
	int rc = 0;

	if (forms[keyspace].form == FORM_RECORD) {
		rc = transfer_export(forms[keyspace].kind, value->bytes, value->length, &json, error);
		cJSON_AddItemToObject(line, "record", json);
		return rc;
	}
	if (forms[keyspace].form == FORM_NUMBER && value->length == sizeof(number)) {
		memcpy(&number, value->bytes, sizeof(number));
		cJSON_AddItemToObject(line, "number", json_new_whole(number));
		return 0;
	}
	text_init(&text, 2 * (size_t)STORE_VALUE_MAX);
	if (text_is_clean(value->bytes, value->length)) {
		text_add_bytes(&text, value->bytes, value->length);
		cJSON_AddStringToObject(line, "text", text_string(&text));
	} else {
		text_add_base64(&text, value->bytes, value->length);
		cJSON_AddStringToObject(line, "bytes", text_string(&text));
	}
	rc = text.failed ? error_no_memory(error) : 0;
	text_release(&text);
	return rc;
}

static int on_record(void *arg, enum keyspace keyspace, const void *key, size_t key_length,
                     const struct store_value *value, struct error *error)
{
	struct export *export = arg;
	struct cJSON *line;
	char *text = NULL;
	int rc;

	if (keyspace == KEYSPACE_META && key_length >= strlen(OWN_PREFIX) &&
	    memcmp(key, OWN_PREFIX, strlen(OWN_PREFIX)) == 0)
		return 0;
	line = cJSON_CreateObject();
	cJSON_AddStringToObject(line, "keyspace", store_keyspace_name(keyspace));
	cJSON_AddItemToObject(line, "key", make_key(key, key_length));
	rc = add_value(line, keyspace, value, error);
	if (rc == 0) {
		text = cJSON_PrintUnformatted(line);
		rc = text == NULL ? error_no_memory(error) : 0;
	}
	if (rc == 0 && fprintf(export->file, "%s\n", text) < 0)
		rc = error_set(error, ERR_NO_SPACE, "\"%s\" cannot be written: %s", export->path, strerror(errno));
	if (++export->lines % BATCH_LINES == 0)
		progress_show(&export->progress, "records", export->lines);
	cJSON_free(text);
	cJSON_Delete(line);
	return rc;
}

int run_export(const struct invocation *invocation)
{
	const bool to_out = strcmp(invocation->operand, "-") == 0;
	struct export export = {.path = invocation->operand};
	struct config *config = NULL;
	struct error error;
	int rc;

	if (load_config(invocation, &config) != 0)
		return EXIT_FAILED;
	progress_begin(&export.progress, !to_out);
	export.file = to_out ? invocation->out : fopen(invocation->operand, "wxe");
	rc = export.file != NULL
	         ? store_dump(config->data_dir, on_record, &export, &error)
	         : error_set(&error, ERR_INVALID, "\"%s\" cannot be made: %s", export.path, strerror(errno));
	progress_end(&export.progress);
	if (export.file != NULL && !to_out && fclose(export.file) != 0 && rc == 0)
		rc = error_set(&error, ERR_NO_SPACE, "\"%s\" cannot be written: %s", export.path, strerror(errno));
	if (rc == 0 && !to_out)
		fprintf(invocation->out, "%zu records\n", export.lines);
	config_free(config);
	return finish(invocation, rc, &error);
}

/* ---- import ---- */

struct import {
	FILE *file;
	struct store *store;
	struct batch *batch;
	size_t lines;
	struct progress_line progress;
	struct error outcome; /* of the batches */
};

static void on_committed(void *arg, int code, const struct error *error, uint64_t revision)
{
	struct import *import = arg;

	(void)revision;
	if (code == ERR_STALE)
		error_set(&import->outcome, ERR_INVALID, "a key stands twice in the file");
	else if (code != 0)
		import->outcome = *error;
}

static int commit(struct import *import, struct error *error)
{
	if (import->batch == NULL)
		return 0;
	batch_commit(import->batch, on_committed, import);
	import->batch = NULL;
	store_flush(import->store);
	progress_show(&import->progress, "records", import->lines);
	return import->outcome.code != 0 ? error_set(error, import->outcome.code, "%s", import->outcome.text) : 0;
}

static int read_key(const struct cJSON *parts, struct text *ret_key)
{
	const struct cJSON *part;

	cJSON_ArrayForEach(part, parts)
	{
		if (!cJSON_IsString(part))
			return ERR_INVALID;
		if (part != parts->child)
			text_add_bytes(ret_key, "", 1);
		text_add(ret_key, part->valuestring);
	}
	return ret_key->length > 0 && !ret_key->failed ? 0 : ERR_INVALID;
}

static int read_value(const struct cJSON *line, enum keyspace keyspace, struct text *ret_value, struct error *error)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, "text"));
	const char *base64 = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, "bytes"));
	unsigned char bytes[4096];
	long length;

	if (forms[keyspace].form == FORM_RECORD)
		return transfer_import(forms[keyspace].kind, cJSON_GetObjectItemCaseSensitive(line, "record"),
		                       ret_value, error);
	if (text != NULL) {
		text_add(ret_value, text);
		return 0;
	}
	length = base64 != NULL ? text_base64_decode(base64, strlen(base64), bytes, sizeof(bytes)) : -1;
	if (length < 0)
		return error_set(error, ERR_INVALID, "the record has neither a good \"text\" nor good \"bytes\"");
	text_add_bytes(ret_value, bytes, (size_t)length);
	return 0;
}

static int put(struct import *import, const struct cJSON *line, enum keyspace keyspace, const struct text *key,
               struct error *error)
{
	struct text value;
	int64_t number;
	int rc;

	if (forms[keyspace].form == FORM_NUMBER) {
		if (!json_read_whole(cJSON_GetObjectItemCaseSensitive(line, "number"), &number))
			return error_set(error, ERR_INVALID, "the counter has no whole \"number\"");
		batch_add(import->batch, text_string(key), number);
		return 0;
	}
	text_init(&value, RECORD_MAX);
	rc = read_value(line, keyspace, &value, error);
	if (rc == 0)
		batch_put(import->batch, keyspace, text_string(key), key->length, text_string(&value), value.length,
		          REVISION_ABSENT);
	text_wipe(&value);
	return rc;
}

static int import_line(struct import *import, const char *text, struct error *error)
{
	struct cJSON *line = json_parse_value(text, strlen(text));
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, "keyspace"));
	const enum keyspace keyspace = name != NULL ? store_keyspace_find(name) : KEYSPACE_COUNT;
	struct text key;
	int rc;

	text_init(&key, STORE_KEY_MAX);
	if (keyspace == KEYSPACE_COUNT || read_key(cJSON_GetObjectItemCaseSensitive(line, "key"), &key) != 0)
		rc = error_set(error, ERR_INVALID, "it is no JSON with a \"keyspace\" and a \"key\"");
	else
		rc = put(import, line, keyspace, &key, error);
	text_release(&key);
	cJSON_Delete(line);
	return rc;
}

static int import_lines(struct import *import, struct error *error)
{
	char *line = malloc(LINE_BYTES);
	struct error reason;
	int rc = line == NULL ? error_no_memory(error) : 0;

	while (rc == 0 && line != NULL && fgets(line, LINE_BYTES, import->file) != NULL) {
		import->lines++;
		if (import->batch == NULL)
			import->batch = batch_new(import->store);
		if (import_line(import, line, &reason) != 0)
			rc = error_set(error, ERR_INVALID, "line %zu: %s", import->lines, reason.text);
		else if (import->lines % BATCH_LINES == 0)
			rc = commit(import, error);
	}
	if (rc == 0)
		rc = commit(import, error);
	batch_free(import->batch);
	if (line != NULL)
		secret_wipe(line, LINE_BYTES);
	free(line);
	return rc;
}

static bool on_any(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	bool *found = arg;

	(void)value;
	*found = key_length < strlen(OWN_PREFIX) || memcmp(key, OWN_PREFIX, strlen(OWN_PREFIX)) != 0;
	return !*found;
}

static bool is_empty(struct store *store)
{
	bool found = false;

	for (enum keyspace keyspace = 0; !found && keyspace < KEYSPACE_COUNT; keyspace++)
		(void)store_scan(store, keyspace, "", 0, NULL, 0, on_any, &found);
	return !found;
}

/* One that is shared is written by the active broker alone: this program has to be that, which it is when none runs,
 * or a lease after the last one was killed. */
static int await_active(struct store *store, struct event_base *base, int64_t lease, struct error *error)
{
	const struct store_standing *standing = store_standing(store);
	const struct timeval patience = {.tv_sec = (time_t)(2 * lease / 1000)};

	event_base_loopexit(base, &patience);
	while (standing->role == STORE_STANDBY && standing->trouble.code == 0 && standing->outdated.code == 0 &&
	       !event_base_got_exit(base))
		event_base_loop(base, EVLOOP_ONCE);
	if (standing->outdated.code != 0)
		return error_set(error, standing->outdated.code, "%s", standing->outdated.text);
	if (standing->trouble.code != 0)
		return error_set(error, standing->trouble.code, "%s", standing->trouble.text);
	if (standing->role == STORE_STANDBY)
		return error_set(error, ERR_BUSY, "the shared store is in use by the broker \"%s\": stop it first",
		                 standing->active);
	return 0;
}

static int import_into(const struct config *config, struct import *import, struct error *error)
{
	struct shared_names names;
	struct store_shared shared;
	struct store_options options = {
	    .directory = config->data_dir, .size_max = config->limits.store_bytes, .base = event_base_new()};
	int rc;

	if (config->store != NULL) {
		shared_fill(config, NULL, &names, &shared);
		options.shared = &shared;
	}
	rc = options.base == NULL ? error_no_memory(error) : store_open(&options, &import->store, error);
	if (rc == 0)
		rc = await_active(import->store, options.base, config->store != NULL ? config->store->lease : 0, error);
	if (rc == 0)
		rc = is_empty(import->store)
		         ? import_lines(import, error)
		         : error_set(error, ERR_EXISTS, "the store in \"%s\" is not empty", config->data_dir);
	store_close(import->store);
	loop_free(options.base);
	return rc;
}

int run_import(const struct invocation *invocation)
{
	const bool from_in = strcmp(invocation->operand, "-") == 0;
	struct import import = {.file = from_in ? stdin : fopen(invocation->operand, "re")};
	struct config *config = NULL;
	struct error error;
	int rc;

	if (import.file == NULL) {
		error_set(&error, ERR_INVALID, "\"%s\" cannot be read: %s", invocation->operand, strerror(errno));
		return finish(invocation, ERR_INVALID, &error);
	}
	rc = load_config(invocation, &config) != 0 ? EXIT_FAILED : EXIT_GOOD;
	if (rc == EXIT_GOOD) {
		progress_begin(&import.progress, true);
		rc = import_into(config, &import, &error);
		progress_end(&import.progress);
		rc = finish(invocation, rc, &error);
		if (rc == EXIT_GOOD)
			fprintf(invocation->out, "%zu records\n", import.lines);
	}
	config_free(config);
	if (!from_in)
		fclose(import.file);
	return rc;
}
