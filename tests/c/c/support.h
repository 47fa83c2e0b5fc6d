/* What the programs in C share: calls that are checked, and the first steps that most of them take. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <levada.h>

#include <string.h>
#include <unistd.h>

#include "../check.h"

/* Long enough for valgrind, short against for ever: a program that hangs is ended, and so fails. */
#define SECONDS_MAX 500
/* For calls that end long before: in milliseconds. */
#define LONG 200000

/* A call that must succeed. It takes `&error` last, which this declares; on success nothing is written there. */
#define OK(...)                                                                               \
  do {                                                                                        \
    levada_error *error = NULL;                                                               \
    levada_status said = __VA_ARGS__;                                                         \
    succeeded(__FILE__, __LINE__, #__VA_ARGS__, said, error);                                 \
  } while (0)

/* A call that must fail with this status, and say so with `text` in its message. */
#define FAILS(status, text, ...)                                                              \
  do {                                                                                        \
    levada_error *error = NULL;                                                               \
    levada_status said = __VA_ARGS__;                                                         \
    failed(__FILE__, __LINE__, #__VA_ARGS__, status, said, text, error);                      \
  } while (0)

static inline void succeeded(const char *file, int line, const char *call, levada_status said,
                             levada_error *error) {
  if (said != LEVADA_OK || error != NULL) {
    fprintf(stderr, "%s:%d: %s: gave %s: \"%s\"\n", file, line, call, levada_status_name(said),
            levada_error_message(error));
    exit(1);
  }
}

static inline void failed(const char *file, int line, const char *call, levada_status wanted,
                          levada_status said, const char *text, levada_error *error) {
  const char *message = levada_error_message(error);
  if (said != wanted || error == NULL || levada_error_status(error) != wanted ||
      strstr(message, text) == NULL) {
    fprintf(stderr, "%s:%d: %s: gave %s, error of %s: \"%s\"; wanted %s with \"%s\"\n", file, line,
            call, levada_status_name(said), levada_status_name(levada_error_status(error)), message,
            levada_status_name(wanted), text);
    exit(1);
  }
  levada_error_free(error);
}

/* The scratch directory. From here on the program has SECONDS_MAX. */
static inline const char *begin(int argc, char **argv) {
  CHECK(argc == 2);
  CHECK(levada_handle_count() == 0);
  alarm(SECONDS_MAX);
  return argv[1];
}

static inline int end(void) {
  CHECK(levada_handle_count() == 0);
  return 0;
}

static inline levada_database *open_database(const char *dir, const char *name) {
  char path[1024];
  levada_database *database = NULL;
  int length = snprintf(path, sizeof path, "%s/%s", dir, name);
  CHECK(length > 0 && (size_t)length < sizeof path);
  OK(levada_database_open(path, NULL, &database, &error));
  CHECK(database != NULL);
  return database;
}

static inline void close_database(levada_database *database) {
  OK(levada_database_close(database, &error));
  levada_database_free(database);
}

static inline levada_producer *new_producer(levada_database *database, const char *const *options) {
  levada_producer *producer = NULL;
  OK(levada_producer_new(database, options, &producer, &error));
  CHECK(producer != NULL);
  return producer;
}

static inline levada_consumer *new_consumer(levada_database *database, const char *const *options) {
  levada_consumer *consumer = NULL;
  OK(levada_consumer_new(database, options, &consumer, &error));
  CHECK(consumer != NULL);
  return consumer;
}

static inline levada_writer *new_writer(levada_producer *producer, const char *topic) {
  levada_writer *writer = NULL;
  OK(levada_writer_new(producer, topic, &writer, &error));
  CHECK(writer != NULL);
  return writer;
}

static inline void make_topic(levada_database *database, const char *topic, int32_t partitions) {
  OK(levada_topic_create(database, topic, partitions, NULL, &error));
}

static inline void send_text(levada_producer *producer, const char *topic, int32_t partition,
                             const char *text) {
  OK(levada_producer_send(producer, topic, partition, NULL, 0, text, strlen(text), &error));
}

static inline void flush(levada_producer *producer) {
  OK(levada_producer_flush(producer, LONG, &error));
}

/* So many records, whose values are their numbers from 0 on: on the disk when this returns. */
static inline void fill(levada_database *database, const char *topic, int32_t partition, int count) {
  levada_producer *producer = new_producer(database, NULL);
  char text[32];
  for (int number = 0; number < count; number++) {
    snprintf(text, sizeof text, "%d", number);
    send_text(producer, topic, partition, text);
  }
  flush(producer);
  levada_producer_free(producer);
}

static inline levada_positions *positions(void) {
  levada_positions *list = NULL;
  OK(levada_positions_new(&list, &error));
  CHECK(list != NULL);
  return list;
}

static inline void add(levada_positions *list, const char *topic, int32_t partition, int64_t offset) {
  OK(levada_positions_add(list, topic, partition, offset, &error));
}

static inline void assign(levada_consumer *consumer, const char *topic, int32_t partition,
                          int64_t offset) {
  levada_positions *list = positions();
  add(list, topic, partition, offset);
  OK(levada_consumer_assign(consumer, list, &error));
  levada_positions_free(list);
}

/* Records, which must come. */
static inline levada_batch *poll_batch(levada_consumer *consumer, size_t records_max) {
  levada_batch *batch = NULL;
  OK(levada_consumer_poll(consumer, records_max, LONG, &batch, &error));
  CHECK(batch != NULL);
  CHECK(levada_batch_count(batch) > 0);
  return batch;
}

/* So many records at least, from `offset` on, in one batch. A poll gives some of what is there, not always all. */
static inline levada_batch *poll_together(levada_consumer *consumer, const char *topic,
                                          int32_t partition, int64_t offset, size_t count) {
  for (;;) {
    OK(levada_consumer_seek(consumer, topic, partition, offset, &error));
    levada_batch *batch = poll_batch(consumer, 0);
    if (levada_batch_count(batch) >= count) return batch;
    levada_batch_free(batch);
  }
}

/* Nothing is there to be read. */
static inline void poll_nothing(levada_consumer *consumer) {
  char place;
  levada_batch *batch = (levada_batch *)(void *)&place;
  OK(levada_consumer_poll(consumer, 0, 0, &batch, &error));
  CHECK(batch == NULL);
}

static inline int is_text(const void *bytes, size_t size, const char *text) {
  return bytes != NULL && size == strlen(text) && memcmp(bytes, text, size) == 0;
}

static inline int has_value(const levada_batch *batch, size_t index, const char *text) {
  size_t size = 77;
  const void *bytes = levada_batch_value(batch, index, &size);
  return is_text(bytes, size, text);
}

#endif
