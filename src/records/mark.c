/* The store's own mark. Nobody may see a number before it is on the disk: after a crash the next start would take it
 * for another's. So whoever wants to show it waits for `durable`. */
#include "records/mark.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#define KEY        "store.mark"
#define SEAL_KEY   "store.seal"
#define WORD_BYTES 4
#define HEX        "0123456789abcdef"

bool mark_parse(const char *text, struct mark *ret_mark)
{
	const size_t length = strspn(text, HEX);
	char *end;

	if (length != STORE_ID_LENGTH || text[length] != '-' || !isdigit((unsigned char)text[length + 1]) ||
	    strlen(text) > MARK_MAX)
		return false;
	memcpy(ret_mark->store, text, length);
	ret_mark->store[length] = '\0';
	ret_mark->number = strtoll(text + length + 1, &end, 10);
	if (ret_mark->number > MARK_NUMBER_MAX || *end != '-' || strspn(end + 1, HEX) != 2 * WORD_BYTES ||
	    end[1 + 2 * WORD_BYTES] != '\0')
		return false;
	strcpy(ret_mark->text, text);
	return true;
}

static void on_durable(void *arg, int code, const struct error *error, uint64_t revision)
{
	struct mark *mark = arg;

	(void)error;
	(void)revision;
	mark->saving--;
	mark->durable = code == 0 && mark->saving == 0;
}

static void set_number(struct mark *mark, int64_t number)
{
	struct batch *batch = batch_new(mark->kept_in);
	char word[2 * WORD_BYTES + 1];

	secret_random_hex(word, WORD_BYTES);
	mark->number = number;
	snprintf(mark->text, sizeof(mark->text), "%s-%" PRId64 "-%s", mark->store, number, word);
	mark->durable = false;
	mark->saving++;
	batch_use_reserve(batch);
	batch_put(batch, KEYSPACE_META, KEY, strlen(KEY), mark->text, strlen(mark->text), REVISION_ANY);
	batch_put(batch, KEYSPACE_META, SEAL_KEY, strlen(SEAL_KEY), mark->seal, STORE_SEAL_LENGTH, REVISION_ANY);
	batch_commit(batch, on_durable, mark);
}

bool mark_is_durable(struct mark *mark)
{
	if (!mark->durable && mark->saving == 0)
		set_number(mark, mark->number);
	return mark->durable;
}

/* Its first is written with the next mark. */
static int read_seal(struct mark *mark, struct error *error)
{
	char *seal = mark->seal;
	struct store_value value;
	const int rc = store_get(mark->kept_in, KEYSPACE_META, SEAL_KEY, strlen(SEAL_KEY), &value);

	if (rc == ERR_NOT_FOUND) {
		secret_random_hex(seal, STORE_SEAL_LENGTH / 2);
		return 0;
	}
	if (rc != 0)
		return error_set(error, rc, "the store cannot be read");
	if (value.length != STORE_SEAL_LENGTH)
		return error_set(error, ERR_CORRUPT, "the store's seal is damaged");
	memcpy(seal, value.bytes, value.length);
	return 0;
}

/* Empty where there is none. */
static int read_text(struct store *store, char *ret_text)
{
	struct store_value value;
	const int rc = store_get(store, KEYSPACE_META, KEY, strlen(KEY), &value);

	if (rc == 0 && value.length <= MARK_MAX) {
		memcpy(ret_text, value.bytes, value.length);
		ret_text[value.length] = '\0';
	}
	return rc;
}

int mark_open(struct mark *mark, struct store *store, struct error *error)
{
	char text[MARK_MAX + 1] = "";
	int rc;

	mark->kept_in = store;
	rc = read_seal(mark, error);
	if (rc != 0)
		return rc;
	rc = read_text(store, text);
	if (rc == ERR_NOT_FOUND) {
		secret_random_hex(mark->store, STORE_ID_LENGTH / 2);
		set_number(mark, 1);
		return 0;
	}
	if (rc != 0)
		return error_set(error, rc, "the store cannot be read");
	if (!mark_parse(text, mark))
		return error_set(error, ERR_CORRUPT, "the store's mark is damaged");
	set_number(mark, mark->number + 1);
	return 0;
}

void mark_raise(struct mark *mark, int64_t number)
{
	if (number < mark->number || number > MARK_NUMBER_MAX / 2)
		return;
	set_number(mark, number + 1);
	mark->raised = true;
}

void mark_look(struct mark_seen *seen, struct store *store, int64_t now)
{
	char text[MARK_MAX + 1] = "";
	struct mark mark;

	if (read_text(store, text) != 0 || !mark_parse(text, &mark))
		return;
	if (mark.number <= seen->number && strcmp(mark.store, seen->store) == 0)
		return;
	*seen = (struct mark_seen){.number = mark.number, .since = now};
	strcpy(seen->store, mark.store);
}

void mark_recall(struct mark *mark, const struct mark_seen *seen, int64_t now)
{
	if (strcmp(seen->store, mark->store) == 0 && now - seen->since < MARK_SEEN_FOR)
		mark_raise(mark, seen->number);
}
