/* A broker in a process of its own, for fuzzing: the program's parts on listeners that are socket files, a clock that
 * is moved by hand, a store on a memory file system where there is one. An instance "mydb" exists, with the app "shop"
 * bound. */
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct world;

/* Aborts when it cannot be made. It is the process's, and its directory goes with the process. */
struct world *world_new(void);
/* One connection: sends bytes, the first piece of them by themselves, closes that side, and turns the loop until the
 * other side closes and no work is left. Aborts when that does not come about. */
void world_exchange(struct world *world, bool admin, const char *bytes, size_t length, size_t piece);
/* What came back. */
const struct text *world_answer(const struct world *world);
/* As world_new left it, if anything has changed since. */
void world_reset(struct world *world);

#endif
