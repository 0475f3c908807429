/* Asks for a proof, and looks at the answer. Nothing of a request is sent before. */
#include "relay/proof.h"

#include <string.h>
#include <strings.h>

#include "relay/voucher.h"

#define NO_PEER   "-" /* nobody's request */
#define STATUS_OF 204

/* ---- the answer, as it comes ---- */

static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
	static const char name[] = PROVING_HEADER ":";
	struct proof *proof = arg;
	const size_t length = size * count, begin = sizeof(name) - 1;
	size_t kept;

	if (length <= begin || strncasecmp(bytes, name, begin) != 0)
		return length;
	kept = length - begin;
	if (kept >= sizeof(proof->macs))
		return 0; /* no broker's */
	memcpy(proof->macs, bytes + begin, kept);
	proof->macs[kept] = '\0';
	return length;
}

/* A proof has no body. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's */
static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
	(void)bytes;
	(void)size;
	(void)count;
	(void)arg;
	return 0;
}

/* ---- the question ---- */

static bool add_header(struct proof *proof, const struct libcurl *curl, const char *header)
{
	struct curl_slist *list = curl->slist_append(proof->headers, header);

	if (list != NULL)
		proof->headers = list;
	return list != NULL;
}

static bool add_voucher(struct proof *proof, const struct libcurl *curl, const struct proof_asked *asked)
{
	const struct voucher_scope scope = {
	    .keyring = asked->keyring, .listener = asked->listener, .method = "GET", .target = PROVING_TARGET};
	struct text header;
	bool good;

	text_init(&header, VOUCHER_TEXT_MAX + sizeof(VOUCHER_HEADER ": "));
	text_add(&header, VOUCHER_HEADER ": ");
	voucher_write(&scope, &(struct http_forwarded){.by = asked->by, .id = proof->id, .peer = NO_PEER}, &header);
	good = !header.failed && add_header(proof, curl, text_string(&header));
	text_release(&header);
	return good;
}

static bool set_question(struct proof *proof, const struct libcurl *curl, const struct proof_asked *asked)
{
	CURL *easy = proof->run.easy;

	curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl->easy_setopt(easy, CURLOPT_HEADERDATA, proof);
	curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, proof->reason);
	return curl->easy_setopt(easy, CURLOPT_URL, asked->address) == CURLE_OK &&
	       curl->easy_setopt(easy, CURLOPT_REQUEST_TARGET, PROVING_TARGET) == CURLE_OK &&
	       curl->easy_setopt(easy, CURLOPT_HTTPHEADER, proof->headers) == CURLE_OK &&
	       curl->easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)PROOF_TIME) == CURLE_OK;
}

int proof_begin(struct proof *proof, const struct handles *handles, const struct proof_asked *asked)
{
	proof->macs[0] = proof->reason[0] = '\0';
	secret_random_hex(proof->id, PROOF_ID_BYTES);
	proof->run.easy = handles_make(handles);
	if (proof->run.easy == NULL)
		return ERR_NO_MEMORY;
	if (add_voucher(proof, handles->curl, asked) && add_header(proof, handles->curl, "Accept:") &&
	    set_question(proof, handles->curl, asked))
		return 0;
	proof_end(proof, handles);
	return ERR_NO_MEMORY;
}

/* ---- the end ---- */

static const char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && strchr(" \t\r\n", end[-1]) != NULL)
		*--end = '\0';
	return text + strspn(text, " \t");
}

bool proof_judge(const struct proof *proof, const struct handles *handles, const struct proof_asked *asked,
                 CURLcode result, struct error *error)
{
	const struct proving proving = {.keyring = asked->keyring,
	                                .listener = asked->listener,
	                                .name = asked->name,
	                                .address = asked->address,
	                                .id = proof->id};
	char macs[KEYRING_MACS_SIZE];
	long status = 0;

	strcpy(macs, proof->macs);
	handles->curl->easy_getinfo(proof->run.easy, CURLINFO_RESPONSE_CODE, &status);
	if (result == CURLE_OK && status == STATUS_OF && proving_check(&proving, trim(macs)))
		return true;
	if (result == CURLE_OK || result == CURLE_WRITE_ERROR)
		error_set(error, ERR_UNAVAILABLE, "what listens there has not shown that it is that broker");
	else
		error_set(error, result == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_UNAVAILABLE, "%s",
		          proof->reason[0] != '\0' ? proof->reason : handles->curl->easy_strerror(result));
	return false;
}

void proof_end(struct proof *proof, const struct handles *handles)
{
	if (proof->run.easy == NULL)
		return;
	handles->curl->easy_cleanup(proof->run.easy);
	proof->run.easy = NULL;
	handles->curl->slist_free_all(proof->headers);
	proof->headers = NULL;
}
