/* Only the driver that made an instance can bind, unbind and remove it. Under another one, all of that would be called
 * done while the real database lives on. So the store says for each service by which driver its instances were made
 * (META, KEY_DRIVER), and the service keeps it as long as there is one, retained ones included. A store from
 * before this was written down takes what its first configuration says. */
#include "records/maker.h"

#include <string.h>

#include "model/model.h"

static void make_key(struct text *ret_key, const char *service)
{
	text_init(ret_key, STORE_KEY_MAX);
	text_add(ret_key, KEY_DRIVER);
	text_add(ret_key, service);
}

/* Whether the store names the driver; ret_maker takes what it names, "" for none. */
static bool is_known(struct store *store, const struct service *service, struct text *ret_maker)
{
	struct store_value value;
	struct text key;

	make_key(&key, service->name);
	if (store_get(store, KEYSPACE_META, text_string(&key), key.length, &value) == 0)
		text_add_bytes(ret_maker, value.bytes, value.length);
	text_release(&key);
	return strcmp(text_string(ret_maker), service->driver) == 0;
}

/* ---- checking ---- */

struct count {
	const char *service;
	size_t instances;
};

static bool on_instance(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	struct count *count = arg;
	struct instance instance;

	(void)key;
	(void)key_length;
	/* One that cannot be read may be of any service. */
	if (instance_decode(value->bytes, value->length, &instance, NULL) != 0 ||
	    strcmp(instance.service, count->service) == 0)
		count->instances++;
	return true;
}

static int check_service(struct store *store, const struct service *service, const char *maker, struct error *error)
{
	struct count count = {.service = service->name};

	store_flush(store); /* also what was decided a moment ago */
	if (store_scan(store, KEYSPACE_INSTANCES, "", 0, NULL, 0, on_instance, &count) != 0)
		return error_set(error, ERR_INTERNAL, "the store cannot be read");
	if (count.instances == 0)
		return 0;
	return error_set(error, ERR_REFUSED,
	                 "the service \"%s\" has %zu instance%s that the driver \"%s\" made, and \"driver\" is now "
	                 "\"%s\", which could neither unbind nor remove %s: give it \"%s\" back, or remove them first",
	                 service->name, count.instances, count.instances == 1 ? "" : "s", maker, service->driver,
	                 count.instances == 1 ? "it" : "them", maker);
}

int maker_check(struct store *store, const struct config *next, struct error *error)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < next->service_count; i++) {
		const struct service *service = &next->services[i];
		struct text maker;

		text_init(&maker, STORE_KEY_MAX);
		if (!is_known(store, service, &maker) && maker.length > 0)
			rc = check_service(store, service, text_string(&maker), error);
		text_release(&maker);
	}
	return rc;
}

/* ---- writing ---- */

static bool put_service(struct store *store, const struct service *service, struct batch *batch)
{
	struct text maker, key;
	bool known;

	text_init(&maker, STORE_KEY_MAX);
	known = is_known(store, service, &maker);
	text_release(&maker);
	if (known)
		return false;
	make_key(&key, service->name);
	batch_put(batch, KEYSPACE_META, text_string(&key), key.length, service->driver, strlen(service->driver),
	          REVISION_ANY);
	text_release(&key);
	return true;
}

int maker_write(struct store *store, const struct config *next, struct error *error)
{
	struct batch *batch = batch_new(store);
	size_t count = 0;

	batch_use_reserve(batch);
	for (size_t i = 0; i < next->service_count; i++)
		count += put_service(store, &next->services[i], batch);
	if (count == 0) {
		batch_free(batch);
		return 0;
	}
	return batch_commit_now(batch, error);
}
