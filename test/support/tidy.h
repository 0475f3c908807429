/* Read by clang-tidy before every file (test/check_tidy.sh), never by a compiler: lists and hashes without their
 * insides. The analyzer does not see that to remove an item changes what the head says next: it would find it used
 * after free. */
#ifndef TIDY_H
#define TIDY_H

#define HASH_NONFATAL_OOM 1

#include <sys/queue.h>
#include <uthash.h>

/* Defined nowhere: any item, and the container is no longer what it was. */
void *tidy_any(void *container, const void *key);

#undef LIST_FIRST
#define LIST_FIRST(head) ((__typeof__((head)->lh_first))tidy_any((void *)(head), NULL))
#undef TAILQ_FIRST
#define TAILQ_FIRST(head) ((__typeof__((head)->tqh_first))tidy_any((void *)(head), NULL))
#undef TAILQ_LAST
#define TAILQ_LAST(head, type) ((__typeof__((head)->tqh_first))tidy_any((void *)(head), NULL))

#undef HASH_ADD
#define HASH_ADD(hh, head, field, length, item) ((head) = tidy_any((item), &(item)->field))
#undef HASH_ADD_STR
#define HASH_ADD_STR(head, field, item) ((head) = tidy_any((item), (item)->field))
#undef HASH_DEL
#define HASH_DEL(head, item) ((head) = tidy_any((item), NULL))
#undef HASH_FIND_STR
#define HASH_FIND_STR(head, key, ret_item) ((ret_item) = tidy_any((void *)(head), (key)))
#undef HASH_ITER
#define HASH_ITER(hh, head, item, next)                                                                                \
	for ((item) = (head); (item) != NULL && ((next) = tidy_any((item), NULL), 1); (item) = (next))

/* cmocka does not say that it never returns. */
void _fail(const char *file, int line) __attribute__((noreturn));

#endif
