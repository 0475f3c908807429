/* What is seen in what the brokers that share a store tell of themselves (struct store_members). */
#ifndef STORE_MEMBERS_H
#define STORE_MEMBERS_H

#include <stddef.h>

#include "store/store.h"

/* Fills in what is seen in the list as a whole: is_gone, is_double, differs, and what it warns of. An active one that
 * another has followed is STORE_DEPOSED, whatever it told last. */
void members_judge(struct store_members *members);
/* This broker's row; NULL: not read yet. */
const struct store_member *members_self(const struct store_members *members);
/* The one that waits to take over and lives; NULL: there is none. */
const struct store_member *members_standby(const struct store_members *members);
/* Whether another one lives. */
bool members_has_others(const struct store_members *members);
/* "no-synchronous-standby" and the like. */
const char *store_warning_name(enum store_warning warning);
/* A sentence about it, with names; size is at least ERROR_TEXT_MAX. */
void store_warning_text(const struct store_members *members, enum store_warning warning, char *ret_text, size_t size);

#endif
