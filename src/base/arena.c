/* Arenas: a list of chunks, each twice as large as the one before it, up to a limit. */
#include "base/arena.h"

#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_FIRST ((size_t)1024)      /* bytes */
#define CHUNK_MAX   ((size_t)64 * 1024) /* bytes; a larger request gets a chunk of its own */
#define ALIGNMENT   (_Alignof(max_align_t))

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
	_Alignas(max_align_t) unsigned char bytes[];
};

void arena_init(struct arena *arena)
{
	*arena = (struct arena){0};
}

static void release_chunks(struct arena *arena, bool wipe)
{
	struct arena_chunk *chunk = arena->chunks;

	while (chunk != NULL) {
		struct arena_chunk *next = chunk->next;

		if (wipe)
			sodium_memzero(chunk->bytes, chunk->size);
		free(chunk);
		chunk = next;
	}
	arena_init(arena);
}

void arena_release(struct arena *arena)
{
	release_chunks(arena, false);
}

void arena_wipe(struct arena *arena)
{
	release_chunks(arena, true);
}

static bool add_chunk(struct arena *arena, size_t least)
{
	size_t size = arena->capacity > 0 ? arena->capacity * 2 : CHUNK_FIRST;
	struct arena_chunk *chunk;

	if (size > CHUNK_MAX)
		size = CHUNK_MAX;
	if (size < least)
		size = least;
	chunk = malloc(sizeof(*chunk) + size);
	if (chunk == NULL)
		return false;
	chunk->next = arena->chunks;
	chunk->size = size;
	arena->chunks = chunk;
	arena->capacity = size;
	arena->used = 0;
	return true;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	void *bytes;

	if (arena->failed || size > SIZE_MAX / 4) {
		arena->failed = true;
		return NULL;
	}
	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if ((arena->chunks == NULL || arena->capacity - arena->used < size) && !add_chunk(arena, size)) {
		arena->failed = true;
		return NULL;
	}
	bytes = arena->chunks->bytes + arena->used;
	arena->used += size;
	return memset(bytes, 0, size);
}

char *arena_bytes(struct arena *arena, const void *bytes, size_t length)
{
	char *copy = length < SIZE_MAX ? arena_alloc(arena, length + 1) : NULL;

	if (copy != NULL && length > 0)
		memcpy(copy, bytes, length);
	return copy;
}

char *arena_text(struct arena *arena, const char *text)
{
	return text != NULL ? arena_bytes(arena, text, strlen(text)) : NULL;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
	va_list arguments, again;
	char *text = NULL;
	int length;

	va_start(arguments, format);
	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length >= 0)
		text = arena_alloc(arena, (size_t)length + 1);
	else
		arena->failed = true;
	if (text != NULL)
		vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	return text;
}

bool arena_failed(const struct arena *arena)
{
	return arena->failed;
}
