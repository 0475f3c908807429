/* What is sealed in the records of binds. */
#ifndef LIFE_SEAL_H
#define LIFE_SEAL_H

#include "base/arena.h"
#include "base/secret.h"
#include "model/model.h"

/* Opens what was sealed for the bind, under its context and what stands behind that ("": the password), into the arena.
 * ERR_CORRUPT when it is too short or sealed for something else. */
int seal_open(const struct keyring *keyring, struct arena *arena, const struct bind *bind, const char *behind,
              const unsigned char *sealed, size_t length, const char **ret_plain, struct error *error);

#endif
