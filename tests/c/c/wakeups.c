/* Waiting for records: by a callback for an event loop, by a poll that another thread ends. */
#define _POSIX_C_SOURCE 200809L

#include <poll.h>

#include "gate.h"
#include "support.h"

static int ends[2];

static void tell(void *user_data) {
  CHECK(user_data == (void *)ends);
  CHECK(write(ends[1], "!", 1) == 1);
}

static void leave_callback(levada_consumer *consumer) {
  OK(levada_consumer_on_ready(consumer, tell, ends, &error));
}

/* Waits until the callback was called, so many times in all; not once more. */
static void told(int times) {
  char byte;
  struct pollfd readable = {0, POLLIN, 0};
  readable.fd = ends[0];
  for (int i = 0; i < times; i++) {
    CHECK(poll(&readable, 1, LONG) == 1);
    CHECK(read(ends[0], &byte, 1) == 1);
  }
  CHECK(poll(&readable, 1, 0) == 0);
}

/* Poll without waiting; if that gives nothing leave a callback, and come back. */
static void event_loop(levada_database *database) {
  static const char *const topics[] = {"t", "later", NULL};
  levada_consumer *consumer = new_consumer(database, NULL);
  assign(consumer, "t", 0, LEVADA_OFFSET_NONE);
  OK(levada_consumer_seek_to_end(consumer, NULL, 0, &error));
  poll_nothing(consumer);
  leave_callback(consumer);
  told(0);
  fill(database, "t", 0, 1);
  told(1);
  levada_batch_free(poll_batch(consumer, 0));
  poll_nothing(consumer);
  fill(database, "t", 0, 1);
  told(0);
  /* They are there already. */
  leave_callback(consumer);
  told(1);
  levada_batch_free(poll_batch(consumer, 0));

  leave_callback(consumer);
  leave_callback(consumer);
  levada_consumer_wakeup(consumer);
  told(2);
  poll_nothing(consumer);
  /* A wake-up that nothing has taken up is told of as well. */
  levada_consumer_wakeup(consumer);
  leave_callback(consumer);
  told(1);
  poll_nothing(consumer);

  /* Topics that come are found by polls. */
  OK(levada_consumer_subscribe(consumer, topics, &error));
  poll_nothing(consumer);
  make_topic(database, "later", 1);
  poll_nothing(consumer);
  leave_callback(consumer);
  told(0);
  fill(database, "later", 0, 1);
  told(1);
  FAILS(LEVADA_INVALID, "callback", levada_consumer_on_ready(consumer, NULL, ends, &error));
  levada_consumer_free(consumer);
}

/* At the end it is called too: nobody waits for ever for what will not come. */
static void told_of_the_end(levada_database *database) {
  levada_consumer *consumer = new_consumer(database, NULL);
  assign(consumer, "t", 0, LEVADA_OFFSET_NONE);
  OK(levada_consumer_seek_to_end(consumer, NULL, 0, &error));
  poll_nothing(consumer);
  leave_callback(consumer);
  OK(levada_consumer_close(consumer, &error));
  told(1);
  FAILS(LEVADA_CLOSED, "closed", levada_consumer_on_ready(consumer, tell, ends, &error));
  levada_consumer_free(consumer);

  consumer = new_consumer(database, NULL);
  assign(consumer, "t", 0, LEVADA_OFFSET_NONE);
  leave_callback(consumer);
  levada_consumer_free(consumer);
  told(1);
}

/* The same of a database that is closed under the consumer. */
static void told_of_the_database_s_end(levada_database *database) {
  levada_consumer *consumer = new_consumer(database, NULL);
  assign(consumer, "t", 0, LEVADA_OFFSET_NONE);
  OK(levada_consumer_seek_to_end(consumer, NULL, 0, &error));
  poll_nothing(consumer);
  leave_callback(consumer);
  OK(levada_database_close(database, &error));
  told(1);
  levada_batch *batch = NULL;
  FAILS(LEVADA_CLOSED, "closed", levada_consumer_poll(consumer, 0, -1, &batch, &error));
  levada_consumer_free(consumer);
}

typedef struct waiter {
  levada_consumer *consumer;
  gate begun, ended;
} waiter;

static void *wait_for_ever(void *with) {
  waiter *self = with;
  for (int i = 0; i < 3; i++) {
    char place;
    levada_batch *batch = (levada_batch *)(void *)&place;
    gate_raise(&self->begun);
    OK(levada_consumer_poll(self->consumer, 0, -1, &batch, &error));
    CHECK(batch == NULL);
    gate_raise(&self->ended);
  }
  return NULL;
}

/* Each wake-up ends one poll, whether it waits already or not yet. */
static void woken_by_another_thread(levada_database *database) {
  waiter with = {NULL, GATE_INIT, GATE_INIT};
  with.consumer = new_consumer(database, NULL);
  assign(with.consumer, "t", 0, LEVADA_OFFSET_NONE);
  OK(levada_consumer_seek_to_end(with.consumer, NULL, 0, &error));
  levada_consumer_wakeup(with.consumer);
  pthread_t thread = thread_start(wait_for_ever, &with);
  for (int i = 1; i < 3; i++) {
    gate_wait(&with.ended, i);
    gate_wait(&with.begun, i + 1);
    levada_consumer_wakeup(with.consumer);
  }
  thread_join(thread);
  levada_consumer_wakeup(NULL);
  levada_consumer_free(with.consumer);
  levada_consumer_wakeup(with.consumer);
}

int main(int argc, char **argv) {
  levada_database *database = open_database(begin(argc, argv), "data");
  CHECK(pipe(ends) == 0);
  make_topic(database, "t", 1);
  fill(database, "t", 0, 3);
  event_loop(database);
  told_of_the_end(database);
  woken_by_another_thread(database);
  told_of_the_database_s_end(database);
  levada_database_free(database);
  return end();
}
