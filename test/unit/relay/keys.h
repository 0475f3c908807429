/* Keyrings for the relay's tests. */
#ifndef RELAY_KEYS_H
#define RELAY_KEYS_H

#include "base/secret.h"

#define FIRST_KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define OTHER_KEY "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define BOTH_KEYS OTHER_KEY " " FIRST_KEY

static inline struct keyring *keys(const char *text)
{
	struct keyring *keyring = NULL;

	assert_int_equal(keyring_parse(text, &keyring, NULL), 0);
	return keyring;
}

/* Of a group of tests. */
static inline int keys_setup(void **state)
{
	(void)state;
	return secret_init(NULL);
}

#endif
