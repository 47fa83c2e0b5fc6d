/* The rebalance callback: what it hears, what it may do, and what becomes of the status that it gives. */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

static const char *const MEMBER[] = {"group.id", "g", "auto.offset.reset", "earliest", "enable.auto.commit", "false",
                                     NULL};
static const char *const TOPICS[] = {"t", NULL};

typedef struct heard {
  levada_consumer *consumer;
  int assigned, revoked, calls;
  levada_status gives;
} heard;

static int32_t count(void *user_data, levada_rebalance what, const levada_positions *partitions) {
  heard *with = user_data;
  int number = (int)levada_positions_count(partitions);
  CHECK(number > 0);
  CHECK(strcmp(levada_positions_topic(partitions, 0), "t") == 0);
  CHECK(levada_positions_offset(partitions, 0) == LEVADA_OFFSET_NONE);
  with->calls++;
  if (what == LEVADA_ASSIGNED) with->assigned += number;
  if (what == LEVADA_REVOKED) with->revoked += number;
  CHECK(what == LEVADA_ASSIGNED || what == LEVADA_REVOKED);
  return with->gives;
}

/* Seeks what comes, commits what goes; must not do what would call it again. */
static int32_t use(void *user_data, levada_rebalance what, const levada_positions *partitions) {
  heard *with = user_data;
  levada_batch *batch = NULL;
  FAILS(LEVADA_CONFLICT, "listener", levada_consumer_poll(with->consumer, 0, 0, &batch, &error));
  FAILS(LEVADA_CONFLICT, "listener", levada_consumer_subscribe(with->consumer, TOPICS, &error));
  FAILS(LEVADA_CONFLICT, "listener", levada_consumer_assign(with->consumer, partitions, &error));
  FAILS(LEVADA_CONFLICT, "listener", levada_consumer_unsubscribe(with->consumer, &error));
  for (size_t i = 0; i < levada_positions_count(partitions); i++) {
    const char *topic = levada_positions_topic(partitions, i);
    int32_t partition = levada_positions_partition(partitions, i);
    int64_t at = -1;
    if (what == LEVADA_ASSIGNED) {
      OK(levada_consumer_seek(with->consumer, topic, partition, 3, &error));
    } else {
      levada_positions *list = positions();
      OK(levada_consumer_position(with->consumer, topic, partition, &at, &error));
      add(list, topic, partition, at);
      OK(levada_consumer_commit(with->consumer, list, &error));
      levada_positions_free(list);
    }
  }
  if (what == LEVADA_ASSIGNED) OK(levada_consumer_pause(with->consumer, partitions, &error));
  with->calls++;
  return LEVADA_OK;
}

static int64_t committed(levada_database *database, int32_t partition) {
  levada_positions *list = NULL;
  int64_t offset = LEVADA_OFFSET_NONE;
  OK(levada_group_offsets(database, "g", &list, &error));
  for (size_t i = 0; i < levada_positions_count(list); i++) {
    if (levada_positions_partition(list, i) == partition) offset = levada_positions_offset(list, i);
  }
  levada_positions_free(list);
  return offset;
}

static void uses_the_consumer(levada_database *database) {
  heard with = {NULL, 0, 0, 0, LEVADA_OK};
  with.consumer = new_consumer(database, MEMBER);
  OK(levada_consumer_on_rebalance(with.consumer, use, &with, &error));
  OK(levada_consumer_subscribe(with.consumer, TOPICS, &error));
  while (with.calls == 0) {
    levada_batch *batch = NULL;
    OK(levada_consumer_poll(with.consumer, 0, 10, &batch, &error));
    CHECK(batch == NULL);
  }
  OK(levada_consumer_resume(with.consumer, NULL, &error));
  levada_batch *batch = poll_batch(with.consumer, 1);
  int32_t partition = levada_batch_partition(batch, 0);
  CHECK(levada_batch_offset(batch, 0) == 3);
  levada_batch_free(batch);
  OK(levada_consumer_close(with.consumer, &error));
  CHECK(with.calls == 2);
  CHECK(committed(database, partition) == 4 && committed(database, 1 - partition) == 3);
  levada_consumer_free(with.consumer);
  OK(levada_group_delete(database, "g", &error));
}

/* A second member takes one of the two partitions, and gives it back. */
static void partitions_move(levada_database *database) {
  heard first = {NULL, 0, 0, 0, LEVADA_OK}, second = first;
  levada_batch *batch = NULL;
  first.consumer = new_consumer(database, MEMBER);
  second.consumer = new_consumer(database, MEMBER);
  OK(levada_consumer_on_rebalance(first.consumer, count, &first, &error));
  OK(levada_consumer_on_rebalance(second.consumer, count, &second, &error));
  OK(levada_consumer_subscribe(first.consumer, TOPICS, &error));
  levada_batch_free(poll_batch(first.consumer, 0));
  CHECK(first.assigned == 2 && first.revoked == 0);
  OK(levada_consumer_subscribe(second.consumer, TOPICS, &error));
  while (second.assigned == 0) {
    OK(levada_consumer_poll(second.consumer, 0, 10, &batch, &error));
    levada_batch_free(batch);
    OK(levada_consumer_poll(first.consumer, 0, 10, &batch, &error));
    levada_batch_free(batch);
  }
  CHECK(first.revoked == 1 && second.assigned == 1);
  OK(levada_consumer_close(second.consumer, &error));
  CHECK(second.revoked == 1);
  while (first.assigned < 3) {
    OK(levada_consumer_poll(first.consumer, 0, 10, &batch, &error));
    levada_batch_free(batch);
  }
  /* Nobody is told of a member that is freed. */
  levada_consumer_free(first.consumer);
  CHECK(first.revoked == 1);
  levada_consumer_free(second.consumer);
  OK(levada_group_delete(database, "g", &error));
}

/* A status that the callback gives is that of the call, which has done its work. */
static void gives_a_status(levada_database *database) {
  static const struct {
    int32_t gives;
    levada_status becomes;
    const char *text;
  } CASES[] = {{LEVADA_UNAVAILABLE, LEVADA_UNAVAILABLE, "LEVADA_UNAVAILABLE"},
               {LEVADA_INTERNAL, LEVADA_INTERNAL, "LEVADA_INTERNAL"},
               {-5, LEVADA_INVALID, "-5"},
               {99, LEVADA_INVALID, "99"}};
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    heard with = {NULL, 0, 0, 0, LEVADA_OK};
    levada_batch *batch = NULL;
    levada_status status = LEVADA_OK;
    levada_error *why = NULL;
    with.gives = CASES[i].gives;
    with.consumer = new_consumer(database, MEMBER);
    OK(levada_consumer_on_rebalance(with.consumer, count, &with, &error));
    OK(levada_consumer_subscribe(with.consumer, TOPICS, &error));
    while (status == LEVADA_OK) {
      CHECK(with.calls == 0 && batch == NULL);
      status = levada_consumer_poll(with.consumer, 0, 10, &batch, &why);
    }
    CHECK(status == CASES[i].becomes && batch == NULL && with.calls == 1);
    CHECK(strstr(levada_error_message(why), CASES[i].text) != NULL);
    levada_error_free(why);
    levada_batch_free(poll_batch(with.consumer, 1));
    FAILS(CASES[i].becomes, CASES[i].text, levada_consumer_close(with.consumer, &error));
    CHECK(with.calls == 2 && with.revoked == 2);
    levada_consumer_free(with.consumer);
    OK(levada_group_delete(database, "g", &error));
  }
}

static int32_t free_own(void *user_data, levada_rebalance what, const levada_positions *partitions) {
  heard *with = user_data;
  CHECK(what == LEVADA_ASSIGNED && levada_positions_count(partitions) == 2);
  levada_consumer_free(with->consumer);
  with->calls++;
  return LEVADA_OK;
}

/* What it must not do harms nothing. */
static void frees_its_consumer(levada_database *database) {
  heard with = {NULL, 0, 0, 0, LEVADA_OK};
  levada_status status = LEVADA_OK;
  with.consumer = new_consumer(database, MEMBER);
  OK(levada_consumer_on_rebalance(with.consumer, free_own, &with, &error));
  OK(levada_consumer_subscribe(with.consumer, TOPICS, &error));
  while (status == LEVADA_OK) {
    levada_batch *batch = NULL;
    status = levada_consumer_poll(with.consumer, 0, 10, &batch, NULL);
    levada_batch_free(batch);
  }
  CHECK(with.calls == 1 && status == LEVADA_INVALID);
}

static int32_t close_own(void *user_data, levada_rebalance what, const levada_positions *partitions) {
  heard *with = user_data;
  CHECK(levada_positions_count(partitions) == 2);
  CHECK(what == (with->calls++ == 0 ? LEVADA_ASSIGNED : LEVADA_REVOKED));
  OK(levada_consumer_close(with->consumer, &error));
  return LEVADA_OK;
}

static void closes_its_consumer(levada_database *database) {
  heard with = {NULL, 0, 0, 0, LEVADA_OK};
  levada_status status = LEVADA_OK;
  with.consumer = new_consumer(database, MEMBER);
  OK(levada_consumer_on_rebalance(with.consumer, close_own, &with, &error));
  OK(levada_consumer_subscribe(with.consumer, TOPICS, &error));
  while (status == LEVADA_OK) {
    levada_batch *batch = NULL;
    status = levada_consumer_poll(with.consumer, 0, 10, &batch, NULL);
    CHECK(batch == NULL);
  }
  CHECK(with.calls == 2 && status == LEVADA_CLOSED);
  levada_consumer_free(with.consumer);
}

static void without_a_group(levada_database *database) {
  levada_consumer *consumer = new_consumer(database, NULL);
  heard with = {NULL, 0, 0, 0, LEVADA_OK};
  FAILS(LEVADA_INVALID, "group", levada_consumer_on_rebalance(consumer, count, &with, &error));
  OK(levada_consumer_on_rebalance(consumer, NULL, NULL, &error));
  OK(levada_consumer_close(consumer, &error));
  FAILS(LEVADA_CLOSED, "closed", levada_consumer_on_rebalance(consumer, NULL, NULL, &error));
  levada_consumer_free(consumer);
}

int main(int argc, char **argv) {
  levada_database *database = open_database(begin(argc, argv), "data");
  make_topic(database, "t", 2);
  fill(database, "t", 0, 10);
  fill(database, "t", 1, 10);
  uses_the_consumer(database);
  partitions_move(database);
  gives_a_status(database);
  frees_its_consumer(database);
  closes_its_consumer(database);
  without_a_group(database);
  close_database(database);
  return end();
}
