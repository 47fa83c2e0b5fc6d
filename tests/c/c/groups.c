/* Groups: who is in them, what they have committed, moving that, and forgetting them. */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

static const char *const MEMBER[] = {"group.id",           "readers", "client.id", "ctest",
                                     "auto.offset.reset",  "earliest", "enable.auto.commit", "false", NULL};
static const char *const TOPICS[] = {"t", NULL};

static levada_group *describe(levada_database *database) {
  levada_group *group = NULL;
  OK(levada_group_describe(database, "readers", &group, &error));
  CHECK(group != NULL);
  return group;
}

static int64_t offset_of(levada_database *database, const char *name, int32_t partition) {
  levada_positions *list = NULL;
  int64_t offset = -9;
  OK(levada_group_offsets(database, name, &list, &error));
  for (size_t i = 0; i < levada_positions_count(list); i++) {
    CHECK(strcmp(levada_positions_topic(list, i), "t") == 0);
    if (levada_positions_partition(list, i) == partition) offset = levada_positions_offset(list, i);
  }
  levada_positions_free(list);
  return offset;
}

static int is_listed(levada_database *database, const char *name) {
  levada_names *names = NULL;
  int found = 0;
  OK(levada_group_list(database, &names, &error));
  for (size_t i = 0; i < levada_names_count(names); i++) found |= strcmp(levada_names_get(names, i), name) == 0;
  CHECK(levada_names_get(names, levada_names_count(names)) == NULL);
  levada_names_free(names);
  return found;
}

static void a_member(levada_database *database) {
  levada_consumer *consumer = new_consumer(database, MEMBER);
  CHECK(!is_listed(database, "readers"));
  FAILS(LEVADA_NOT_FOUND, "readers", levada_group_describe(database, "readers", &(levada_group *){NULL}, &error));
  OK(levada_consumer_subscribe(consumer, TOPICS, &error));
  levada_batch *batch = poll_batch(consumer, 1);
  CHECK(is_listed(database, "readers"));
  levada_group *group = describe(database);
  CHECK(strcmp(levada_group_state(group), "Stable") == 0);
  CHECK(levada_group_epoch(group) >= 1);
  CHECK(levada_group_member_count(group) == 1);
  CHECK(strlen(levada_group_member_id(group, 0)) > 0);
  CHECK(strcmp(levada_group_member_client_id(group, 0), "ctest") == 0);
  const levada_positions *partitions = levada_group_member_partitions(group, 0);
  CHECK(levada_positions_count(partitions) == 2);
  CHECK(strcmp(levada_positions_topic(partitions, 1), "t") == 0);
  CHECK(levada_positions_offset(partitions, 1) == LEVADA_OFFSET_NONE);
  CHECK(levada_group_member_id(group, 1) == NULL);
  CHECK(levada_group_member_client_id(group, 1) == NULL);
  CHECK(levada_group_member_partitions(group, 1) == NULL);
  /* A member's list goes with its group. */
  levada_group_free(group);
  levada_group_free(group);
  CHECK(levada_positions_count(partitions) == 0);

  OK(levada_consumer_commit(consumer, NULL, &error));
  int32_t partition = levada_batch_partition(batch, 0);
  CHECK(offset_of(database, "readers", partition) == 1);
  levada_positions *list = positions();
  add(list, "t", 0, 0);
  FAILS(LEVADA_CONFLICT, "readers", levada_group_reset(database, "readers", list, &error));
  FAILS(LEVADA_CONFLICT, "readers", levada_group_delete(database, "readers", &error));
  levada_positions_free(list);
  levada_batch_free(batch);
  OK(levada_consumer_unsubscribe(consumer, &error));
  levada_consumer_free(consumer);
}

static void nobody_in_it(levada_database *database) {
  levada_group *group = describe(database);
  CHECK(strcmp(levada_group_state(group), "Empty") == 0);
  CHECK(levada_group_member_count(group) == 0);
  levada_group_free(group);

  levada_positions *list = positions();
  add(list, "t", 0, 2);
  add(list, "t", 1, 3);
  OK(levada_group_reset(database, "readers", list, &error));
  CHECK(offset_of(database, "readers", 0) == 2 && offset_of(database, "readers", 1) == 3);
  /* Also of a group that nobody knew. */
  OK(levada_group_reset(database, "fresh", list, &error));
  CHECK(is_listed(database, "fresh") && offset_of(database, "fresh", 1) == 3);
  add(list, "t", 2, 0);
  FAILS(LEVADA_NOT_FOUND, "t-2", levada_group_reset(database, "readers", list, &error));
  levada_positions_free(list);
  list = positions();
  add(list, "t", 0, LEVADA_OFFSET_NONE);
  FAILS(LEVADA_INVALID, "t-0", levada_group_reset(database, "readers", list, &error));
  levada_positions_free(list);
  CHECK(offset_of(database, "readers", 0) == 2);

  levada_consumer *consumer = new_consumer(database, MEMBER);
  OK(levada_consumer_subscribe(consumer, TOPICS, &error));
  levada_batch *batch = poll_batch(consumer, 1);
  CHECK(levada_batch_offset(batch, 0) == (levada_batch_partition(batch, 0) == 0 ? 2 : 3));
  levada_batch_free(batch);
  OK(levada_consumer_close(consumer, &error));
  levada_consumer_free(consumer);
}

static void forgotten(levada_database *database) {
  OK(levada_group_delete(database, "readers", &error));
  CHECK(!is_listed(database, "readers"));
  CHECK(offset_of(database, "readers", 0) == -9);
  FAILS(LEVADA_NOT_FOUND, "readers", levada_group_delete(database, "readers", &error));
  /* One that nobody knows has committed nothing. */
  CHECK(offset_of(database, "nobody", 0) == -9);
}

int main(int argc, char **argv) {
  const char *dir = begin(argc, argv);
  levada_database *database = open_database(dir, "data");
  make_topic(database, "t", 2);
  fill(database, "t", 0, 5);
  fill(database, "t", 1, 5);
  a_member(database);
  nobody_in_it(database);
  close_database(database);
  database = open_database(dir, "data");
  CHECK(offset_of(database, "fresh", 0) == 2);
  forgotten(database);
  close_database(database);
  return end();
}
