/* The client side of src/admin, on libcurl's easy interface: it may block, nothing else runs in this process. */
#include "cli/ask.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "cli/address.h"
#include "cli/load.h"
#include "driver/libcurl.h"

#define ANSWER_MAX   (64 << 20) /* bytes */
#define ASK_TIMEOUT  300L       /* s: an undelete waits for its operation */
#define CONNECT_TIME 10L        /* s */
#define URL_BYTES    512

struct asker {
	struct libcurl curl;
	CURL *easy; /* of the question that is asked */
	struct curl_slist *headers;
	char base[URL_BYTES];   /* "http://127.0.0.1:9080" */
	char socket[URL_BYTES]; /* "": none */
	char user[URL_BYTES];
	char *password;
	FILE *err;
	bool has_told; /* that an answer is not the active broker's */
};

/* ---- where ---- */

static int by_url(const struct invocation *invocation, struct asker *asker)
{
	const char *password = getenv("TSURU_BROKER_PASSWORD");
	const char *user = invocation->values[OPTION_USER];

	if (password == NULL) {
		fputs("tsuru-broker: with --url, the operators' password has to be in $TSURU_BROKER_PASSWORD\n",
		      invocation->err);
		return ERR_INVALID;
	}
	snprintf(asker->base, sizeof(asker->base), "%s", invocation->values[OPTION_URL]);
	snprintf(asker->user, sizeof(asker->user), "%s", user != NULL ? user : "admin");
	asker->password = strdup(password);
	return asker->password != NULL ? 0 : ERR_NO_MEMORY;
}

/* Takes config. */
static int by_socket(struct config *config, struct asker *asker)
{
	const struct admin *admin = config->admin;

	snprintf(asker->base, sizeof(asker->base), "http://localhost");
	snprintf(asker->socket, sizeof(asker->socket), "%s", admin->listen.path);
	snprintf(asker->user, sizeof(asker->user), "%s", admin->username);
	asker->password = strdup(admin->password_count > 0 ? admin->passwords[0] : "");
	config_free(config);
	return asker->password != NULL ? 0 : ERR_NO_MEMORY;
}

static int by_configuration(const struct invocation *invocation, struct asker *asker)
{
	struct config *config = NULL;
	char address[ADDRESS_MAX];
	int rc = load_config(invocation, &config);

	if (rc != 0)
		return rc;
	if (config->admin == NULL) {
		fprintf(invocation->err,
		        "tsuru-broker: the configuration \"%s\" has no \"admin\": the broker has no listener for "
		        "operators\n",
		        config->file);
		config_free(config);
		return ERR_INVALID;
	}
	if (config->admin->listen.path != NULL)
		return by_socket(config, asker);
	address_format(address_reachable(config->admin->listen.host), config->admin->listen.port, address,
	               sizeof(address));
	snprintf(asker->base, sizeof(asker->base), "http://%s", address);
	snprintf(asker->user, sizeof(asker->user), "%s", config->admin->username);
	asker->password = strdup(config->admin->passwords[0]);
	config_free(config);
	return asker->password != NULL ? 0 : ERR_NO_MEMORY;
}

static void add_operator(struct asker *asker)
{
	const char *name = getenv("SUDO_USER") != NULL ? getenv("SUDO_USER") : getenv("USER");
	char header[URL_BYTES];

	if (name == NULL || strpbrk(name, "\r\n") != NULL)
		return;
	snprintf(header, sizeof(header), "X-Operator: %.200s", name);
	asker->headers = asker->curl.slist_append(asker->headers, header);
}

static void set_up(struct asker *asker)
{
	const struct libcurl *curl = &asker->curl;

	curl->easy_setopt(asker->easy, CURLOPT_NOSIGNAL, 1L);
	curl->easy_setopt(asker->easy, CURLOPT_PROXY, "");
	curl->easy_setopt(asker->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	if (asker->socket[0] != '\0')
		curl->easy_setopt(asker->easy, CURLOPT_UNIX_SOCKET_PATH, asker->socket);
	curl->easy_setopt(asker->easy, CURLOPT_USERNAME, asker->user);
	curl->easy_setopt(asker->easy, CURLOPT_PASSWORD, asker->password);
	curl->easy_setopt(asker->easy, CURLOPT_TIMEOUT, ASK_TIMEOUT);
	curl->easy_setopt(asker->easy, CURLOPT_CONNECTTIMEOUT, CONNECT_TIME);
	curl->easy_setopt(asker->easy, CURLOPT_HTTPHEADER, asker->headers);
}

static int open_curl(const struct invocation *invocation, struct asker *asker)
{
	struct error error;
	int rc = libcurl_load(&asker->curl, &error);

	if (rc != 0) {
		fprintf(invocation->err, "tsuru-broker: %s\n", error.text);
		return rc;
	}
	asker->curl.global_init(CURL_GLOBAL_DEFAULT);
	return 0;
}

int ask_open(const struct invocation *invocation, struct asker **ret_asker)
{
	struct asker *asker = calloc(1, sizeof(*asker));
	int rc = asker == NULL ? ERR_NO_MEMORY : 0;

	if (rc == 0)
		rc = invocation->values[OPTION_URL] != NULL ? by_url(invocation, asker)
		                                            : by_configuration(invocation, asker);
	if (rc == 0)
		rc = open_curl(invocation, asker);
	if (rc != 0) {
		ask_close(asker);
		return rc;
	}
	/* Also without a body: the broker takes nothing else from whoever changes something. */
	asker->headers = asker->curl.slist_append(asker->headers, "Content-Type: application/json");
	add_operator(asker);
	asker->err = invocation->err;
	*ret_asker = asker;
	return 0;
}

void ask_close(struct asker *asker)
{
	if (asker == NULL)
		return;
	secret_free(asker->password);
	if (asker->headers != NULL)
		asker->curl.slist_free_all(asker->headers);
	free(asker);
}

/* ---- asking ---- */

/* One for each question: libcurl before 8.1 follows a pointer of the one before where an answer begins with a line that
 * is folded. */
static bool begin(struct asker *asker)
{
	asker->easy = asker->curl.easy_init();
	if (asker->easy != NULL)
		set_up(asker);
	return asker->easy != NULL;
}

static void end(struct asker *asker)
{
	asker->curl.easy_cleanup(asker->easy);
	asker->easy = NULL;
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *arg)
{
	struct text *body = arg;

	text_add_bytes(body, bytes, size * count);
	return body->failed ? 0 : size * count;
}

static void make_object(const char *const *fields, struct text *ret_object)
{
	text_add(ret_object, "{");
	for (; fields[0] != NULL; fields += 2) {
		if (fields[1] == NULL)
			continue;
		text_add(ret_object, ret_object->length > 1 ? "," : "");
		text_add_json(ret_object, fields[0]);
		text_add(ret_object, ":");
		text_add_json(ret_object, fields[1]);
	}
	text_add(ret_object, "}");
}

/* Told once, on standard error: what it shows is not what the active one has. */
static void note_age(struct asker *asker)
{
	struct curl_header *header = NULL;
	int64_t age;

	if (asker->has_told || asker->curl.easy_header(asker->easy, "Age", 0, CURLH_HEADER, -1, &header) != CURLHE_OK ||
	    text_parse_number(header->value, &age) != 0)
		return;
	fprintf(asker->err, "tsuru-broker: not the active broker's: what this one knows by itself, %lld s old\n",
	        (long long)age);
	asker->has_told = true;
}

static int perform(struct asker *asker, const char *path, const struct text *object, struct text *ret_body,
                   long *ret_status, struct error *error)
{
	const struct libcurl *curl = &asker->curl;
	char url[2 * URL_BYTES];
	CURLcode code;

	snprintf(url, sizeof(url), "%s%s", asker->base, path);
	curl->easy_setopt(asker->easy, CURLOPT_URL, url);
	curl->easy_setopt(asker->easy, CURLOPT_WRITEFUNCTION, on_bytes);
	curl->easy_setopt(asker->easy, CURLOPT_WRITEDATA, ret_body);
	curl->easy_setopt(asker->easy, CURLOPT_HTTPGET, 1L);
	if (object != NULL)
		curl->easy_setopt(asker->easy, CURLOPT_COPYPOSTFIELDS, text_string(object));
	code = curl->easy_perform(asker->easy);
	if (code != CURLE_OK)
		return error_set(error, ERR_UNAVAILABLE, "the broker at %s does not answer: %s", asker->base,
		                 curl->easy_strerror(code));
	curl->easy_getinfo(asker->easy, CURLINFO_RESPONSE_CODE, ret_status);
	note_age(asker);
	return 0;
}

/* The broker's own sentence. */
static int refuse(long status, const struct cJSON *json, struct error *error)
{
	const struct cJSON *message = cJSON_GetObjectItemCaseSensitive(json, "message");
	const char *text = cJSON_IsString(message) ? message->valuestring : "it gives no reason";

	return error_set(error,
	                 status == 404   ? ERR_NOT_FOUND
	                 : status == 401 ? ERR_UNAUTHORIZED
	                 : status >= 500 ? ERR_UNAVAILABLE
	                                 : ERR_REFUSED,
	                 "the broker refuses (%ld): %s", status, text);
}

static int ask_any(struct asker *asker, const char *path, const char *const *fields, bool any_status,
                   struct cJSON **ret_json, struct error *error)
{
	struct text object, body;
	struct cJSON *json = NULL;
	long status = 0;
	int rc;

	text_init(&object, ANSWER_MAX);
	text_init(&body, ANSWER_MAX);
	if (fields != NULL)
		make_object(fields, &object);
	rc = begin(asker) ? perform(asker, path, fields != NULL ? &object : NULL, &body, &status, error)
	                  : error_no_memory(error);
	end(asker);
	if (rc == 0) {
		json = json_parse_value(text_string(&body), body.length);
		if (status >= 300 && !any_status)
			rc = refuse(status, json, error);
		else if (json == NULL)
			rc = error_set(error, ERR_INTERNAL, "the answer of %s is no JSON (status %ld)", asker->base,
			               status);
	}
	if (rc == 0)
		*ret_json = json;
	else
		cJSON_Delete(json);
	text_release(&object);
	text_release(&body);
	return rc;
}

int ask(struct asker *asker, const char *path, const char *const *fields, struct cJSON **ret_json, struct error *error)
{
	return ask_any(asker, path, fields, false, ret_json, error);
}

int ask_whatever(struct asker *asker, const char *path, struct cJSON **ret_json, struct error *error)
{
	return ask_any(asker, path, NULL, true, ret_json, error);
}
