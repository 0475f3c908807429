/* A heap that is freed at once: everything a request, a record or an operation needs, with one release.
 * A failed allocation sticks: later ones return NULL too, so a run of calls is checked once with arena_failed. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* newest first */
	size_t used, capacity;      /* of the newest */
	bool failed;
};

void arena_init(struct arena *arena);
/* Frees all; the arena is as after arena_init. */
void arena_release(struct arena *arena);
/* As arena_release, but wipes the bytes first: for arenas that held secrets. */
void arena_wipe(struct arena *arena);

/* Zeroed, aligned for any type. NULL when memory is out. Owned by the arena. */
void *arena_alloc(struct arena *arena, size_t size);
/* A copy with a NUL behind it. NULL text gives NULL (and is no failure). */
char *arena_text(struct arena *arena, const char *text);
char *arena_bytes(struct arena *arena, const void *bytes, size_t length);
char *arena_format(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool arena_failed(const struct arena *arena);

#endif
