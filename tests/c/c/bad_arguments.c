/* Good handles, bad arguments: each is named in the message, and nothing is written or changed. */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

static const char NOT_UTF8[] = "caf\xe9";

#define INVALID(text, ...) FAILS(LEVADA_INVALID, text, __VA_ARGS__)
#define NOT_FOUND(text, ...) FAILS(LEVADA_NOT_FOUND, text, __VA_ARGS__)

static void opening(const char *dir) {
  static const char *const odd[] = {"log.retention.ms", NULL};
  static const char *const unknown[] = {"log.retention.mss", "1", NULL};
  static const char *const bad[] = {"log.retention.ms", "soon", NULL};
  static const char *const twice[] = {"log.retention.ms", "1000", "log.retention.ms", "1000", NULL};
  static const char *const bytes[] = {"log.retention.ms", NOT_UTF8, NULL};
  static const char *const nowhere[] = {"levada.archive.dir", "", NULL};
  char path[1024];
  levada_database *database = NULL;
  CHECK(snprintf(path, sizeof path, "%s/none", dir) > 0);
  INVALID("path", levada_database_open(NULL, NULL, &database, &error));
  INVALID("out_database", levada_database_open(path, NULL, NULL, &error));
  INVALID("log.retention.ms", levada_database_open(path, odd, &database, &error));
  INVALID("log.retention.mss", levada_database_open(path, unknown, &database, &error));
  INVALID("soon", levada_database_open(path, bad, &database, &error));
  INVALID("twice", levada_database_open(path, twice, &database, &error));
  INVALID("UTF-8", levada_database_open(path, bytes, &database, &error));
  INVALID("path", levada_database_open("", NULL, &database, &error));
  INVALID("levada.archive.dir", levada_database_open(path, nowhere, &database, &error));
  CHECK(access(path, F_OK) != 0);
  CHECK(snprintf(path, sizeof path, "%s/file", dir) > 0);
  FILE *file = fopen(path, "w");
  CHECK(file != NULL && fclose(file) == 0);
  INVALID("file", levada_database_open(path, NULL, &database, &error));
  CHECK(database == NULL);
  CHECK(levada_database_open(NULL, NULL, NULL, NULL) == LEVADA_INVALID);
}

static void opened_twice(const char *dir) {
  char text[1024];
  levada_database *second = NULL;
  levada_database *database = open_database(dir, "twice");
  CHECK(snprintf(text, sizeof text, "%s/twice", dir) > 0);
  FAILS(LEVADA_CONFLICT, text, levada_database_open(text, NULL, &second, &error));
  CHECK(snprintf(text, sizeof text, "%ld", (long)getpid()) > 0);
  levada_error *why = NULL;
  char path[1024];
  CHECK(snprintf(path, sizeof path, "%s/twice", dir) > 0);
  CHECK(levada_database_open(path, NULL, &second, &why) == LEVADA_CONFLICT && second == NULL);
  CHECK(strstr(levada_error_message(why), text) != NULL);
  levada_error_free(why);
  close_database(database);
}

static void topics(levada_database *database) {
  static const char *const odd[] = {"retention.ms", "1", "cleanup.policy", NULL};
  static const char *const unknown[] = {"retention", "1", NULL}, *const bad[] = {"retention.ms", "x", NULL};
  static const char *const names[] = {"retention", NULL};
  char long_name[300];
  int64_t offset = 77;
  uint64_t bytes = 77;
  memset(long_name, 'a', sizeof long_name - 1);
  long_name[sizeof long_name - 1] = 0;
  INVALID("topic", levada_topic_create(database, NULL, 1, NULL, &error));
  INVALID("UTF-8", levada_topic_create(database, NOT_UTF8, 1, NULL, &error));
  INVALID("topic", levada_topic_create(database, "", 1, NULL, &error));
  INVALID("..", levada_topic_create(database, "..", 1, NULL, &error));
  INVALID("a b", levada_topic_create(database, "a b", 1, NULL, &error));
  INVALID("249", levada_topic_create(database, long_name, 1, NULL, &error));
  INVALID("partition", levada_topic_create(database, "new", 0, NULL, &error));
  INVALID("partition", levada_topic_create(database, "new", -1, NULL, &error));
  INVALID("partition", levada_topic_create(database, "new", INT32_MAX, NULL, &error));
  INVALID("cleanup.policy", levada_topic_create(database, "new", 1, odd, &error));
  INVALID("retention", levada_topic_create(database, "new", 1, unknown, &error));
  INVALID("retention.ms", levada_topic_create(database, "new", 1, bad, &error));
  FAILS(LEVADA_EXISTS, "t", levada_topic_create(database, "t", 1, NULL, &error));
  NOT_FOUND("new", levada_topic_delete(database, "new", &error));
  INVALID("topic", levada_topic_delete(database, NULL, &error));
  INVALID("out_names", levada_topic_list(database, false, NULL, &error));
  INVALID("out_topic", levada_topic_describe(database, "t", NULL, &error));
  NOT_FOUND("new", levada_topic_describe(database, "new", &(levada_topic *){NULL}, &error));
  INVALID("out_settings", levada_topic_settings(database, "t", NULL, &error));
  NOT_FOUND("new", levada_topic_settings(database, "new", &(levada_settings *){NULL}, &error));
  INVALID("retention", levada_topic_alter(database, "t", unknown, NULL, &error));
  INVALID("cleanup.policy", levada_topic_alter(database, "t", odd, NULL, &error));
  INVALID("retention", levada_topic_alter(database, "t", NULL, names, &error));
  NOT_FOUND("new", levada_topic_alter(database, "new", NULL, NULL, &error));
  INVALID("partitions", levada_topic_add_partitions(database, "t", 1, &error));
  INVALID("partitions", levada_topic_add_partitions(database, "t", -5, &error));
  INVALID("partitions", levada_topic_add_partitions(database, "t", INT32_MAX, &error));
  INVALID("out_offset", levada_topic_offset_for_time(database, "t", 0, 0, NULL, &error));
  NOT_FOUND("-1", levada_topic_offset_for_time(database, "t", -1, 0, &offset, &error));
  NOT_FOUND("9", levada_topic_delete_records(database, "t", 9, 0, &offset, &error));
  FAILS(LEVADA_OUT_OF_RANGE, "5", levada_topic_delete_records(database, "t", 0, 5, &offset, &error));
  INVALID("-2", levada_topic_delete_records(database, "t", 0, -2, &offset, &error));
  NOT_FOUND("-2", levada_archive_run(database, "t", -2, true, &bytes, &error));
  NOT_FOUND("new", levada_archive_run(database, "new", LEVADA_PARTITION_ANY, true, &bytes, &error));
  INVALID("out_files", levada_archive_list(database, "t", NULL, &error));
  INVALID("dance", levada_database_run_job(database, "dance", &bytes, &error));
  INVALID("job", levada_database_run_job(database, NULL, &bytes, &error));
  INVALID("out_json", levada_database_stats(database, NULL, &error));
  CHECK(offset == 77 && bytes == 77);
}

static void producers(levada_database *database) {
  static const char *const unknown[] = {"linger", "1", NULL}, *const bad[] = {"acks", "some", NULL};
  static const char *const odd[] = {"acks", NULL}, *const twice[] = {"acks", "1", "acks", "1", NULL};
  levada_producer *made = NULL;
  levada_writer *writer = NULL;
  INVALID("linger", levada_producer_new(database, unknown, &made, &error));
  INVALID("some", levada_producer_new(database, bad, &made, &error));
  INVALID("acks", levada_producer_new(database, odd, &made, &error));
  INVALID("acks", levada_producer_new(database, twice, &made, &error));
  INVALID("out_producer", levada_producer_new(database, NULL, NULL, &error));
  CHECK(made == NULL);
  made = new_producer(database, NULL);
  INVALID("topic", levada_producer_send(made, NULL, 0, NULL, 0, "v", 1, &error));
  NOT_FOUND("none", levada_producer_send(made, "none", 0, NULL, 0, "v", 1, &error));
  NOT_FOUND("7", levada_producer_send(made, "t", 7, NULL, 0, "v", 1, &error));
  INVALID("-2", levada_producer_send(made, "t", -2, NULL, 0, "v", 1, &error));
  INVALID("key", levada_producer_send(made, "t", 0, NULL, 1, "v", 1, &error));
  INVALID("value", levada_producer_send(made, "t", 0, NULL, 0, NULL, SIZE_MAX, &error));
  INVALID("value", levada_producer_send(made, "t", 0, NULL, 0, "v", SIZE_MAX, &error));
  INVALID("max.message.bytes", levada_producer_send(made, "t", 0, NULL, 0, "v", INT32_MAX, &error));
  INVALID("large", levada_producer_send(made, "t", 0, NULL, 0, "v", SIZE_MAX / 2, &error));
  INVALID("large", levada_producer_send(made, "t", 0, "k", SIZE_MAX / 2, "v", SIZE_MAX / 2, &error));
  INVALID("key", levada_producer_send(made, "compacted", 0, NULL, 0, "v", 1, &error));
  INVALID("out_reports", levada_producer_poll(made, 0, NULL, &error));
  INVALID("out_writer", levada_writer_new(made, "t", NULL, &error));
  INVALID("topic", levada_writer_new(made, NULL, &writer, &error));
  NOT_FOUND("none", levada_writer_new(made, "none", &writer, &error));
  CHECK(writer == NULL && levada_producer_buffered(made) == 0);
  CHECK(levada_producer_send(made, "none", 0, NULL, 0, "v", 1, NULL) == LEVADA_NOT_FOUND);
  levada_producer_free(made);
}

static void writers(levada_database *database) {
  static const char *const options[] = {"linger.ms", "100000", "batch.size", "1000000", NULL};
  levada_producer *producer = new_producer(database, options);
  levada_writer *writer = new_writer(producer, "t");
  levada_headers *headers = NULL;
  levada_delivery *delivery = NULL;
  const void *values[] = {"v", NULL};
  const size_t sizes[] = {1, 1};
  size_t sent = 77;
  INVALID("-2", levada_writer_send(writer, -2, NULL, 0, "v", 1, &error));
  INVALID("-2", levada_writer_send_tracked(writer, 0, -2, NULL, NULL, 0, "v", 1, &delivery, &error));
  INVALID("out_delivery", levada_writer_send_tracked(writer, 0, 0, NULL, NULL, 0, "v", 1, NULL, &error));
  INVALID("values", levada_writer_send_many(writer, 0, 2, NULL, NULL, NULL, sizes, NULL, &delivery, &sent, &error));
  CHECK(sent == 0);
  INVALID("value_sizes",
          levada_writer_send_many(writer, 0, 2, NULL, NULL, values, NULL, NULL, &delivery, &sent, &error));
  INVALID("key_sizes",
          levada_writer_send_many(writer, 0, 2, values, NULL, values, sizes, NULL, &delivery, &sent, &error));
  INVALID("values",
          levada_writer_send_many(writer, 0, SIZE_MAX, NULL, NULL, values, sizes, NULL, &delivery, &sent, &error));
  INVALID("record 1: the value",
          levada_writer_send_many(writer, 0, 2, NULL, NULL, values, sizes, NULL, &delivery, &sent, &error));
  CHECK(sent == 1 && delivery == NULL);
  INVALID("out_headers", levada_headers_new(NULL, &error));
  OK(levada_headers_new(&headers, &error));
  INVALID("name", levada_headers_add(headers, NULL, "v", 1, &error));
  INVALID("UTF-8", levada_headers_add(headers, NOT_UTF8, "v", 1, &error));
  INVALID("value", levada_headers_add(headers, "h", NULL, 1, &error));
  INVALID("value", levada_headers_add(headers, "h", "v", SIZE_MAX / 2, &error));
  CHECK(levada_headers_count(headers) == 0);
  for (int i = 0; i < 10000; i++) OK(levada_headers_add(headers, "h", NULL, 0, &error));
  INVALID("10000", levada_headers_add(headers, "h", NULL, 0, &error));
  CHECK(levada_headers_count(headers) == 10000);
  OK(levada_writer_send_tracked(writer, 0, 0, headers, NULL, 0, NULL, 0, &delivery, &error));
  FAILS(LEVADA_TIMEOUT, "0 ms", levada_delivery_wait(delivery, 0, &error));
  levada_headers_free(headers);
  INVALID("headers", levada_writer_send_record(writer, 0, 0, headers, NULL, 0, "v", 1, NULL, &error));
  flush(producer);
  OK(levada_delivery_wait(delivery, INT64_MAX, &error));
  OK(levada_delivery_wait(delivery, INT64_MIN, &error));
  levada_delivery_free(delivery);
  levada_writer_free(writer);
  OK(levada_producer_close(producer, INT64_MAX, &error));
  levada_producer_free(producer);
}

static void consumers(levada_database *database) {
  static const char *const unknown[] = {"group", "g", NULL}, *const bad[] = {"isolation.level", "x", NULL};
  static const char *const none[] = {NULL}, *const spaces[] = {"a b", NULL}, *const bytes[] = {NOT_UTF8, NULL};
  levada_consumer *made = NULL;
  levada_batch *batch = NULL;
  struct ArrowArrayStream stream = {0};
  int64_t offset = 77;
  INVALID("group", levada_consumer_new(database, unknown, &made, &error));
  INVALID("isolation.level", levada_consumer_new(database, bad, &made, &error));
  INVALID("out_consumer", levada_consumer_new(database, NULL, NULL, &error));
  CHECK(made == NULL);
  made = new_consumer(database, NULL);
  INVALID("subscribe", levada_consumer_poll(made, 0, 0, &batch, &error));
  INVALID("topics", levada_consumer_subscribe(made, NULL, &error));
  INVALID("topics", levada_consumer_subscribe(made, none, &error));
  INVALID("a b", levada_consumer_subscribe(made, spaces, &error));
  INVALID("UTF-8", levada_consumer_subscribe(made, bytes, &error));
  INVALID("pattern", levada_consumer_subscribe_pattern(made, NULL, &error));
  INVALID("(", levada_consumer_subscribe_pattern(made, "(", &error));
  INVALID("positions", levada_consumer_assign(made, NULL, &error));
  assign(made, "t", 0, LEVADA_OFFSET_NONE);
  INVALID("out_batch", levada_consumer_poll(made, 0, 0, NULL, &error));
  INVALID("stream", levada_consumer_poll_arrow(made, 0, 0, LEVADA_LAYOUT_VIEW, NULL, &error));
  INVALID("3", levada_consumer_poll_arrow(made, 0, 0, 3, &stream, &error));
  INVALID("-1", levada_consumer_poll_arrow(made, 0, 0, -1, &stream, &error));
  CHECK(stream.release == NULL);
  INVALID("out_positions", levada_consumer_assignment(made, NULL, &error));
  INVALID("out_offset", levada_consumer_position(made, "t", 0, NULL, &error));
  INVALID("topic", levada_consumer_position(made, NULL, 0, &offset, &error));
  NOT_FOUND("t-1", levada_consumer_position(made, "t", 1, &offset, &error));
  INVALID("out_offset", levada_consumer_committed(made, "t", 0, NULL, &error));
  INVALID("topic", levada_consumer_committed(made, NULL, 0, &offset, &error));
  INVALID("topic", levada_consumer_seek(made, NULL, 0, 0, &error));
  NOT_FOUND("t--1", levada_consumer_seek(made, "t", -1, 0, &error));
  INVALID("out_lags", levada_consumer_lag(made, NULL, &error));
  CHECK(offset == 77 && batch == NULL);
  OK(levada_consumer_close(made, &error));
  OK(levada_consumer_close(made, &error));
  FAILS(LEVADA_CLOSED, "closed", levada_consumer_poll(made, 0, 0, &batch, &error));
  levada_consumer_free(made);
}

static void scans_and_groups(levada_database *database) {
  static const char *const unknown[] = {"value", "colour", NULL}, *const bytes[] = {NOT_UTF8, NULL};
  static const char *const none[] = {NULL};
  levada_scan *scan = NULL;
  struct ArrowArrayStream stream = {0};
  INVALID("out_scan", levada_scan_new(database, "t", NULL, &error));
  INVALID("topic", levada_scan_new(database, NULL, &scan, &error));
  NOT_FOUND("none", levada_scan_new(database, "none", &scan, &error));
  CHECK(scan == NULL);
  OK(levada_scan_new(database, "t", &scan, &error));
  INVALID("stream", levada_scan_stream(scan, NULL, &error));
  INVALID("UTF-8", levada_scan_columns(scan, bytes, &error));
  INVALID("names", levada_scan_columns(scan, NULL, &error));
  INVALID("names", levada_scan_columns(scan, none, &error));
  INVALID("3", levada_scan_layout(scan, 3, &error));
  INVALID("-1", levada_scan_from_offset(scan, -1, 0, &error));
  INVALID("-5", levada_scan_until_offset(scan, 0, -5, &error));
  OK(levada_scan_columns(scan, unknown, &error));
  INVALID("colour", levada_scan_stream(scan, &stream, &error));
  levada_scan_free(scan);
  OK(levada_scan_new(database, "t", &scan, &error));
  OK(levada_scan_from_time(scan, 5, &error));
  INVALID("time", levada_scan_from_offset(scan, 0, 5, &error));
  OK(levada_scan_until_offset(scan, 0, 5, &error));
  INVALID("offset", levada_scan_until_time(scan, 5, &error));
  OK(levada_scan_partition(scan, 9, &error));
  NOT_FOUND("9", levada_scan_stream(scan, &stream, &error));
  levada_scan_free(scan);
  OK(levada_scan_new(database, "t", &scan, &error));
  OK(levada_scan_from_offset(scan, 0, 99, &error));
  FAILS(LEVADA_OUT_OF_RANGE, "99", levada_scan_stream(scan, &stream, &error));
  CHECK(stream.release == NULL);
  levada_scan_free(scan);

  levada_positions *list = positions();
  INVALID("-1", levada_positions_add(list, "t", -1, 0, &error));
  INVALID("-2", levada_positions_add(list, "t", 0, -2, &error));
  INVALID("topic", levada_positions_add(list, NULL, 0, 0, &error));
  INVALID("UTF-8", levada_positions_add(list, NOT_UTF8, 0, 0, &error));
  INVALID("out_positions", levada_positions_new(NULL, &error));
  CHECK(levada_positions_count(list) == 0);
  INVALID("out_names", levada_group_list(database, NULL, &error));
  INVALID("group", levada_group_describe(database, NULL, &(levada_group *){NULL}, &error));
  INVALID("out_group", levada_group_describe(database, "g", NULL, &error));
  INVALID("out_positions", levada_group_offsets(database, "g", NULL, &error));
  INVALID("positions", levada_group_reset(database, "g", NULL, &error));
  INVALID("group", levada_group_reset(database, NULL, list, &error));
  INVALID("group", levada_group_delete(database, NULL, &error));
  levada_positions_free(list);
}

static void statuses(void) {
  const char *names[] = {"LEVADA_OK",      "LEVADA_INVALID", "LEVADA_NOT_FOUND",   "LEVADA_EXISTS",  "LEVADA_OUT_OF_RANGE",
                         "LEVADA_CONFLICT", "LEVADA_FENCED",  "LEVADA_DENIED",      "LEVADA_UNAVAILABLE", "LEVADA_TIMEOUT",
                         "LEVADA_CORRUPT",  "LEVADA_CLOSED",  "LEVADA_INTERNAL"};
  for (int32_t i = 0; i < 13; i++) CHECK(strcmp(levada_status_name(i), names[i]) == 0);
  CHECK(strcmp(levada_status_name(-1), "") == 0 && strcmp(levada_status_name(13), "") == 0);
  CHECK(!levada_has_feature(NULL) && !levada_has_feature(NOT_UTF8) && levada_has_feature("broker"));
  levada_error *why = NULL;
  CHECK(levada_database_close(NULL, &why) == LEVADA_INVALID);
  CHECK(!levada_error_is_retriable(why) && levada_error_kafka_code(why) != 0);
  levada_error_free(why);
}

int main(int argc, char **argv) {
  static const char *const compacted[] = {"cleanup.policy", "compact", NULL};
  const char *dir = begin(argc, argv);
  statuses();
  opening(dir);
  opened_twice(dir);
  levada_database *database = open_database(dir, "data");
  make_topic(database, "t", 1);
  OK(levada_topic_create(database, "compacted", 1, compacted, &error));
  topics(database);
  producers(database);
  writers(database);
  consumers(database);
  scans_and_groups(database);
  close_database(database);
  return end();
}
