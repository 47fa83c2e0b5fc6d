/* The delivery callback: it hears of every record once, and may use the library as anybody may. */
#define _POSIX_C_SOURCE 200809L

#include "gate.h"
#include "support.h"

static const char *const NO_LINGER[] = {"linger.ms", "0", NULL};

typedef struct seen {
  levada_database *database;
  levada_producer *producer;
  levada_writer *writer;
  gate calls, go;
  int64_t offsets[100];
} seen;

static void start(seen *with, levada_database *database, levada_delivery_callback callback) {
  static const seen EMPTY = {NULL, NULL, NULL, GATE_INIT, GATE_INIT, {0}};
  *with = EMPTY;
  with->database = database;
  with->producer = new_producer(database, NO_LINGER);
  OK(levada_producer_on_delivery(with->producer, callback, with, &error));
  with->writer = new_writer(with->producer, "t");
}

static void send(seen *with, void *tag) {
  OK(levada_writer_send_record(with->writer, 0, LEVADA_TIMESTAMP_NOW, NULL, NULL, 0, "v", 1, tag, &error));
}

static void note(void *user_data, void *tag, int32_t partition, int64_t offset, int64_t timestamp_ms,
                 const levada_error *why) {
  seen *with = user_data;
  CHECK(why == NULL);
  CHECK(partition == 0 && offset >= 0 && timestamp_ms > 1600000000000);
  *(int64_t *)tag = offset;
  gate_raise(&with->calls);
}

/* When flush returns, the callback has been called for what was sent before. */
static void called_for_each_record(levada_database *database) {
  seen with;
  start(&with, database, note);
  for (int i = 0; i < 100; i++) send(&with, &with.offsets[i]);
  flush(with.producer);
  CHECK(gate_number(&with.calls) == 100);
  for (int i = 1; i < 100; i++) CHECK(with.offsets[i] == with.offsets[i - 1] + 1);

  /* Records of the other ways are not reported on. */
  OK(levada_writer_send(with.writer, 0, NULL, 0, "v", 1, &error));
  send_text(with.producer, "t", 0, "v");
  flush(with.producer);
  CHECK(gate_number(&with.calls) == 100);

  levada_reports *reports = NULL;
  FAILS(LEVADA_CONFLICT, "callback", levada_producer_poll(with.producer, 0, &reports, &error));
  FAILS(LEVADA_CONFLICT, "callback", levada_producer_on_delivery(with.producer, note, NULL, &error));
  FAILS(LEVADA_INVALID, "callback", levada_producer_on_delivery(with.producer, NULL, NULL, &error));
  CHECK(reports == NULL);
  send(&with, &with.offsets[0]);
  OK(levada_producer_close(with.producer, LONG, &error));
  CHECK(gate_number(&with.calls) == 101);
  FAILS(LEVADA_CLOSED, "closed", levada_producer_on_delivery(with.producer, note, NULL, &error));
  levada_writer_free(with.writer);
  levada_producer_free(with.producer);
}

static void too_late(levada_database *database) {
  levada_producer *producer = new_producer(database, NULL);
  levada_writer *writer = new_writer(producer, "t");
  OK(levada_writer_send_record(writer, 0, 5, NULL, NULL, 0, "v", 1, NULL, &error));
  FAILS(LEVADA_CONFLICT, "before", levada_producer_on_delivery(producer, note, NULL, &error));
  levada_writer_free(writer);
  levada_producer_free(producer);
}

/* Sends on until the tag is used up, flushes, and makes handles of many kinds. */
static void again(void *user_data, void *tag, int32_t partition, int64_t offset, int64_t timestamp_ms,
                  const levada_error *why) {
  seen *with = user_data;
  int *left = tag;
  levada_positions *list = positions();
  levada_topic *topic = NULL;
  CHECK(why == NULL && partition == 0 && offset >= 0 && timestamp_ms > 0);
  if ((*left)-- > 0) send(with, left);
  flush(with->producer);
  OK(levada_topic_describe(with->database, "t", &topic, &error));
  CHECK(levada_topic_end_offset(topic, 0) > offset);
  levada_topic_free(topic);

  levada_producer *other = new_producer(with->database, NULL);
  send_text(other, "t", 0, "of another producer");
  levada_producer_free(other);
  levada_consumer *consumer = new_consumer(with->database, NULL);
  assign(consumer, "t", 0, offset);
  levada_batch_free(poll_batch(consumer, 1));
  levada_consumer_free(consumer);
  levada_positions_free(list);
  gate_raise(&with->calls);
}

static void uses_the_library(levada_database *database) {
  enum { TIMES = 10 };
  seen with;
  int left = TIMES;
  start(&with, database, again);
  send(&with, &left);
  gate_wait(&with.calls, TIMES + 1);
  CHECK(left == -1);
  levada_writer_free(with.writer);
  levada_producer_free(with.producer);
}

static void hold(void *user_data, void *tag, int32_t partition, int64_t offset, int64_t timestamp_ms,
                 const levada_error *why) {
  seen *with = user_data;
  CHECK(tag == NULL && partition == 0 && offset >= 0 && timestamp_ms > 0 && why == NULL);
  gate_raise(&with->calls);
  gate_wait(&with->go, 1);
}

/* Whoever flushes with a limit hears that the callback has not ended; others do not wait for it. */
static void a_slow_one(levada_database *database) {
  seen with;
  start(&with, database, hold);
  send(&with, NULL);
  gate_wait(&with.calls, 1);
  FAILS(LEVADA_TIMEOUT, "callback", levada_producer_flush(with.producer, 1, &error));
  fill(database, "t", 0, 10);
  levada_delivery *delivery = NULL;
  OK(levada_writer_send_tracked(with.writer, 0, 5, NULL, NULL, 0, "v", 1, &delivery, &error));
  OK(levada_delivery_wait(delivery, LONG, &error));
  levada_delivery_free(delivery);
  FAILS(LEVADA_TIMEOUT, "callback", levada_producer_close(with.producer, 1, &error));
  gate_raise(&with.go);
  levada_writer_free(with.writer);
  /* Waits for the callback: `with` goes out of use. */
  levada_producer_free(with.producer);
}

static void free_own(void *user_data, void *tag, int32_t partition, int64_t offset, int64_t timestamp_ms,
                     const levada_error *why) {
  seen *with = user_data;
  CHECK(tag == NULL && partition == 0 && offset >= 0 && timestamp_ms > 0 && why == NULL);
  CHECK(gate_number(&with->calls) == 0);
  /* All were sent. */
  gate_wait(&with->go, 1);
  levada_writer_free(with->writer);
  levada_producer_free(with->producer);
  levada_producer_free(with->producer);
  FAILS(LEVADA_INVALID, "freed", levada_producer_flush(with->producer, 0, &error));
  gate_raise(&with->calls);
}

/* From its own callback: this call of it is the last. */
static void frees_its_producer(seen *with, levada_database *database) {
  start(with, database, free_own);
  for (int i = 0; i < 4; i++) send(with, NULL);
  gate_raise(&with->go);
  gate_wait(&with->calls, 1);
}

static void close_own(void *user_data, void *tag, int32_t partition, int64_t offset, int64_t timestamp_ms,
                      const levada_error *why) {
  seen *with = user_data;
  CHECK(tag == NULL && partition == 0 && offset >= 0 && timestamp_ms > 0 && why == NULL);
  gate_wait(&with->go, 1);
  OK(levada_producer_close(with->producer, LONG, &error));
  gate_raise(&with->calls);
}

/* From its own callback: the others are still called for. */
static void closes_its_producer(levada_database *database) {
  seen with;
  start(&with, database, close_own);
  for (int i = 0; i < 4; i++) send(&with, NULL);
  gate_raise(&with.go);
  gate_wait(&with.calls, 4);
  FAILS(LEVADA_CLOSED, "closed", levada_writer_send(with.writer, 0, NULL, 0, "v", 1, &error));
  levada_writer_free(with.writer);
  levada_producer_free(with.producer);
}

static void wrong(void *user_data, void *tag, int32_t partition, int64_t offset, int64_t timestamp_ms,
                  const levada_error *why) {
  seen *with = user_data;
  CHECK(tag == with && partition == -1 && offset == -1 && timestamp_ms == -1);
  CHECK(levada_error_status(why) == LEVADA_NOT_FOUND);
  CHECK(strstr(levada_error_message(why), "t-0") != NULL || strstr(levada_error_message(why), "topic") != NULL);
  gate_raise(&with->calls);
}

/* A topic that went while records waited for more of their kind. */
static void hears_of_failures(levada_database *database) {
  static const char *const options[] = {"linger.ms", "100000", NULL};
  static const seen EMPTY = {NULL, NULL, NULL, GATE_INIT, GATE_INIT, {0}};
  seen with = EMPTY;
  make_topic(database, "gone", 1);
  with.producer = new_producer(database, options);
  OK(levada_producer_on_delivery(with.producer, wrong, &with, &error));
  with.writer = new_writer(with.producer, "gone");
  for (int i = 0; i < 3; i++) {
    OK(levada_writer_send_record(with.writer, 0, 5, NULL, NULL, 0, "v", 1, &with, &error));
  }
  OK(levada_topic_delete(database, "gone", &error));
  (void)levada_producer_flush(with.producer, LONG, NULL);
  CHECK(gate_number(&with.calls) == 3);
  levada_writer_free(with.writer);
  levada_producer_free(with.producer);
}

int main(int argc, char **argv) {
  static seen freed;
  levada_database *database = open_database(begin(argc, argv), "data");
  make_topic(database, "t", 1);
  called_for_each_record(database);
  too_late(database);
  uses_the_library(database);
  a_slow_one(database);
  frees_its_producer(&freed, database);
  closes_its_producer(database);
  hears_of_failures(database);
  close_database(database);
  CHECK(gate_number(&freed.calls) == 1);
  return end();
}
