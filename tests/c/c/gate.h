/* A number that threads raise and wait for. */
#ifndef GATE_H
#define GATE_H

#include <pthread.h>

#include "../check.h"

typedef struct gate {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int number;
} gate;

#define GATE_INIT {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0}

static inline void gate_raise(gate *at) {
  CHECK(pthread_mutex_lock(&at->lock) == 0);
  at->number++;
  CHECK(pthread_cond_broadcast(&at->changed) == 0);
  CHECK(pthread_mutex_unlock(&at->lock) == 0);
}

static inline void gate_wait(gate *at, int number) {
  CHECK(pthread_mutex_lock(&at->lock) == 0);
  while (at->number < number) CHECK(pthread_cond_wait(&at->changed, &at->lock) == 0);
  CHECK(pthread_mutex_unlock(&at->lock) == 0);
}

static inline int gate_number(gate *at) {
  CHECK(pthread_mutex_lock(&at->lock) == 0);
  int number = at->number;
  CHECK(pthread_mutex_unlock(&at->lock) == 0);
  return number;
}

static inline pthread_t thread_start(void *(*body)(void *), void *with) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, body, with) == 0);
  return thread;
}

static inline void thread_join(pthread_t thread) { CHECK(pthread_join(thread, NULL) == 0); }

#endif
