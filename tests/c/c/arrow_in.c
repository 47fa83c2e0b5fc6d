/* An Arrow stream that is sent: taken over and released once, whatever becomes of its rows. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>

#include "rows_stream.h"

#define NULLABLE ARROW_FLAG_NULLABLE

/* Three rows: (a, "one", 1001), (null, null, 1002), ("", "", 1003); headers {x: 1, y: null}, none, {x: ""}. */
static const uint8_t SOME[] = {5}; /* The first and the third. */
static const int32_t KEY_ENDS[] = {0, 1, 1, 1}, VALUE_ENDS[] = {0, 3, 3, 3};
static const int64_t LARGE_ENDS[] = {0, 3, 3, 3};
static const int64_t MILLIS[] = {1001, 1002, 1003}, MICROS[] = {1001000, 1002000, 1003000};
static const int32_t HEADER_ENDS[] = {0, 2, 2, 3}, NAME_ENDS[] = {0, 1, 2, 3}, HEADER_VALUE_ENDS[] = {0, 1, 1, 1};
static const int32_t PARTITIONS[] = {1, 0, 1};
static const int64_t OFFSETS[] = {70, 71, 72};

static const column PAIR[] = {{"key", "u", 0, 3, {NULL, NAME_ENDS, "xyx"}, NULL, 0},
                              {"value", "z", NULLABLE, 3, {SOME, HEADER_VALUE_ENDS, "1"}, NULL, 0}};

static const column KEY = {"key", "z", NULLABLE, 3, {SOME, KEY_ENDS, "a"}, NULL, 0};
static const column VALUE = {"value", "z", NULLABLE, 3, {SOME, VALUE_ENDS, "one"}, NULL, 0};
static const column TEXT = {"value", "U", NULLABLE, 3, {SOME, LARGE_ENDS, "one"}, NULL, 0};
static const column TIMESTAMP = {"timestamp", "tsu:UTC", 0, 2, {NULL, MICROS, NULL}, NULL, 0};
static const column NUMBERS = {"timestamp", "l", 0, 2, {NULL, MILLIS, NULL}, NULL, 0};
static const column HEADERS = {"headers", "+l", 0, 2, {NULL, HEADER_ENDS, NULL}, PAIR, 3};
static const column PARTITION = {"partition", "i", 0, 2, {NULL, PARTITIONS, NULL}, NULL, 0};
static const column OFFSET = {"offset", "l", 0, 2, {NULL, OFFSETS, NULL}, NULL, 0};

static rows three_rows(const column *columns, int count, int batches) {
  rows made = {NULL, 0, 3, 0, 0, 0, 0, NULL, 0, 0, 0, 0};
  made.columns = columns;
  made.column_count = count;
  made.batches = batches;
  return made;
}

static void all_released(const rows *of) {
  CHECK(of->schemas == 0 && of->arrays == 0 && of->streams == 0);
  CHECK(of->released == 1);
}

/* Sends them, which must work. */
static void sent(levada_producer *producer, const char *topic, rows of, bool keep_partitions, uint64_t wanted) {
  struct ArrowArrayStream stream = rows_stream(&of);
  uint64_t count = 77;
  OK(levada_producer_send_arrow(producer, topic, &stream, keep_partitions, &count, &error));
  CHECK(count == wanted);
  CHECK(stream.release == NULL);
  flush(producer);
  all_released(&of);
}

static levada_batch *read_all(levada_database *database, const char *topic, int32_t partition, size_t count) {
  levada_consumer *consumer = new_consumer(database, NULL);
  assign(consumer, topic, partition, 0);
  levada_batch *batch = poll_together(consumer, topic, partition, 0, count);
  CHECK(levada_batch_count(batch) == count);
  levada_consumer_free(consumer);
  return batch;
}

static void header_is(const levada_batch *batch, size_t at, size_t header, const char *name, const char *value) {
  size_t size = 77;
  const char *found = levada_batch_header_name(batch, at, header, &size);
  CHECK(is_text(found, size, name));
  const void *bytes = levada_batch_header_value(batch, at, header, &size);
  CHECK(value == NULL ? bytes == NULL : is_text(bytes, size, value));
}

static void every_column(levada_database *database, levada_producer *producer) {
  const column columns[] = {KEY, VALUE, TIMESTAMP, HEADERS};
  make_topic(database, "all", 1);
  sent(producer, "all", three_rows(columns, 4, 2), false, 6);
  levada_batch *batch = read_all(database, "all", 0, 6);
  for (size_t at = 0; at < 6; at += 3) {
    size_t size = 77;
    const void *key = levada_batch_key(batch, at, &size);
    CHECK(is_text(key, size, "a"));
    CHECK(has_value(batch, at, "one"));
    CHECK(levada_batch_key(batch, at + 1, &size) == NULL && levada_batch_value(batch, at + 1, &size) == NULL);
    CHECK(levada_batch_key(batch, at + 2, &size) != NULL && size == 0);
    CHECK(has_value(batch, at + 2, ""));
    for (size_t i = 0; i < 3; i++) CHECK(levada_batch_timestamp(batch, at + i) == MILLIS[i]);
    CHECK(levada_batch_header_count(batch, at) == 2 && levada_batch_header_count(batch, at + 1) == 0);
    CHECK(levada_batch_header_count(batch, at + 2) == 1);
    header_is(batch, at, 0, "x", "1");
    header_is(batch, at, 1, "y", NULL);
    header_is(batch, at + 2, 0, "x", "");
  }
  levada_batch_free(batch);
}

/* Other types of the same; columns of places are passed over, or say where each goes; no rows at all. */
static void other_columns(levada_database *database, levada_producer *producer) {
  const column text[] = {TEXT, NUMBERS}, placed[] = {VALUE, PARTITION, OFFSET, NUMBERS};
  make_topic(database, "others", 2);
  sent(producer, "others", three_rows(text, 2, 0), false, 0);
  rows of = three_rows(text, 2, 1);
  of.length = 0;
  sent(producer, "others", of, false, 0);
  sent(producer, "others", three_rows(placed, 4, 1), true, 3);
  levada_batch *batch = read_all(database, "others", 1, 2);
  CHECK(has_value(batch, 0, "one") && has_value(batch, 1, ""));
  CHECK(levada_batch_timestamp(batch, 1) == 1003);
  levada_batch_free(batch);
  levada_batch_free(read_all(database, "others", 0, 1));
  make_topic(database, "text", 1);
  sent(producer, "text", three_rows(text, 2, 1), false, 3);
  batch = read_all(database, "text", 0, 3);
  CHECK(has_value(batch, 0, "one") && levada_batch_timestamp(batch, 0) == 1001);
  levada_batch_free(batch);
}

/* With a place for the error, and without. */
static void refused(levada_producer *producer, const char *topic, rows of, bool keep, levada_status status,
                    const char *text) {
  rows again = of;
  struct ArrowArrayStream stream = rows_stream(&of);
  uint64_t count = 77;
  FAILS(status, text, levada_producer_send_arrow(producer, topic, &stream, keep, &count, &error));
  CHECK(count == 77 && stream.release == NULL);
  all_released(&of);
  stream = rows_stream(&again);
  CHECK(levada_producer_send_arrow(producer, topic, &stream, keep, NULL, NULL) == status);
  all_released(&again);
}

static void streams_that_fail(levada_database *database, levada_producer *producer) {
  const column columns[] = {VALUE};
  rows of = three_rows(columns, 1, 0);
  make_topic(database, "fails", 1);
  of.fails_with = EIO;
  of.says = "the disk is on fire";
  refused(producer, "fails", of, false, LEVADA_INVALID, "on fire");
  of.says = NULL;
  refused(producer, "fails", of, false, LEVADA_INVALID, "5");
  of.fails_with = 0;
  of.schema_fails_with = EINVAL;
  of.says = "no schema today";
  refused(producer, "fails", of, false, LEVADA_INVALID, "no schema today");
  of.says = NULL;
  refused(producer, "fails", of, false, LEVADA_INVALID, "22");

  /* What came before the failure was sent. */
  rows half = three_rows(columns, 1, 1);
  half.fails_with = EIO;
  struct ArrowArrayStream stream = rows_stream(&half);
  FAILS(LEVADA_INVALID, "5", levada_producer_send_arrow(producer, "fails", &stream, false, NULL, &error));
  all_released(&half);
  flush(producer);
  levada_batch_free(read_all(database, "fails", 0, 3));

  /* One that has no functions but to release it, one that has none, and none at all. */
  rows bare = three_rows(columns, 1, 1);
  stream = rows_stream(&bare);
  stream.get_last_error = NULL;
  bare.schema_fails_with = EIO;
  FAILS(LEVADA_INVALID, "stream", levada_producer_send_arrow(producer, "fails", &stream, false, NULL, &error));
  all_released(&bare);
  bare.released = 0;
  stream = rows_stream(&bare);
  stream.get_schema = NULL;
  stream.get_next = NULL;
  FAILS(LEVADA_INVALID, "stream", levada_producer_send_arrow(producer, "fails", &stream, false, NULL, &error));
  all_released(&bare);
  FAILS(LEVADA_INVALID, "released", levada_producer_send_arrow(producer, "fails", &stream, false, NULL, &error));
  FAILS(LEVADA_INVALID, "NULL", levada_producer_send_arrow(producer, "fails", NULL, false, NULL, &error));
  all_released(&bare);
}

static void columns_that_do_not_fit(levada_database *database, levada_producer *producer) {
  const column key_alone[] = {KEY};
  column unknown[] = {VALUE, OFFSET}, number[] = {OFFSET};
  unknown[1].name = "colour";
  number[0].name = "value";
  make_topic(database, "odd", 1);
  refused(producer, "odd", three_rows(key_alone, 1, 1), false, LEVADA_INVALID, "\"value\"");
  refused(producer, "odd", three_rows(unknown, 2, 1), false, LEVADA_INVALID, "colour");
  refused(producer, "odd", three_rows(number, 1, 1), false, LEVADA_INVALID, "value");
  refused(producer, "odd", three_rows(&VALUE, 1, 1), true, LEVADA_INVALID, "\"partition\"");
  number[0].format = "no format";
  refused(producer, "odd", three_rows(number, 1, 1), false, LEVADA_INVALID, "Arrow");
  const column placed[] = {VALUE, PARTITION};
  refused(producer, "odd", three_rows(placed, 2, 1), true, LEVADA_NOT_FOUND, "partition 1");
  rows short_of_one = three_rows(placed, 2, 1);
  short_of_one.missing = 1;
  refused(producer, "odd", short_of_one, false, LEVADA_INVALID, "Arrow");
  column few[] = {VALUE};
  few[0].buffer_count = 2;
  refused(producer, "odd", three_rows(few, 1, 1), false, LEVADA_INVALID, "Arrow");
  few[0].buffer_count = 3;
  few[0].buffers[1] = NULL;
  refused(producer, "odd", three_rows(few, 1, 1), false, LEVADA_INVALID, "Arrow");
  flush(producer);
}

static void calls_that_are_wrong(levada_database *database, levada_producer *producer) {
  levada_producer *freed = new_producer(database, NULL), *closed = new_producer(database, NULL);
  const rows of = three_rows(&VALUE, 1, 1);
  levada_producer_free(freed);
  refused(NULL, "all", of, false, LEVADA_INVALID, "NULL");
  refused(freed, "all", of, false, LEVADA_INVALID, "freed");
  refused(producer, NULL, of, false, LEVADA_INVALID, "topic");
  refused(producer, "none", of, false, LEVADA_NOT_FOUND, "none");
  OK(levada_producer_close(closed, LONG, &error));
  refused(closed, "all", of, false, LEVADA_CLOSED, "closed");
  levada_producer_free(closed);
}

int main(int argc, char **argv) {
  levada_database *database = open_database(begin(argc, argv), "data");
  levada_producer *producer = new_producer(database, NULL);
  every_column(database, producer);
  other_columns(database, producer);
  streams_that_fail(database, producer);
  columns_that_do_not_fit(database, producer);
  calls_that_are_wrong(database, producer);
  levada_producer_free(producer);
  close_database(database);
  return end();
}
