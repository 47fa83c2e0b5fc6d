/* Topics, their settings and partitions, archive files, jobs, statistics; in a directory and in memory. */
#define _POSIX_C_SOURCE 200809L

#include <sys/stat.h>

#include "support.h"

static levada_topic *describe(levada_database *database, const char *name) {
  levada_topic *topic = NULL;
  OK(levada_topic_describe(database, name, &topic, &error));
  CHECK(topic != NULL && strcmp(levada_topic_name(topic), name) == 0);
  return topic;
}

static int is_listed(levada_database *database, const char *name, bool internal) {
  levada_names *names = NULL;
  int found = 0;
  OK(levada_topic_list(database, internal, &names, &error));
  for (size_t i = 0; i < levada_names_count(names); i++) {
    found |= strcmp(levada_names_get(names, i), name) == 0;
    CHECK(i == 0 || strcmp(levada_names_get(names, i - 1), levada_names_get(names, i)) < 0);
  }
  levada_names_free(names);
  return found;
}

/* Whether the setting has this value, from this source. */
static int has_setting(levada_database *database, const char *name, const char *value, const char *source) {
  levada_settings *settings = NULL;
  int found = 0;
  OK(levada_topic_settings(database, "t", &settings, &error));
  size_t count = levada_settings_count(settings);
  for (size_t i = 0; i < count; i++) {
    if (strcmp(levada_settings_name(settings, i), name) != 0) continue;
    CHECK(!found);
    found = strcmp(levada_settings_value(settings, i), value) == 0 &&
            strcmp(levada_settings_source(settings, i), source) == 0;
  }
  CHECK(levada_settings_name(settings, count) == NULL && levada_settings_value(settings, count) == NULL);
  CHECK(levada_settings_source(settings, count) == NULL);
  levada_settings_free(settings);
  return found;
}

static void topics(levada_database *database) {
  make_topic(database, "t", 2);
  make_topic(database, "a", 1);
  CHECK(is_listed(database, "t", false) && is_listed(database, "a", true));
  fill(database, "t", 1, 5);
  levada_topic *topic = describe(database, "t");
  CHECK(strlen(levada_topic_id(topic)) == 22 && levada_topic_created(topic) > 1600000000000);
  CHECK(!levada_topic_is_internal(topic) && levada_topic_partition_count(topic) == 2);
  CHECK(levada_topic_start_offset(topic, 1) == 0 && levada_topic_end_offset(topic, 1) == 5);
  CHECK(levada_topic_durable_offset(topic, 1) == 5 && levada_topic_size(topic, 1) > 0);
  CHECK(levada_topic_end_offset(topic, 0) == 0);
  for (int i = 0; i < 2; i++) {
    int32_t none = i == 0 ? 2 : -1;
    CHECK(levada_topic_start_offset(topic, none) == LEVADA_OFFSET_NONE && levada_topic_size(topic, none) == -1);
    CHECK(levada_topic_end_offset(topic, none) == LEVADA_OFFSET_NONE);
    CHECK(levada_topic_durable_offset(topic, none) == LEVADA_OFFSET_NONE);
  }
  /* It is as it was at one moment; a topic that is made again is another. */
  levada_topic *old = topic;
  OK(levada_topic_delete(database, "t", &error));
  CHECK(!is_listed(database, "t", true));
  make_topic(database, "t", 1);
  topic = describe(database, "t");
  CHECK(levada_topic_end_offset(old, 1) == 5 && levada_topic_partition_count(topic) == 1);
  CHECK(strcmp(levada_topic_id(old), levada_topic_id(topic)) != 0);
  levada_topic_free(old);
  levada_topic_free(topic);

  OK(levada_topic_add_partitions(database, "t", 3, &error));
  topic = describe(database, "t");
  CHECK(levada_topic_partition_count(topic) == 3 && levada_topic_end_offset(topic, 2) == 0);
  levada_topic_free(topic);
}

static void internal_topics(levada_database *database) {
  static const char *const options[] = {"group.id", "g", NULL};
  levada_consumer *consumer = new_consumer(database, options);
  levada_positions *list = positions();
  add(list, "t", 0, 0);
  OK(levada_consumer_assign(consumer, list, &error));
  OK(levada_consumer_commit(consumer, list, &error));
  levada_positions_free(list);
  levada_consumer_free(consumer);
  CHECK(is_listed(database, "__consumer_offsets", true) && !is_listed(database, "__consumer_offsets", false));
  levada_topic *topic = describe(database, "__consumer_offsets");
  CHECK(levada_topic_is_internal(topic));
  levada_topic_free(topic);
}

static void settings(levada_database *database) {
  static const char *const set[] = {"retention.ms", "5000", "cleanup.policy", "compact", NULL};
  static const char *const mixed[] = {"retention.ms", "6000", "segment.bytes", "many", NULL};
  static const char *const reset[] = {"retention.ms", NULL}, *const again[] = {"cleanup.policy", "delete", NULL};
  CHECK(has_setting(database, "retention.ms", "604800000", "DEFAULT_CONFIG"));
  OK(levada_topic_alter(database, "t", set, NULL, &error));
  CHECK(has_setting(database, "retention.ms", "5000", "DYNAMIC_TOPIC_CONFIG"));
  CHECK(has_setting(database, "cleanup.policy", "compact", "DYNAMIC_TOPIC_CONFIG"));
  /* All or none. */
  FAILS(LEVADA_INVALID, "segment.bytes", levada_topic_alter(database, "t", mixed, NULL, &error));
  CHECK(has_setting(database, "retention.ms", "5000", "DYNAMIC_TOPIC_CONFIG"));
  OK(levada_topic_alter(database, "t", again, reset, &error));
  CHECK(has_setting(database, "retention.ms", "604800000", "DEFAULT_CONFIG"));
  CHECK(has_setting(database, "cleanup.policy", "delete", "DYNAMIC_TOPIC_CONFIG"));
  OK(levada_topic_alter(database, "t", NULL, NULL, &error));
}

static void records_by_time_and_their_end(levada_database *database) {
  levada_producer *producer = new_producer(database, NULL);
  levada_writer *writer = new_writer(producer, "t");
  int64_t offset = 77;
  OK(levada_topic_offset_for_time(database, "t", 0, 0, &offset, &error));
  CHECK(offset == LEVADA_OFFSET_NONE);
  for (int64_t i = 0; i < 10; i++) {
    OK(levada_writer_send_record(writer, 0, 1000 + 10 * i, NULL, NULL, 0, "v", 1, NULL, &error));
  }
  flush(producer);
  levada_writer_free(writer);
  levada_producer_free(producer);
  OK(levada_topic_offset_for_time(database, "t", 0, 1031, &offset, &error));
  CHECK(offset == 4);
  OK(levada_topic_offset_for_time(database, "t", 0, INT64_MIN, &offset, &error));
  CHECK(offset == 0);
  OK(levada_topic_offset_for_time(database, "t", 0, 1091, &offset, &error));
  CHECK(offset == LEVADA_OFFSET_NONE);

  OK(levada_topic_delete_records(database, "t", 0, 4, &offset, &error));
  CHECK(offset == 4);
  OK(levada_topic_delete_records(database, "t", 0, 2, &offset, &error));
  CHECK(offset == 4);
  levada_topic *topic = describe(database, "t");
  CHECK(levada_topic_start_offset(topic, 0) == 4 && levada_topic_end_offset(topic, 0) == 10);
  levada_topic_free(topic);
  OK(levada_topic_delete_records(database, "t", 0, -1, NULL, &error));
  topic = describe(database, "t");
  CHECK(levada_topic_start_offset(topic, 0) == 10);
  levada_topic_free(topic);
}

/* Consumers read the same from archive files, which lie where they were wanted. */
static void archive(const char *dir) {
  char place[1024], path[1024];
  CHECK(snprintf(place, sizeof place, "%s/elsewhere", dir) > 0);
  CHECK(snprintf(path, sizeof path, "%s/archived", dir) > 0);
  const char *const options[] = {"levada.archive.dir", place, NULL};
  levada_database *database = NULL;
  levada_files *files = NULL;
  uint64_t bytes = 0;
  OK(levada_database_open(path, options, &database, &error));
  make_topic(database, "t", 2);
  fill(database, "t", 0, 100);
  OK(levada_archive_run(database, "t", 0, false, &bytes, &error));
  OK(levada_archive_list(database, "t", &files, &error));
  CHECK(bytes == 0 && levada_files_count(files) == 0);
  levada_files_free(files);
  OK(levada_archive_run(database, "t", LEVADA_PARTITION_ANY, true, &bytes, &error));
  CHECK(bytes > 0);
  OK(levada_archive_list(database, "t", &files, &error));
  CHECK(levada_files_count(files) == 1);
  struct stat found;
  CHECK(strncmp(levada_files_path(files, 0), place, strlen(place)) == 0);
  CHECK(stat(levada_files_path(files, 0), &found) == 0 && found.st_size == levada_files_size(files, 0));
  CHECK(levada_files_partition(files, 0) == 0);
  CHECK(levada_files_first_offset(files, 0) == 0 && levada_files_next_offset(files, 0) == 100);
  CHECK(levada_files_path(files, 1) == NULL && levada_files_size(files, 1) == -1);
  CHECK(levada_files_partition(files, 1) == -1 && levada_files_first_offset(files, 1) == -1);
  CHECK(levada_files_next_offset(files, 1) == -1);
  levada_files_free(files);

  fill(database, "t", 0, 5);
  levada_consumer *consumer = new_consumer(database, NULL);
  assign(consumer, "t", 0, 90);
  for (int64_t next = 90; next < 105;) {
    levada_batch *batch = poll_batch(consumer, 0);
    for (size_t i = 0; i < levada_batch_count(batch); i++, next++) {
      char text[8];
      CHECK(snprintf(text, sizeof text, "%d", (int)(next < 100 ? next : next - 100)) > 0);
      CHECK(levada_batch_offset(batch, i) == next && has_value(batch, i, text));
    }
    levada_batch_free(batch);
  }
  levada_consumer_free(consumer);
  OK(levada_topic_delete(database, "t", &error));
  close_database(database);
}

static void jobs(levada_database *database) {
  static const char *const names[] = {"remove", "roll", "retain", "compact", "archive", "checkpoint",
                                      "expire_offsets", "expire_producers"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    uint64_t bytes = UINT64_MAX;
    OK(levada_database_run_job(database, names[i], &bytes, &error));
    CHECK(bytes != UINT64_MAX);
    OK(levada_database_run_job(database, names[i], NULL, &error));
  }
}

/* Roughly JSON: brackets match outside of strings, and the names that the header names are there. */
static void statistics(levada_database *database) {
  static const char *const keys[] = {"version", "cluster_id", "topics", "groups", "appends", "syncs", "jobs",
                                     "recovery", "partitions", "start", "end"};
  levada_text *json = NULL;
  char open[64];
  int depth = 0, in_string = 0;
  OK(levada_database_stats(database, &json, &error));
  const char *text = levada_text_data(json);
  CHECK(levada_text_size(json) == strlen(text) && text[0] == '{');
  for (const char *at = text; *at != 0; at++) {
    if (in_string) {
      if (*at == '\\') at++;
      if (*at == '"') in_string = 0;
    } else if (*at == '"') {
      in_string = 1;
    } else if (*at == '{' || *at == '[') {
      CHECK(depth < (int)sizeof open);
      open[depth++] = *at;
    } else if (*at == '}' || *at == ']') {
      CHECK(depth > 0 && open[--depth] == (*at == '}' ? '{' : '['));
      CHECK(depth > 0 || at[1] == 0);
    }
  }
  CHECK(depth == 0 && !in_string);
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    char quoted[32];
    CHECK(snprintf(quoted, sizeof quoted, "\"%s\":", keys[i]) > 0);
    CHECK(strstr(text, quoted) != NULL);
  }
  CHECK(strstr(text, levada_version()) != NULL);
  levada_text_free(json);
}

/* Two in memory have nothing to do with each other, and are gone when they are closed. */
static void in_memory(void) {
  levada_database *one = NULL, *other = NULL;
  OK(levada_database_open(":memory:", NULL, &one, &error));
  OK(levada_database_open(":memory:", NULL, &other, &error));
  topics(one);
  CHECK(!is_listed(other, "t", true));
  settings(one);
  jobs(one);
  statistics(one);
  fill(one, "t", 0, 10);
  OK(levada_archive_run(one, "t", 0, true, NULL, &error));
  levada_consumer *consumer = new_consumer(one, NULL);
  assign(consumer, "t", 0, 0);
  levada_batch *batch = poll_together(consumer, "t", 0, 0, 10);
  CHECK(has_value(batch, 9, "9"));
  levada_batch_free(batch);
  levada_consumer_free(consumer);
  close_database(one);
  close_database(other);
  CHECK(access(":memory:", F_OK) != 0);
}

int main(int argc, char **argv) {
  const char *dir = begin(argc, argv);
  levada_database *database = open_database(dir, "data");
  topics(database);
  internal_topics(database);
  settings(database);
  records_by_time_and_their_end(database);
  jobs(database);
  statistics(database);
  close_database(database);
  /* What was done is there after the next open. */
  database = open_database(dir, "data");
  CHECK(has_setting(database, "cleanup.policy", "delete", "DYNAMIC_TOPIC_CONFIG"));
  levada_topic *topic = describe(database, "t");
  CHECK(levada_topic_partition_count(topic) == 3 && levada_topic_start_offset(topic, 0) == 10);
  levada_topic_free(topic);
  close_database(database);
  archive(dir);
  in_memory();
  return end();
}
