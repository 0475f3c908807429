/* The records' format: whoever changes what records hold raises it, so that an earlier program, which would lose what
 * it does not know as soon as it wrote a record again, leaves them alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/secret.h"
#include "model/codec.h"
#include "model/record.h"
#include "store/store.h"

#define HASH_BYTES 8

/* What the records of that format are like. */
static const uint64_t known_format = 3;
static const char known_hash[] = "0995bb55167f601e";

static void add_schema(struct text *text, const struct schema *schema)
{
	text_add(text, schema->subject);
	for (size_t i = 0; i < schema->field_count; i++) {
		const struct field *field = &schema->fields[i];

		text_add_format(text, " %d %d %d %zu %zu", field->tag, (int)field->type, field->required, field->min,
		                field->max);
	}
	text_add(text, "\n");
}

static void test_changed_records_have_another_format(void **state)
{
	static const struct schema *const schemas[] = {&schema_instance,  &schema_bind,  &schema_operation,
	                                               &schema_tombstone, &schema_audit, NULL};
	char hash[2 * HASH_BYTES + 1];
	const char *whole;
	struct error error;
	struct text text;

	(void)state;
	assert_int_equal(secret_init(&error), 0);
	text_init(&text, 65536);
	text_add_format(&text, "%d %d\n", RECORD_VERSION, KEYSPACE_COUNT);
	for (size_t i = 0; schemas[i] != NULL; i++)
		add_schema(&text, schemas[i]);
	whole = text_string(&text);
	assert_false(text.failed);
	secret_hash_hex(hash, HASH_BYTES, &whole, 1);
	text_release(&text);
	if (strcmp(hash, known_hash) != 0)
		fail_msg("records have changed: raise STORE_FORMAT, and write here that %s is what they are like",
		         hash);
	assert_int_equal(STORE_FORMAT, known_format);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_changed_records_have_another_format)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
