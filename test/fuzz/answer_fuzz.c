/* What a program of the driver exec writes, as an answer to each action that has one and as its messages: only clean
 * texts come out. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "driver/exec/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_clean(void *arg, const char *name, const char *value)
{
	(void)arg;
	if (!text_is_clean(name, strlen(name)) || !text_is_clean(value, strlen(value)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum call_kind kinds[] = {CALL_PROVISION, CALL_BIND, CALL_OBSERVE, CALL_INSPECT, CALL_LIST};
	char sentence[ANSWER_SENTENCE_MAX + 1];
	char *copy = malloc(size + 1);
	struct error error;

	memcpy(copy, data, size);
	copy[size] = '\0';
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		(void)answer_read(kinds[i], copy, size, expect_clean, NULL, &error);
	answer_sentence(copy, size, sentence);
	if (!text_is_clean(sentence, strlen(sentence)))
		abort();
	free(copy);
	return 0;
}
