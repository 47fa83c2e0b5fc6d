/* Transactions: all of one is read or nothing, one producer of an id at a time, offsets go along. */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

static const char *const TRANSACTIONAL[] = {"transactional.id", "tx", NULL};
static const char *const COMMITTED[] = {"isolation.level", "read_committed", "auto.offset.reset", "earliest", NULL};
static const char *const UNCOMMITTED[] = {"isolation.level", "read_uncommitted", "auto.offset.reset", "earliest", NULL};

/* Everything that such a consumer reads of partition 0 of a topic is these values, closed by NULL. */
static void reads(levada_database *database, const char *const *options, const char *topic,
                  const char *const *values) {
  levada_consumer *consumer = new_consumer(database, options);
  size_t at = 0;
  assign(consumer, topic, 0, 0);
  for (;;) {
    levada_batch *batch = NULL;
    OK(levada_consumer_poll(consumer, 0, 0, &batch, &error));
    if (batch == NULL) break;
    for (size_t i = 0; i < levada_batch_count(batch); i++, at++) {
      CHECK(values[at] != NULL);
      CHECK(has_value(batch, i, values[at]));
    }
    levada_batch_free(batch);
  }
  CHECK(values[at] == NULL);
  levada_consumer_free(consumer);
}

static void all_or_nothing(levada_database *database) {
  static const char *const open[] = {"a", NULL}, *const none[] = {NULL};
  static const char *const one[] = {"a", "b", NULL}, *const all[] = {"a", "b", "c", NULL};
  levada_producer *producer = new_producer(database, TRANSACTIONAL);
  make_topic(database, "t", 1);
  FAILS(LEVADA_CONFLICT, "transaction", levada_producer_send(producer, "t", 0, NULL, 0, "x", 1, &error));
  FAILS(LEVADA_CONFLICT, "transaction", levada_producer_commit(producer, LONG, &error));
  FAILS(LEVADA_CONFLICT, "transaction", levada_producer_abort(producer, LONG, &error));
  OK(levada_producer_begin(producer, &error));
  FAILS(LEVADA_CONFLICT, "open", levada_producer_begin(producer, &error));
  send_text(producer, "t", 0, "a");
  flush(producer);
  reads(database, UNCOMMITTED, "t", open);
  reads(database, COMMITTED, "t", none);
  send_text(producer, "t", 0, "b");
  OK(levada_producer_commit(producer, LONG, &error));
  reads(database, COMMITTED, "t", one);

  OK(levada_producer_begin(producer, &error));
  send_text(producer, "t", 0, "c");
  flush(producer);
  OK(levada_producer_abort(producer, LONG, &error));
  reads(database, COMMITTED, "t", one);
  reads(database, UNCOMMITTED, "t", all);

  /* One with nothing in it, and one that is open when the producer is closed. */
  OK(levada_producer_begin(producer, &error));
  OK(levada_producer_commit(producer, -1, &error));
  OK(levada_producer_begin(producer, &error));
  send_text(producer, "t", 0, "d");
  flush(producer);
  OK(levada_producer_close(producer, LONG, &error));
  FAILS(LEVADA_CLOSED, "closed", levada_producer_begin(producer, &error));
  FAILS(LEVADA_CLOSED, "closed", levada_producer_commit(producer, 0, &error));
  FAILS(LEVADA_CLOSED, "closed", levada_producer_abort(producer, 0, &error));
  levada_producer_free(producer);
  reads(database, COMMITTED, "t", one);

  producer = new_producer(database, NULL);
  FAILS(LEVADA_INVALID, "transactional.id", levada_producer_begin(producer, &error));
  FAILS(LEVADA_INVALID, "transactional.id", levada_producer_commit(producer, LONG, &error));
  FAILS(LEVADA_INVALID, "transactional.id", levada_producer_abort(producer, LONG, &error));
  levada_producer_free(producer);
}

/* A second producer of the id takes the place of the first, whose transaction is aborted. */
static void fenced(levada_database *database) {
  static const char *const read[] = {"new", NULL};
  levada_producer *old = new_producer(database, TRANSACTIONAL);
  make_topic(database, "f", 1);
  levada_writer *writer = new_writer(old, "f");
  OK(levada_producer_begin(old, &error));
  send_text(old, "f", 0, "old");
  flush(old);
  levada_producer *newer = new_producer(database, TRANSACTIONAL);
  FAILS(LEVADA_FENCED, "tx", levada_producer_commit(old, LONG, &error));
  FAILS(LEVADA_FENCED, "tx", levada_writer_send(writer, 0, NULL, 0, "x", 1, &error));
  FAILS(LEVADA_FENCED, "tx", levada_producer_begin(old, &error));
  FAILS(LEVADA_FENCED, "tx", levada_producer_abort(old, LONG, &error));
  OK(levada_producer_begin(newer, &error));
  send_text(newer, "f", 0, "new");
  OK(levada_producer_commit(newer, LONG, &error));
  reads(database, COMMITTED, "f", read);
  OK(levada_producer_close(old, LONG, &error));
  levada_writer_free(writer);
  levada_producer_free(old);
  levada_producer_free(newer);
}

static int64_t group_at(levada_database *database) {
  levada_positions *list = NULL;
  int64_t offset = LEVADA_OFFSET_NONE;
  OK(levada_group_offsets(database, "g", &list, &error));
  if (levada_positions_count(list) > 0) offset = levada_positions_offset(list, 0);
  levada_positions_free(list);
  return offset;
}

/* Consumes, transforms and produces: what was read counts as read when what was made of it counts. */
static void offsets_go_along(levada_database *database) {
  static const char *const options[] = {"group.id",           "g",     "auto.offset.reset", "earliest",
                                        "enable.auto.commit", "false", NULL};
  static const char *const topics[] = {"in", NULL}, *const made[] = {"0!", "1!", "2!", NULL};
  levada_producer *producer = new_producer(database, TRANSACTIONAL);
  levada_consumer *consumer = new_consumer(database, options);
  make_topic(database, "in", 1);
  make_topic(database, "out", 1);
  fill(database, "in", 0, 3);
  OK(levada_consumer_subscribe(consumer, topics, &error));
  FAILS(LEVADA_CONFLICT, "transaction", levada_producer_send_offsets(producer, consumer, NULL, &error));
  levada_batch_free(poll_batch(consumer, 0));
  for (int turn = 0; turn < 2; turn++) {
    OK(levada_producer_begin(producer, &error));
    levada_batch *batch = poll_together(consumer, "in", 0, 0, 3);
    for (size_t i = 0; i < levada_batch_count(batch); i++) {
      char text[8] = {0};
      size_t size;
      const void *value = levada_batch_value(batch, i, &size);
      CHECK(size == 1);
      memcpy(text, value, size);
      text[1] = '!';
      send_text(producer, "out", LEVADA_PARTITION_ANY, text);
    }
    levada_batch_free(batch);
    if (turn == 0) {
      OK(levada_producer_send_offsets(producer, consumer, NULL, &error));
      CHECK(group_at(database) == LEVADA_OFFSET_NONE);
      OK(levada_producer_abort(producer, LONG, &error));
      CHECK(group_at(database) == LEVADA_OFFSET_NONE);
    } else {
      levada_positions *list = positions();
      add(list, "in", 0, 3);
      OK(levada_producer_send_offsets(producer, consumer, list, &error));
      add(list, "in", 5, 3);
      FAILS(LEVADA_NOT_FOUND, "in-5", levada_producer_send_offsets(producer, consumer, list, &error));
      add(list, "in", 0, LEVADA_OFFSET_NONE);
      FAILS(LEVADA_INVALID, "in-0", levada_producer_send_offsets(producer, consumer, list, &error));
      levada_positions_free(list);
      OK(levada_producer_commit(producer, LONG, &error));
      CHECK(group_at(database) == 3);
    }
  }
  reads(database, COMMITTED, "out", made);

  levada_consumer *alone = new_consumer(database, NULL);
  OK(levada_producer_begin(producer, &error));
  FAILS(LEVADA_INVALID, "group", levada_producer_send_offsets(producer, alone, NULL, &error));
  static const char *const automatic[] = {"group.id", "other", NULL};
  levada_consumer *by_itself = new_consumer(database, automatic);
  FAILS(LEVADA_INVALID, "enable.auto.commit", levada_producer_send_offsets(producer, by_itself, NULL, &error));
  OK(levada_producer_abort(producer, LONG, &error));
  levada_consumer_free(by_itself);
  levada_consumer_free(alone);
  levada_consumer_free(consumer);
  levada_producer_free(producer);
}

/* A transaction with a record that failed cannot be committed, only given up. */
static void with_a_failed_record(levada_database *database) {
  static const char *const options[] = {"transactional.id", "tx", "linger.ms", "100000", NULL};
  static const char *const read[] = {"kept", NULL};
  levada_producer *producer = new_producer(database, options);
  make_topic(database, "kept", 1);
  make_topic(database, "gone", 1);
  OK(levada_producer_begin(producer, &error));
  send_text(producer, "kept", 0, "lost");
  send_text(producer, "gone", 0, "lost");
  OK(levada_topic_delete(database, "gone", &error));
  FAILS(LEVADA_NOT_FOUND, "abort", levada_producer_commit(producer, LONG, &error));
  OK(levada_producer_abort(producer, LONG, &error));
  OK(levada_producer_begin(producer, &error));
  send_text(producer, "kept", 0, "kept");
  OK(levada_producer_commit(producer, LONG, &error));
  reads(database, COMMITTED, "kept", read);
  levada_producer_free(producer);
}

int main(int argc, char **argv) {
  levada_database *database = open_database(begin(argc, argv), "data");
  all_or_nothing(database);
  fenced(database);
  offsets_go_along(database);
  with_a_failed_record(database);
  close_database(database);
  return end();
}
