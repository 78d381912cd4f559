/* Memory that is ours but must not be touched: in builds with the address sanitizer touching it is
 * reported, elsewhere nothing happens. Poison starts and ends at multiples of 8 bytes; a last piece
 * of fewer may be open in part. */
#ifndef NBQ_BASE_POISON_H
#define NBQ_BASE_POISON_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define NBQ_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NBQ_POISON 1
#endif
#endif

#ifdef NBQ_POISON
#include <sanitizer/asan_interface.h>
#endif

static inline void poison(const void *p, size_t size) {
#ifdef NBQ_POISON
    ASAN_POISON_MEMORY_REGION(p, size);
#else
    (void)p, (void)size;
#endif
}

static inline void unpoison(const void *p, size_t size) {
#ifdef NBQ_POISON
    ASAN_UNPOISON_MEMORY_REGION(p, size);
#else
    (void)p, (void)size;
#endif
}

#endif
