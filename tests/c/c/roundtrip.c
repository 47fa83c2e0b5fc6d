/* What goes in by any of the producer's ways comes out as it was, by records and by columns. */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

#define PARTITIONS 3

static const char BINARY[] = {0, 1, 'x', 0, (char)0xff};

static void expect_bytes(const void *bytes, size_t size, const void *wanted, size_t wanted_size) {
  CHECK((bytes == NULL) == (wanted == NULL));
  CHECK(size == wanted_size);
  CHECK(size == 0 || memcmp(bytes, wanted, size) == 0);
}

static void expect_key(const levada_batch *batch, size_t index, const void *wanted, size_t size) {
  size_t found = 77;
  const void *key = levada_batch_key(batch, index, &found);
  expect_bytes(key, found, wanted, size);
  CHECK(levada_batch_key(batch, index, NULL) == key);
}

static void expect_value(const levada_batch *batch, size_t index, const void *wanted, size_t size) {
  size_t found = 77;
  const void *value = levada_batch_value(batch, index, &found);
  expect_bytes(value, found, wanted, size);
  CHECK(levada_batch_value(batch, index, NULL) == value);
}

/* Columns say what the records say. */
static void columns_agree(const levada_batch *batch) {
  size_t count = levada_batch_count(batch);
  const int64_t *offsets = levada_batch_offsets(batch);
  const int64_t *timestamps = levada_batch_timestamps(batch);
  const int32_t *partitions = levada_batch_partitions(batch);
  const void *const *keys = levada_batch_keys(batch);
  const void *const *values = levada_batch_values(batch);
  const size_t *key_sizes = levada_batch_key_sizes(batch);
  const size_t *value_sizes = levada_batch_value_sizes(batch);
  for (size_t i = 0; i < count; i++) {
    size_t size;
    CHECK(offsets[i] == levada_batch_offset(batch, i));
    CHECK(timestamps[i] == levada_batch_timestamp(batch, i));
    CHECK(partitions[i] == levada_batch_partition(batch, i));
    CHECK(keys[i] == levada_batch_key(batch, i, &size));
    CHECK(key_sizes[i] == size);
    CHECK(values[i] == levada_batch_value(batch, i, &size));
    CHECK(value_sizes[i] == size);
  }
  CHECK(levada_batch_offsets(batch) == offsets && levada_batch_values(batch) == values);
}

static void beyond_the_end_is_nothing(const levada_batch *batch) {
  size_t size = 77;
  for (int turn = 0; turn < 2; turn++) {
    size_t index = turn == 0 ? levada_batch_count(batch) : SIZE_MAX;
    CHECK(levada_batch_topic(batch, index) == NULL);
    CHECK(levada_batch_partition(batch, index) == -1);
    CHECK(levada_batch_offset(batch, index) == -1);
    CHECK(levada_batch_timestamp(batch, index) == -1);
    CHECK(levada_batch_key(batch, index, &size) == NULL);
    CHECK(levada_batch_value(batch, index, &size) == NULL);
    CHECK(levada_batch_header_count(batch, index) == 0);
    CHECK(levada_batch_header_name(batch, index, 0, &size) == NULL);
    CHECK(levada_batch_header_value(batch, index, 0, &size) == NULL);
  }
  CHECK(size == 77);
}

/* Null, empty, and bytes with zeros in them are three different things. */
static void every_way_of_a_record(levada_database *database) {
  levada_producer *producer = new_producer(database, NULL);
  levada_consumer *consumer = new_consumer(database, NULL);
  make_topic(database, "ways", 1);
  OK(levada_producer_send(producer, "ways", 0, NULL, 0, NULL, 0, &error));
  OK(levada_producer_send(producer, "ways", 0, "", 0, "", 0, &error));
  OK(levada_producer_send(producer, "ways", LEVADA_PARTITION_ANY, BINARY, sizeof BINARY, "v", 1, &error));

  levada_writer *writer = new_writer(producer, "ways");
  OK(levada_writer_send(writer, 0, NULL, 0, BINARY, sizeof BINARY, &error));
  OK(levada_writer_send(writer, LEVADA_PARTITION_ANY, "", 0, NULL, 0, &error));

  levada_headers *headers = NULL;
  OK(levada_headers_new(&headers, &error));
  OK(levada_headers_add(headers, "a", "1", 1, &error));
  OK(levada_headers_add(headers, "", NULL, 0, &error));
  OK(levada_headers_add(headers, "a", "", 0, &error));
  OK(levada_headers_add(headers, "\xc3\xa9", BINARY, sizeof BINARY, &error));
  CHECK(levada_headers_count(headers) == 4);
  OK(levada_writer_send_record(writer, 0, 1234, headers, "k", 1, "h", 1, NULL, &error));
  levada_headers_clear(headers);
  CHECK(levada_headers_count(headers) == 0);

  levada_delivery *delivery = NULL;
  OK(levada_writer_send_tracked(writer, 0, 0, headers, "k", 1, "t", 1, &delivery, &error));
  levada_headers_free(headers);
  levada_headers_free(headers);
  flush(producer);
  OK(levada_delivery_wait(delivery, LONG, &error));
  CHECK(levada_delivery_is_done(delivery));
  CHECK(levada_delivery_partition(delivery) == 0);
  CHECK(levada_delivery_offset(delivery) == 6);
  CHECK(levada_delivery_timestamp(delivery) == 0);
  levada_delivery_free(delivery);
  CHECK(levada_producer_buffered(producer) == 0);

  assign(consumer, "ways", 0, 0);
  levada_batch *batch = poll_together(consumer, "ways", 0, 0, 7);
  CHECK(levada_batch_count(batch) == 7);
  expect_key(batch, 0, NULL, 0);
  expect_value(batch, 0, NULL, 0);
  expect_key(batch, 1, "", 0);
  expect_value(batch, 1, "", 0);
  expect_key(batch, 2, BINARY, sizeof BINARY);
  expect_value(batch, 2, "v", 1);
  expect_key(batch, 3, NULL, 0);
  expect_value(batch, 3, BINARY, sizeof BINARY);
  expect_key(batch, 4, "", 0);
  expect_value(batch, 4, NULL, 0);
  CHECK(levada_batch_timestamp(batch, 4) > 1600000000000);
  CHECK(levada_batch_timestamp(batch, 5) == 1234);
  CHECK(levada_batch_timestamp(batch, 6) == 0);

  CHECK(levada_batch_header_count(batch, 5) == 4);
  const char *names[] = {"a", "", "a", "\xc3\xa9"};
  const void *values[] = {"1", NULL, "", BINARY};
  size_t sizes[] = {1, 0, 0, sizeof BINARY};
  for (size_t i = 0; i < 4; i++) {
    size_t size = 77;
    const void *name = levada_batch_header_name(batch, 5, i, &size);
    expect_bytes(name, size, names[i], strlen(names[i]));
    const void *value = levada_batch_header_value(batch, 5, i, &size);
    expect_bytes(value, size, values[i], sizes[i]);
  }
  CHECK(levada_batch_header_name(batch, 5, 4, NULL) == NULL);
  CHECK(levada_batch_header_value(batch, 5, 4, NULL) == NULL);
  CHECK(levada_batch_header_count(batch, 6) == 0);
  columns_agree(batch);
  beyond_the_end_is_nothing(batch);
  levada_batch_free(batch);
  poll_nothing(consumer);
  levada_writer_free(writer);
  levada_producer_free(producer);
  levada_consumer_free(consumer);
}

static void many_in_one_call(levada_database *database) {
  levada_producer *producer = new_producer(database, NULL);
  levada_consumer *consumer = new_consumer(database, NULL);
  make_topic(database, "many", 1);
  levada_writer *writer = new_writer(producer, "many");
  const void *keys[] = {"a", NULL, ""};
  const void *values[] = {NULL, "", BINARY};
  const size_t key_sizes[] = {1, 0, 0};
  const size_t value_sizes[] = {0, 0, sizeof BINARY};
  const int64_t timestamps[] = {5, LEVADA_TIMESTAMP_NOW, 7};
  levada_delivery *delivery = NULL;
  size_t sent = 77;
  OK(levada_writer_send_many(writer, 0, 3, keys, key_sizes, values, value_sizes, timestamps, &delivery, &sent,
                             &error));
  CHECK(sent == 3);
  OK(levada_delivery_wait(delivery, LONG, &error));
  CHECK(levada_delivery_partition(delivery) == 0);
  CHECK(levada_delivery_offset(delivery) == 2);
  CHECK(levada_delivery_timestamp(delivery) == 7);
  levada_delivery_free(delivery);

  OK(levada_writer_send_many(writer, LEVADA_PARTITION_ANY, 2, NULL, NULL, values, value_sizes, NULL, NULL, NULL,
                             &error));
  /* None at all are delivered at once. */
  OK(levada_writer_send_many(writer, 0, 0, NULL, NULL, NULL, NULL, NULL, &delivery, &sent, &error));
  CHECK(sent == 0);
  OK(levada_delivery_wait(delivery, 0, &error));
  CHECK(levada_delivery_is_done(delivery));
  CHECK(levada_delivery_offset(delivery) == -1);
  levada_delivery_free(delivery);

  /* The first that is wrong ends the call: those before it were sent. */
  const size_t bad_sizes[] = {0, 0, SIZE_MAX};
  delivery = NULL;
  FAILS(LEVADA_INVALID, "record 2", levada_writer_send_many(writer, 0, 3, keys, key_sizes, values, bad_sizes,
                                                            timestamps, &delivery, &sent, &error));
  CHECK(sent == 2 && delivery == NULL);
  flush(producer);

  assign(consumer, "many", 0, LEVADA_OFFSET_NONE);
  levada_batch *batch = poll_together(consumer, "many", 0, 0, 7);
  CHECK(levada_batch_count(batch) == 7);
  expect_key(batch, 0, "a", 1);
  expect_key(batch, 1, NULL, 0);
  expect_key(batch, 2, "", 0);
  expect_value(batch, 0, NULL, 0);
  expect_value(batch, 1, "", 0);
  expect_value(batch, 2, BINARY, sizeof BINARY);
  expect_key(batch, 3, NULL, 0);
  CHECK(levada_batch_timestamp(batch, 0) == 5 && levada_batch_timestamp(batch, 2) == 7);
  CHECK(levada_batch_timestamp(batch, 1) > 1600000000000);
  columns_agree(batch);
  levada_batch_free(batch);
  levada_writer_free(writer);
  levada_producer_free(producer);
  levada_consumer_free(consumer);
}

enum { EACH = 50 };
static const char *const TOPICS[] = {"left", "right", NULL};

/* Reads both topics from their beginnings: each partition in order, and equal topics at one address. Gives whether a
 * batch held several partitions of both. */
static int read_both(levada_consumer *consumer) {
  int64_t next[2][PARTITIONS] = {{0}};
  int mixed = 0;
  OK(levada_consumer_seek_to_beginning(consumer, NULL, 0, &error));
  for (int left = 2 * PARTITIONS * EACH; left > 0;) {
    levada_batch *batch = poll_batch(consumer, 0);
    const char *addresses[2] = {NULL, NULL};
    for (size_t i = 0; i < levada_batch_count(batch); i++, left--) {
      const char *topic = levada_batch_topic(batch, i);
      int which = strcmp(topic, TOPICS[1]) == 0;
      int32_t partition = levada_batch_partition(batch, i);
      char text[32];
      CHECK(strcmp(topic, TOPICS[which]) == 0);
      CHECK(partition >= 0 && partition < PARTITIONS);
      CHECK(levada_batch_offset(batch, i) == next[which][partition]);
      snprintf(text, sizeof text, "%d", (int)next[which][partition]++);
      CHECK(has_value(batch, i, text));
      CHECK(addresses[which] == NULL || addresses[which] == topic);
      addresses[which] = topic;
      mixed |= addresses[0] != NULL && addresses[1] != NULL && partition > 0;
    }
    columns_agree(batch);
    beyond_the_end_is_nothing(batch);
    levada_batch_free(batch);
  }
  return mixed;
}

static void several_partitions(levada_database *database) {
  levada_consumer *consumer = new_consumer(database, NULL);
  for (int topic = 0; topic < 2; topic++) {
    make_topic(database, TOPICS[topic], PARTITIONS);
    for (int32_t partition = 0; partition < PARTITIONS; partition++) {
      fill(database, TOPICS[topic], partition, EACH);
    }
  }
  OK(levada_consumer_subscribe(consumer, TOPICS, &error));
  while (!read_both(consumer)) continue;
  levada_consumer_free(consumer);
}

int main(int argc, char **argv) {
  levada_database *database = open_database(begin(argc, argv), "data");
  every_way_of_a_record(database);
  many_in_one_call(database);
  several_partitions(database);
  close_database(database);
  return end();
}
