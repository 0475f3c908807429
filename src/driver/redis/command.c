/* Commands in Redis's protocol, written by hiredis: every word goes with its length, so no content needs to be quoted.
 */
#include "command.h"

#include <hiredis/hiredis.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#define WORD_MAX    1024 /* bytes of a formatted one */
#define WORDS_FIRST 32

void batch_init(struct redis_batch *batch)
{
	*batch = (struct redis_batch){0};
	text_init(&batch->bytes, BATCH_MAX);
	arena_init(&batch->arena);
}

void batch_release(struct redis_batch *batch)
{
	text_wipe(&batch->bytes);
	arena_wipe(&batch->arena);
	free(batch->words);
	free(batch->lengths);
	batch->words = NULL;
	batch->lengths = NULL;
	batch->word_count = batch->word_capacity = 0;
}

void batch_reset(struct redis_batch *batch)
{
	batch_release(batch);
	batch_init(batch);
}

/* ---- words ---- */

static bool make_room(struct redis_batch *batch)
{
	const size_t capacity = batch->word_capacity > 0 ? 2 * batch->word_capacity : WORDS_FIRST;
	const char **words;
	size_t *lengths;

	if (batch->word_count < batch->word_capacity)
		return true;
	words = realloc(batch->words, capacity * sizeof(*words));
	if (words != NULL)
		batch->words = words;
	lengths = realloc(batch->lengths, capacity * sizeof(*lengths));
	if (lengths != NULL)
		batch->lengths = lengths;
	if (words == NULL || lengths == NULL)
		return false;
	batch->word_capacity = capacity;
	return true;
}

void batch_bytes(struct redis_batch *batch, const char *bytes, size_t length)
{
	if (bytes == NULL || !make_room(batch)) {
		batch->failed = true;
		return;
	}
	batch->words[batch->word_count] = bytes;
	batch->lengths[batch->word_count] = length;
	batch->word_count++;
}

void batch_word(struct redis_batch *batch, const char *text)
{
	batch_bytes(batch, text, text != NULL ? strlen(text) : 0);
}

void batch_format(struct redis_batch *batch, const char *format, ...)
{
	char word[WORD_MAX];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(word, sizeof(word), format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= sizeof(word))
		batch->failed = true;
	else
		batch_word(batch, arena_text(&batch->arena, word));
}

void batch_end(struct redis_batch *batch)
{
	char *command = NULL;
	long long length = -1; /* an int before hiredis 1.1 */

	if (!batch->failed && batch->word_count <= INT_MAX)
		length = redisFormatCommandArgv(&command, (int)batch->word_count, batch->words, batch->lengths);
	if (length < 0) {
		batch->failed = true;
	} else {
		text_add_bytes(&batch->bytes, command, (size_t)length);
		secret_wipe(command, (size_t)length);
		redisFreeCommand(command);
		batch->failed |= batch->bytes.failed;
	}
	batch->count++;
	batch->word_count = 0;
	arena_wipe(&batch->arena);
}

void batch_command(struct redis_batch *batch, ...)
{
	va_list words;
	const char *word;

	va_start(words, batch);
	while ((word = va_arg(words, const char *)) != NULL)
		batch_word(batch, word);
	va_end(words);
	batch_end(batch);
}
