/* Where a consumer stands, where its group has committed, and how both are moved. */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

#define RECORDS 10

static int64_t position(levada_consumer *consumer, int32_t partition) {
  int64_t offset = -7;
  OK(levada_consumer_position(consumer, "p", partition, &offset, &error));
  return offset;
}

static int64_t committed(levada_consumer *consumer, int32_t partition) {
  int64_t offset = -7;
  OK(levada_consumer_committed(consumer, "p", partition, &offset, &error));
  return offset;
}

/* The row of partition 0 or 1 of topic p. */
static int64_t row(const levada_positions *list, int32_t partition) {
  for (size_t i = 0; i < levada_positions_count(list); i++) {
    CHECK(strcmp(levada_positions_topic(list, i), "p") == 0);
    if (levada_positions_partition(list, i) == partition) return levada_positions_offset(list, i);
  }
  return -9;
}

static void expect_next(levada_consumer *consumer, int64_t offset) {
  levada_batch *batch = poll_batch(consumer, 1);
  CHECK(levada_batch_count(batch) == 1);
  CHECK(levada_batch_offset(batch, 0) == offset);
  levada_batch_free(batch);
}

/* Record n of each partition has the timestamp 1000 + n. */
static void timestamps(levada_database *database) {
  levada_producer *producer = new_producer(database, NULL);
  make_topic(database, "p", 2);
  levada_writer *writer = new_writer(producer, "p");
  for (int partition = 0; partition < 2; partition++) {
    for (int64_t n = 0; n < RECORDS; n++) {
      OK(levada_writer_send_record(writer, partition, 1000 + n, NULL, NULL, 0, "v", 1, NULL, &error));
    }
  }
  flush(producer);
  levada_writer_free(writer);
  levada_producer_free(producer);
}

static void lists(void) {
  levada_positions *list = positions();
  CHECK(levada_positions_count(list) == 0);
  char name[] = "abc";
  add(list, name, 0, LEVADA_OFFSET_NONE);
  name[0] = 'x';
  const char *first = levada_positions_topic(list, 0);
  for (int32_t i = 1; i < 100; i++) add(list, "t", i, INT64_MAX);
  CHECK(levada_positions_count(list) == 100);
  CHECK(levada_positions_topic(list, 0) == first && strcmp(first, "abc") == 0);
  CHECK(levada_positions_offset(list, 0) == LEVADA_OFFSET_NONE);
  CHECK(levada_positions_partition(list, 99) == 99);
  CHECK(levada_positions_offset(list, 99) == INT64_MAX);
  CHECK(levada_positions_topic(list, 100) == NULL);
  CHECK(levada_positions_partition(list, 100) == -1);
  CHECK(levada_positions_offset(list, SIZE_MAX) == LEVADA_OFFSET_NONE);
  levada_positions_free(list);
}

static void seeks(levada_database *database) {
  static const char *const options[] = {"auto.offset.reset", "earliest", NULL};
  levada_consumer *consumer = new_consumer(database, options);
  levada_positions *list = positions();
  levada_positions *found = NULL;
  FAILS(LEVADA_NOT_FOUND, "p-0", levada_consumer_seek(consumer, "p", 0, 1, &error));
  add(list, "p", 0, 4);
  add(list, "p", 1, LEVADA_OFFSET_NONE);
  OK(levada_consumer_assign(consumer, list, &error));
  OK(levada_consumer_assignment(consumer, &found, &error));
  CHECK(levada_positions_count(found) == 2);
  CHECK(row(found, 0) == 4 && row(found, 1) == 0);
  levada_positions_free(found);

  OK(levada_consumer_seek_to_end(consumer, "p", 1, &error));
  expect_next(consumer, 4);
  CHECK(position(consumer, 0) == 5 && position(consumer, 1) == RECORDS);
  OK(levada_consumer_lag(consumer, &found, &error));
  CHECK(row(found, 0) == 5 && row(found, 1) == 0);
  levada_positions_free(found);

  /* Partitions that stay and name no offset go on where they are. */
  levada_positions_free(list);
  list = positions();
  add(list, "p", 0, LEVADA_OFFSET_NONE);
  OK(levada_consumer_assign(consumer, list, &error));
  levada_positions_free(list);
  expect_next(consumer, 5);

  OK(levada_consumer_seek(consumer, "p", 0, 0, &error));
  expect_next(consumer, 0);
  OK(levada_consumer_seek(consumer, "p", 0, RECORDS, &error));
  poll_nothing(consumer);
  FAILS(LEVADA_OUT_OF_RANGE, "p-0", levada_consumer_seek(consumer, "p", 0, RECORDS + 1, &error));
  FAILS(LEVADA_OUT_OF_RANGE, "p-0", levada_consumer_seek(consumer, "p", 0, -1, &error));
  CHECK(position(consumer, 0) == RECORDS);

  OK(levada_consumer_seek_to_time(consumer, "p", 0, 1003, &error));
  expect_next(consumer, 3);
  OK(levada_consumer_seek_to_time(consumer, NULL, -1, 5000, &error));
  CHECK(position(consumer, 0) == RECORDS);
  OK(levada_consumer_seek_to_time(consumer, "p", 0, INT64_MIN, &error));
  CHECK(position(consumer, 0) == 0);
  OK(levada_consumer_seek_to_end(consumer, NULL, 0, &error));
  poll_nothing(consumer);
  OK(levada_consumer_seek_to_beginning(consumer, NULL, 0, &error));
  expect_next(consumer, 0);
  FAILS(LEVADA_NOT_FOUND, "p-1", levada_consumer_seek_to_beginning(consumer, "p", 1, &error));
  FAILS(LEVADA_NOT_FOUND, "p-1", levada_consumer_seek_to_end(consumer, "p", 1, &error));
  FAILS(LEVADA_NOT_FOUND, "p-1", levada_consumer_seek_to_time(consumer, "p", 1, 5, &error));
  levada_consumer_free(consumer);
}

/* No such partition: as before. An offset outside of the log: the partitions are assigned. */
static void assignments_that_fail(levada_database *database) {
  static const char *const options[] = {"auto.offset.reset", "earliest", NULL};
  levada_consumer *consumer = new_consumer(database, options);
  levada_positions *list = positions();
  levada_positions *found = NULL;
  assign(consumer, "p", 1, 2);
  add(list, "p", 0, 99);
  OK(levada_consumer_assignment(consumer, &found, &error));
  CHECK(levada_positions_count(found) == 1 && row(found, 1) == 2);
  levada_positions_free(found);
  FAILS(LEVADA_OUT_OF_RANGE, "99", levada_consumer_assign(consumer, list, &error));
  CHECK(position(consumer, 0) == 0);
  add(list, "p", 2, LEVADA_OFFSET_NONE);
  FAILS(LEVADA_NOT_FOUND, "partition 2", levada_consumer_assign(consumer, list, &error));
  levada_positions_free(list);
  OK(levada_consumer_assignment(consumer, &found, &error));
  CHECK(levada_positions_count(found) == 1 && row(found, 0) == 0);
  levada_positions_free(found);
  levada_consumer_free(consumer);
}

static void pauses(levada_database *database) {
  levada_consumer *consumer = new_consumer(database, NULL);
  levada_positions *list = positions();
  add(list, "p", 0, 0);
  add(list, "p", 1, 0);
  OK(levada_consumer_assign(consumer, list, &error));
  OK(levada_consumer_pause(consumer, NULL, &error));
  poll_nothing(consumer);
  levada_positions_free(list);
  list = positions();
  add(list, "p", 1, LEVADA_OFFSET_NONE);
  OK(levada_consumer_resume(consumer, list, &error));
  levada_batch *batch = poll_together(consumer, "p", 1, 0, RECORDS);
  CHECK(levada_batch_count(batch) == RECORDS);
  CHECK(levada_batch_partition(batch, 0) == 1 && levada_batch_partition(batch, RECORDS - 1) == 1);
  levada_batch_free(batch);
  OK(levada_consumer_pause(consumer, list, &error));
  OK(levada_consumer_resume(consumer, NULL, &error));
  batch = poll_batch(consumer, 100);
  CHECK(levada_batch_partition(batch, 0) == 0);
  levada_batch_free(batch);
  add(list, "p", 2, LEVADA_OFFSET_NONE);
  FAILS(LEVADA_NOT_FOUND, "p-2", levada_consumer_pause(consumer, list, &error));
  FAILS(LEVADA_NOT_FOUND, "p-2", levada_consumer_resume(consumer, list, &error));
  levada_positions_free(list);
  levada_consumer_free(consumer);
}

static void commits(levada_database *database) {
  static const char *const options[] = {"group.id",           "readers", "auto.offset.reset", "earliest",
                                        "enable.auto.commit", "false",   NULL};
  levada_consumer *consumer = new_consumer(database, options);
  levada_positions *list = positions();
  levada_commit *commit = NULL;
  assign(consumer, "p", 0, 0);
  CHECK(committed(consumer, 0) == LEVADA_OFFSET_NONE);
  expect_next(consumer, 0);
  OK(levada_consumer_commit(consumer, NULL, &error));
  CHECK(committed(consumer, 0) == 1);
  add(list, "p", 0, 7);
  add(list, "p", 1, 3);
  OK(levada_consumer_commit(consumer, list, &error));
  CHECK(committed(consumer, 0) == 7 && committed(consumer, 1) == 3);
  /* What it stands on is another thing. */
  CHECK(position(consumer, 0) == 1);
  expect_next(consumer, 1);
  OK(levada_consumer_commit_async(consumer, NULL, &commit, &error));
  OK(levada_commit_wait(commit, LONG, &error));
  OK(levada_commit_wait(commit, -1, &error));
  CHECK(levada_commit_is_done(commit));
  CHECK(committed(consumer, 0) == 2);
  levada_commit_free(commit);
  levada_commit_free(commit);
  OK(levada_consumer_commit_async(consumer, list, NULL, &error));
  OK(levada_consumer_commit_async(consumer, list, &commit, &error));
  levada_commit_free(commit);
  /* Later commits are durable later. */
  OK(levada_consumer_commit(consumer, list, &error));
  CHECK(committed(consumer, 0) == 7);

  add(list, "p", 1, LEVADA_OFFSET_NONE);
  FAILS(LEVADA_INVALID, "p-1", levada_consumer_commit(consumer, list, &error));
  commit = NULL;
  FAILS(LEVADA_INVALID, "p-1", levada_consumer_commit_async(consumer, list, &commit, &error));
  CHECK(commit == NULL);
  levada_positions_free(list);
  OK(levada_consumer_close(consumer, &error));
  levada_consumer_free(consumer);

  /* The next of the group begins where it has committed. */
  consumer = new_consumer(database, options);
  assign(consumer, "p", 0, LEVADA_OFFSET_NONE);
  expect_next(consumer, 7);
  levada_consumer_free(consumer);

  consumer = new_consumer(database, NULL);
  assign(consumer, "p", 0, 0);
  CHECK(committed(consumer, 0) == LEVADA_OFFSET_NONE);
  FAILS(LEVADA_INVALID, "group", levada_consumer_commit(consumer, NULL, &error));
  levada_consumer_free(consumer);
}

int main(int argc, char **argv) {
  levada_database *database = open_database(begin(argc, argv), "data");
  lists();
  timestamps(database);
  seeks(database);
  assignments_that_fail(database);
  pauses(database);
  commits(database);
  close_database(database);
  return end();
}
