/* Many threads on one handle, and handles that end under their users. */
#define _POSIX_C_SOURCE 200809L

#include "gate.h"
#include "support.h"

#define THREADS 8
#define EACH 2000

typedef struct shared {
  levada_database *database;
  levada_producer *producer;
  levada_writer *writer;
  levada_consumer *consumer;
  gate begun;
  int number;
} shared;

/* Records of one thread keep their order; every record is there once. */
static void *send_and_read(void *with) {
  shared *self = with;
  int32_t partition = self->number;
  for (int i = 0; i < EACH; i++) {
    int32_t value[2];
    value[0] = self->number;
    value[1] = i;
    if (i % 3 == 0) {
      OK(levada_producer_send(self->producer, "t", partition, NULL, 0, value, sizeof value, &error));
    } else {
      OK(levada_writer_send(self->writer, partition, NULL, 0, value, sizeof value, &error));
    }
    if (i % 500 == 0) flush(self->producer);
  }
  flush(self->producer);
  levada_consumer *consumer = new_consumer(self->database, NULL);
  assign(consumer, "t", partition, 0);
  for (int i = 0; i < EACH;) {
    levada_batch *batch = poll_batch(consumer, 0);
    const void *const *values = levada_batch_values(batch);
    for (size_t j = 0; j < levada_batch_count(batch); j++, i++) {
      int32_t value[2];
      memcpy(value, values[j], sizeof value);
      CHECK(value[0] == self->number && value[1] == i);
    }
    levada_batch_free(batch);
  }
  levada_consumer_free(consumer);
  return NULL;
}

static void one_producer_for_all(levada_database *database) {
  shared all[THREADS];
  pthread_t threads[THREADS];
  levada_producer *producer = new_producer(database, NULL);
  make_topic(database, "t", THREADS);
  levada_writer *writer = new_writer(producer, "t");
  for (int i = 0; i < THREADS; i++) {
    static const shared EMPTY = {NULL, NULL, NULL, NULL, GATE_INIT, 0};
    all[i] = EMPTY;
    all[i].database = database;
    all[i].producer = producer;
    all[i].writer = writer;
    all[i].number = i;
    threads[i] = thread_start(send_and_read, &all[i]);
  }
  for (int i = 0; i < THREADS; i++) thread_join(threads[i]);
  levada_writer_free(writer);
  levada_producer_free(producer);
}

static void *make_topics(void *with) {
  shared *self = with;
  gate_raise(&self->begun);
  gate_wait(&self->begun, THREADS);
  for (int i = 0; i < 10; i++) {
    char name[32];
    levada_error *why = NULL;
    CHECK(snprintf(name, sizeof name, "made-%d", i) > 0);
    levada_status status = levada_topic_create(self->database, name, 1, NULL, &why);
    CHECK(status == LEVADA_OK || status == LEVADA_EXISTS);
    CHECK((why == NULL) == (status == LEVADA_OK));
    levada_error_free(why);
    if (status == LEVADA_OK) {
      CHECK(pthread_mutex_lock(&self->begun.lock) == 0);
      self->number++;
      CHECK(pthread_mutex_unlock(&self->begun.lock) == 0);
    }
  }
  return NULL;
}

/* All make the same topics: each is made by one of them. */
static void topics_made_at_once(levada_database *database) {
  shared all = {NULL, NULL, NULL, NULL, GATE_INIT, 0};
  pthread_t threads[THREADS];
  all.database = database;
  for (int i = 0; i < THREADS; i++) threads[i] = thread_start(make_topics, &all);
  for (int i = 0; i < THREADS; i++) thread_join(threads[i]);
  CHECK(all.number == 10);
}

static void *poll_on(void *with) {
  shared *self = with;
  levada_status status = LEVADA_OK;
  while (status == LEVADA_OK) {
    levada_batch *batch = NULL;
    gate_raise(&self->begun);
    status = levada_consumer_poll(self->consumer, 0, -1, &batch, NULL);
    CHECK(batch == NULL);
  }
  CHECK(status == LEVADA_CLOSED || status == LEVADA_INVALID);
  return NULL;
}

static pthread_t start_polling(shared *with, levada_database *database) {
  with->database = database;
  with->consumer = new_consumer(database, NULL);
  assign(with->consumer, "t", 0, LEVADA_OFFSET_NONE);
  OK(levada_consumer_seek_to_end(with->consumer, NULL, 0, &error));
  pthread_t thread = thread_start(poll_on, with);
  gate_wait(&with->begun, 1);
  return thread;
}

/* Until the other thread is in its poll, whose turn this one may take. */
static void second_caller(shared *with) {
  levada_status status = LEVADA_OK;
  while (status == LEVADA_OK) {
    int64_t offset;
    levada_error *why = NULL;
    status = levada_consumer_position(with->consumer, "t", 0, &offset, &why);
    CHECK(status == LEVADA_OK || strstr(levada_error_message(why), "thread") != NULL);
    levada_error_free(why);
  }
  CHECK(status == LEVADA_CONFLICT);
}

/* The poll may have met the other thread's call: then it goes on. */
static void *poll_despite_others(void *with) {
  shared *self = with;
  levada_status status = LEVADA_CONFLICT;
  while (status == LEVADA_CONFLICT || status == LEVADA_OK) {
    levada_batch *batch = NULL;
    status = levada_consumer_poll(self->consumer, 0, -1, &batch, NULL);
    CHECK(batch == NULL);
  }
  CHECK(status == LEVADA_CLOSED);
  return NULL;
}

static void one_call_at_a_time(levada_database *database) {
  shared with = {NULL, NULL, NULL, NULL, GATE_INIT, 0};
  with.consumer = new_consumer(database, NULL);
  assign(with.consumer, "t", 0, LEVADA_OFFSET_NONE);
  OK(levada_consumer_seek_to_end(with.consumer, NULL, 0, &error));
  pthread_t thread = thread_start(poll_despite_others, &with);
  second_caller(&with);
  OK(levada_consumer_close(with.consumer, &error));
  thread_join(thread);
  levada_consumer_free(with.consumer);
}

static void ended_while_polled(levada_database *database) {
  for (int turn = 0; turn < 20; turn++) {
    shared with = {NULL, NULL, NULL, NULL, GATE_INIT, 0};
    pthread_t thread = start_polling(&with, database);
    if (turn % 2 == 0) OK(levada_consumer_close(with.consumer, &error));
    levada_consumer_free(with.consumer);
    thread_join(thread);
  }
}

static void *use_everything(void *with) {
  shared *self = with;
  levada_status status = LEVADA_OK;
  for (int i = 0; status == LEVADA_OK; i++) {
    levada_topic *topic = NULL;
    levada_error *why = NULL;
    if (i % 2 == 0) status = levada_topic_describe(self->database, "t", &topic, &why);
    if (i % 2 == 1) status = levada_producer_send(self->producer, "t", 0, NULL, 0, "v", 1, &why);
    CHECK((why == NULL) == (status == LEVADA_OK));
    levada_topic_free(topic);
    levada_error_free(why);
    if (i == 10) gate_raise(&self->begun);
  }
  CHECK(status == LEVADA_INVALID || status == LEVADA_CLOSED);
  return NULL;
}

/* A producer and then a database that are freed under those who use them. */
static void freed_while_used(const char *dir) {
  shared with = {NULL, NULL, NULL, NULL, GATE_INIT, 0};
  pthread_t threads[THREADS];
  with.database = open_database(dir, "freed");
  make_topic(with.database, "t", 1);
  with.producer = new_producer(with.database, NULL);
  for (int i = 0; i < THREADS; i++) threads[i] = thread_start(use_everything, &with);
  gate_wait(&with.begun, THREADS);
  OK(levada_producer_close(with.producer, LONG, &error));
  levada_producer_free(with.producer);
  levada_database_free(with.database);
  for (int i = 0; i < THREADS; i++) thread_join(threads[i]);

  with.database = open_database(dir, "freed");
  with.producer = new_producer(with.database, NULL);
  for (int i = 0; i < THREADS; i++) threads[i] = thread_start(use_everything, &with);
  gate_wait(&with.begun, 2 * THREADS);
  OK(levada_database_close(with.database, &error));
  for (int i = 0; i < THREADS; i++) thread_join(threads[i]);
  levada_database_free(with.database);
  levada_producer_free(with.producer);
}

int main(int argc, char **argv) {
  const char *dir = begin(argc, argv);
  levada_database *database = open_database(dir, "data");
  one_producer_for_all(database);
  topics_made_at_once(database);
  one_call_at_a_time(database);
  ended_while_polled(database);
  freed_while_used(dir);
  close_database(database);
  return end();
}
