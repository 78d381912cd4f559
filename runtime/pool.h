/* A loop over threads, for work that is the same for every index. */
#ifndef NBQ_RUNTIME_POOL_H
#define NBQ_RUNTIME_POOL_H

#include <stdbool.h>

/* pool.c: calls work(user, worker, index) for every index 0…count−1, worker 0…threads−1, each
 * worker in a thread of its own (worker 0 in the caller's; fewer threads when the system gives
 * no more). Indices are handed out in rising order; after a false one no more are. So whenever
 * index n was handed out, all below n are worked on to the end: the smallest index that failed
 * is the same in every run. Returns when all threads are done; true if nothing failed. */
typedef bool rt_work_fn(void *user, int worker, long index);
bool rt_parallel(int threads, long count, rt_work_fn *work, void *user);

#endif
