/* Binds: records, moves, names, and the context of their secrets. */
#include "hostile.h"

#include "base/secret.h"
#include "model/model.h"

static const unsigned char sealed[SECRET_SEAL_OVERHEAD + PASSWORD_LENGTH] = {1, 0, 2, 0, 3};

static const unsigned char kept[SECRET_SEAL_OVERHEAD] = {1, 9};

static const struct bind full = {
    .incarnation = "0123456789abcdef",
    .kind = BIND_JOB,
    .name = "nightly",
    .login = "nightly_0123456789",
    .secret = sealed,
    .secret_length = sizeof(sealed),
    .parameters = "{\"read_only\":true,\"env_prefix\":\"A_\"}",
    .sent = "{\"read_only\":true}",
    .user = "ana",
    .whereabouts = {.hosts = "[\"shop.example.com\"]",
                    .internal_hosts = "[\"tcp://shop-web:8888\"]",
                    .pool = "east",
                    .pool_provisioner = "kubernetes",
                    .cluster = "c1",
                    .cluster_provisioner = "k8s",
                    .cluster_addresses = "[\"https://10.0.0.1:6443\"]"},
    .event = "e1",
    .unbind_event = "e2",
    .operation = "0123456789abcdef0123",
    .state = BIND_UNBINDING,
    .kept = kept,
    .kept_length = sizeof(kept),
    .oldest = 2,
    .version = 3,
    .created_at = 5,
    .updated_at = 6,
    .ended_at = 7,
};

/* A record of an earlier program does not tell what was sent from what holds. */
static void test_without_what_was_sent(void **state)
{
	struct bind earlier = full, bind;
	struct text record;

	(void)state;
	earlier.sent = NULL;
	text_init(&record, RECORD_MAX);
	assert_int_equal(bind_encode(&earlier, &record, NULL), 0);
	assert_int_equal(bind_decode(record.bytes, record.length, &bind, NULL), 0);
	assert_null(bind.sent);
	assert_string_equal(bind_sent(&bind), full.parameters);
	text_release(&record);
}

static int decode(const void *bytes, size_t length, struct error *error)
{
	struct bind bind;
	int rc = bind_decode(bytes, length, &bind, error);

	if (rc == 0) {
		assert_in_range(strlen(bind.name), 1, APP_NAME_MAX);
		assert_in_range(bind.secret_length, SECRET_SEAL_OVERHEAD, 1024);
		assert_string_not_equal(bind_kind_name(bind.kind), "unknown");
		assert_string_not_equal(bind_state_name(bind.state), "unknown");
	}
	return rc;
}

static void test_round_trip(void **state)
{
	struct text record;
	struct bind bind;

	(void)state;
	text_init(&record, RECORD_MAX);
	assert_int_equal(bind_encode(&full, &record, NULL), 0);
	assert_int_equal(bind_decode(record.bytes, record.length, &bind, NULL), 0);
	assert_string_equal(bind.incarnation, full.incarnation);
	assert_int_equal(bind.kind, full.kind);
	assert_string_equal(bind.name, full.name);
	assert_string_equal(bind.login, full.login);
	assert_int_equal(bind.secret_length, sizeof(sealed));
	assert_memory_equal(bind.secret, sealed, sizeof(sealed));
	assert_string_equal(bind.parameters, full.parameters);
	assert_string_equal(bind.sent, full.sent);
	assert_string_equal(bind_sent(&bind), full.sent);
	assert_string_equal(bind.user, full.user);
	assert_true(whereabouts_same(&bind.whereabouts, &full.whereabouts));
	assert_string_equal(bind.event, full.event);
	assert_string_equal(bind.unbind_event, full.unbind_event);
	assert_string_equal(bind.operation, full.operation);
	assert_int_equal(bind.state, full.state);
	assert_int_equal(bind.kept_length, sizeof(kept));
	assert_memory_equal(bind.kept, kept, sizeof(kept));
	assert_int_equal(bind.oldest, full.oldest);
	assert_int_equal(bind.version, full.version);
	assert_int_equal(bind.created_at, 5);
	assert_int_equal(bind.updated_at, 6);
	assert_int_equal(bind.ended_at, 7);
	text_release(&record);
}

/* A record of an earlier program says nothing of it; what is over its limit is no record. */
static void test_whereabouts(void **state)
{
	static const struct whereabouts none = {0};
	char list[ADDRESSES_MAX + 2];
	struct bind bind = full, decoded;
	struct text record;

	(void)state;
	text_init(&record, RECORD_MAX);
	bind.whereabouts = none;
	assert_int_equal(bind_encode(&bind, &record, NULL), 0);
	assert_int_equal(bind_decode(record.bytes, record.length, &decoded, NULL), 0);
	assert_true(whereabouts_same(&decoded.whereabouts, &none));
	assert_false(whereabouts_same(&full.whereabouts, &none));
	memset(list, 'h', sizeof(list));
	list[ADDRESSES_MAX + 1] = '\0';
	bind.whereabouts.cluster_addresses = list;
	assert_int_equal(bind_encode(&bind, &record, NULL), ERR_TOO_LARGE);
	list[ADDRESSES_MAX] = '\0';
	assert_int_equal(bind_encode(&bind, &record, NULL), 0);
	text_release(&record);
}

/* Each member alone makes two of them differ. */
static void test_whereabouts_differ(void **state)
{
	struct whereabouts other = full.whereabouts;
	const char **const members[] = {&other.hosts,           &other.internal_hosts,      &other.pool,
	                                &other.cluster,         &other.cluster_provisioner, &other.cluster_addresses,
	                                &other.pool_provisioner};

	(void)state;
	assert_int_equal(sizeof(members) / sizeof(*members) * sizeof(char *), sizeof(other));
	assert_true(whereabouts_same(&other, &full.whereabouts));
	for (size_t i = 0; i < 2 * sizeof(members) / sizeof(*members); i++) {
		other = full.whereabouts;
		*members[i / 2] = i % 2 == 0 ? "[]" : NULL;
		assert_false(whereabouts_same(&other, &full.whereabouts));
	}
}

static void test_hostile(void **state)
{
	struct text record;

	(void)state;
	text_init(&record, RECORD_MAX);
	assert_int_equal(bind_encode(&full, &record, NULL), 0);
	hostile_all(decode, &record);
	text_release(&record);
}

static void test_encode_needs_a_whole_secret(void **state)
{
	struct bind bind = full;
	struct text record;

	(void)state;
	text_init(&record, RECORD_MAX);
	bind.secret_length = SECRET_SEAL_OVERHEAD - 1;
	assert_int_equal(bind_encode(&bind, &record, NULL), ERR_TOO_LARGE);
	bind.secret = NULL;
	assert_int_equal(bind_encode(&bind, &record, NULL), ERR_INTERNAL);
	text_release(&record);
}

/* A first unbind says when, a further one does not; an earlier program's did not say. */
static void test_the_time_of_the_unbind(void **state)
{
	struct bind bind = {.name = "shop", .state = BIND_BOUND, .updated_at = 5};

	(void)state;
	assert_int_equal(bind_move_to_end(&bind, 9, NULL), 0);
	assert_int_equal(bind.ended_at, 9);
	assert_int_equal(bind_move_to_end(&bind, 12, NULL), 0);
	assert_int_equal(bind.ended_at, 9);
	assert_int_equal(bind_move(&bind, BIND_BINDING, NULL), 0);
	assert_int_equal(bind.ended_at, 0);
	bind = (struct bind){.name = "shop", .state = BIND_UNBINDING, .updated_at = 5};
	assert_int_equal(bind_move_to_end(&bind, 9, NULL), 0);
	assert_int_equal(bind.ended_at, 5);
}

static void test_moves(void **state)
{
	static const bool allowed[4][4] = {
	    [BIND_BINDING] = {[BIND_BINDING] = true, [BIND_BOUND] = true, [BIND_UNBINDING] = true},
	    [BIND_BOUND] = {[BIND_BINDING] = true, [BIND_BOUND] = true, [BIND_UNBINDING] = true},
	    [BIND_UNBINDING] = {[BIND_BINDING] = true, [BIND_UNBINDING] = true},
	};

	(void)state;
	for (int from = BIND_BINDING; from <= BIND_UNBINDING; from++) {
		for (int to = BIND_BINDING; to <= BIND_UNBINDING; to++) {
			struct bind bind = {.name = "app", .state = (enum bind_state)from};
			int rc = bind_move(&bind, (enum bind_state)to, NULL);

			assert_int_equal(rc, allowed[from][to] ? 0 : ERR_INTERNAL);
			assert_int_equal(bind.state, allowed[from][to] ? to : from);
		}
	}
}

static void test_check_name(void **state)
{
	static const char *const bad[] = {"", "A", "1a", "-a", "a_b", "a.b", "aB", "a b", "é"};
	char name[42] = "a";
	struct error error = {0};

	(void)state;
	assert_int_equal(bind_check_name(BIND_APP, "a", &error), 0);
	assert_int_equal(bind_check_name(BIND_APP, "my-app-9", &error), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(bind_check_name(BIND_JOB, bad[i], &error), ERR_INVALID);
	assert_non_null(strstr(error.text, "job"));
	memset(name, 'a', 41);
	assert_int_equal(bind_check_name(BIND_APP, name, &error), ERR_INVALID);
	name[40] = '\0';
	assert_int_equal(bind_check_name(BIND_APP, name, &error), 0);
}

static void test_check_host(void **state)
{
	static const char *const good[] = {"app.example.com", "10.0.0.1:8080", "[::1]:80", "MY_host-1"};
	static const char *const bad[] = {"", "a b", "a/b", "http://a", "a\n", "a;b", "é"};
	char host[APP_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(bind_check_host(good[i], NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(bind_check_host(bad[i], NULL), ERR_INVALID);
	memset(host, 'h', sizeof(host));
	host[APP_NAME_MAX + 1] = '\0';
	assert_int_equal(bind_check_host(host, NULL), ERR_INVALID);
	host[APP_NAME_MAX] = '\0';
	assert_int_equal(bind_check_host(host, NULL), 0);
}

/* The context is a C string: whatever tells two binds apart must stand before its first NUL. */
static void test_contexts_differ(void **state)
{
	struct bind other = full;
	struct text a, b;

	(void)state;
	text_init(&a, 1024);
	text_init(&b, 1024);
	bind_context(&full, &a);
	assert_string_equal(text_string(&a), "0123456789abcdef/job/nightly");
	assert_int_equal(strlen(text_string(&a)), a.length);
	other.kind = BIND_APP;
	bind_context(&other, &b);
	assert_string_not_equal(text_string(&a), text_string(&b));
	other.kind = BIND_JOB;
	other.name = "nightlyx";
	bind_context(&other, &b);
	assert_string_not_equal(text_string(&a), text_string(&b));
	text_release(&a);
	text_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),      cmocka_unit_test(test_without_what_was_sent),
	    cmocka_unit_test(test_whereabouts),     cmocka_unit_test(test_whereabouts_differ),
	    cmocka_unit_test(test_hostile),         cmocka_unit_test(test_encode_needs_a_whole_secret),
	    cmocka_unit_test(test_moves),           cmocka_unit_test(test_the_time_of_the_unbind),
	    cmocka_unit_test(test_check_name),      cmocka_unit_test(test_check_host),
	    cmocka_unit_test(test_contexts_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
