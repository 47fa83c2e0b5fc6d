/* NULL, freed handles, handles of other kinds and pointers to anywhere: refused, and nothing is written. */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

/* What places for answers hold before: it must be there after. */
static char untouched;
#define UNTOUCHED ((void *)&untouched)

/* What the message of the error says. */
static const char *says;

#define REFUSED(...) FAILS(LEVADA_INVALID, says, __VA_ARGS__)

/* A function that makes something of kind `type` into `out`. */
#define MAKES_NOTHING(type, ...)          \
  do {                                    \
    type *out = UNTOUCHED;                \
    REFUSED(__VA_ARGS__);                 \
    CHECK((void *)out == UNTOUCHED);      \
  } while (0)

static void bad_database(void *bad) {
  uint64_t bytes = 77;
  int64_t offset = 77;
  levada_database_free(bad);
  REFUSED(levada_database_close(bad, &error));
  MAKES_NOTHING(levada_text, levada_database_stats(bad, &out, &error));
  REFUSED(levada_database_run_job(bad, "retain", &bytes, &error));
  REFUSED(levada_topic_create(bad, "t", 1, NULL, &error));
  REFUSED(levada_topic_delete(bad, "t", &error));
  MAKES_NOTHING(levada_names, levada_topic_list(bad, true, &out, &error));
  MAKES_NOTHING(levada_topic, levada_topic_describe(bad, "t", &out, &error));
  MAKES_NOTHING(levada_settings, levada_topic_settings(bad, "t", &out, &error));
  REFUSED(levada_topic_alter(bad, "t", NULL, NULL, &error));
  REFUSED(levada_topic_add_partitions(bad, "t", 2, &error));
  REFUSED(levada_topic_offset_for_time(bad, "t", 0, 0, &offset, &error));
  REFUSED(levada_topic_delete_records(bad, "t", 0, 0, &offset, &error));
  REFUSED(levada_archive_run(bad, "t", 0, true, &bytes, &error));
  MAKES_NOTHING(levada_files, levada_archive_list(bad, "t", &out, &error));
  MAKES_NOTHING(levada_producer, levada_producer_new(bad, NULL, &out, &error));
  MAKES_NOTHING(levada_consumer, levada_consumer_new(bad, NULL, &out, &error));
  MAKES_NOTHING(levada_scan, levada_scan_new(bad, "t", &out, &error));
  MAKES_NOTHING(levada_server, levada_server_start(bad, NULL, &out, &error));
  MAKES_NOTHING(levada_names, levada_group_list(bad, &out, &error));
  MAKES_NOTHING(levada_group, levada_group_describe(bad, "g", &out, &error));
  MAKES_NOTHING(levada_positions, levada_group_offsets(bad, "g", &out, &error));
  levada_positions *list = positions();
  REFUSED(levada_group_reset(bad, "g", list, &error));
  levada_positions_free(list);
  REFUSED(levada_group_delete(bad, "g", &error));
  CHECK(bytes == 77 && offset == 77);
}

static void on_delivery(void *u, void *t, int32_t p, int64_t o, int64_t ms, const levada_error *e) {
  CHECK(u == t && p == 0 && o == 0 && ms == 0 && e == NULL && 0);
}

static void bad_producer(void *bad) {
  levada_producer_free(bad);
  CHECK(levada_producer_buffered(bad) == 0);
  REFUSED(levada_producer_send(bad, "t", 0, NULL, 0, "v", 1, &error));
  REFUSED(levada_producer_flush(bad, 0, &error));
  REFUSED(levada_producer_close(bad, 0, &error));
  REFUSED(levada_producer_on_delivery(bad, on_delivery, NULL, &error));
  MAKES_NOTHING(levada_reports, levada_producer_poll(bad, 0, &out, &error));
  MAKES_NOTHING(levada_writer, levada_writer_new(bad, "t", &out, &error));
  REFUSED(levada_producer_begin(bad, &error));
  REFUSED(levada_producer_commit(bad, 0, &error));
  REFUSED(levada_producer_abort(bad, 0, &error));
  REFUSED(levada_producer_send_offsets(bad, bad, NULL, &error));
}

/* Not looked up among all handles: for NULL and live handles of other kinds. */
static void bad_writer(void *bad) {
  const void *values[] = {"v"};
  const size_t sizes[] = {1};
  size_t sent = 77;
  levada_writer_free(bad);
  REFUSED(levada_writer_send(bad, 0, NULL, 0, "v", 1, &error));
  REFUSED(levada_writer_send_record(bad, 0, 0, NULL, NULL, 0, "v", 1, NULL, &error));
  MAKES_NOTHING(levada_delivery, levada_writer_send_tracked(bad, 0, 0, NULL, NULL, 0, "v", 1, &out, &error));
  MAKES_NOTHING(levada_delivery,
                levada_writer_send_many(bad, 0, 1, NULL, NULL, values, sizes, NULL, &out, &sent, &error));
  CHECK(sent == 0);
}

static void on_ready(void *user_data) { CHECK(user_data == NULL && 0); }

static int32_t on_rebalance(void *u, levada_rebalance what, const levada_positions *list) {
  CHECK(u == NULL && what == LEVADA_LOST && list == NULL && 0);
  return LEVADA_OK;
}

static void bad_consumer(void *bad) {
  static const char *const topics[] = {"t", NULL};
  struct ArrowArrayStream stream = {0};
  levada_positions *list = positions();
  int64_t offset = 77;
  levada_consumer_free(bad);
  levada_consumer_wakeup(bad);
  REFUSED(levada_consumer_subscribe(bad, topics, &error));
  REFUSED(levada_consumer_subscribe_pattern(bad, ".*", &error));
  REFUSED(levada_consumer_unsubscribe(bad, &error));
  REFUSED(levada_consumer_assign(bad, list, &error));
  MAKES_NOTHING(levada_positions, levada_consumer_assignment(bad, &out, &error));
  MAKES_NOTHING(levada_batch, levada_consumer_poll(bad, 0, 0, &out, &error));
  REFUSED(levada_consumer_poll_arrow(bad, 0, 0, LEVADA_LAYOUT_VIEW, &stream, &error));
  CHECK(stream.release == NULL);
  REFUSED(levada_consumer_on_ready(bad, on_ready, NULL, &error));
  REFUSED(levada_consumer_close(bad, &error));
  REFUSED(levada_consumer_pause(bad, NULL, &error));
  REFUSED(levada_consumer_resume(bad, NULL, &error));
  REFUSED(levada_consumer_seek(bad, "t", 0, 0, &error));
  REFUSED(levada_consumer_seek_to_time(bad, "t", 0, 0, &error));
  REFUSED(levada_consumer_seek_to_beginning(bad, "t", 0, &error));
  REFUSED(levada_consumer_seek_to_end(bad, "t", 0, &error));
  REFUSED(levada_consumer_position(bad, "t", 0, &offset, &error));
  REFUSED(levada_consumer_committed(bad, "t", 0, &offset, &error));
  MAKES_NOTHING(levada_positions, levada_consumer_lag(bad, &out, &error));
  REFUSED(levada_consumer_commit(bad, NULL, &error));
  MAKES_NOTHING(levada_commit, levada_consumer_commit_async(bad, NULL, &out, &error));
  REFUSED(levada_consumer_on_rebalance(bad, on_rebalance, NULL, &error));
  levada_positions_free(list);
  CHECK(offset == 77);
}

static void bad_scan_or_server(void *bad) {
  struct ArrowArrayStream stream = {0};
  levada_scan_free(bad);
  REFUSED(levada_scan_columns(bad, NULL, &error));
  REFUSED(levada_scan_partition(bad, 0, &error));
  REFUSED(levada_scan_from_offset(bad, 0, 0, &error));
  REFUSED(levada_scan_until_offset(bad, 0, 0, &error));
  REFUSED(levada_scan_from_time(bad, 0, &error));
  REFUSED(levada_scan_until_time(bad, 0, &error));
  REFUSED(levada_scan_committed(bad, true, &error));
  REFUSED(levada_scan_layout(bad, LEVADA_LAYOUT_SMALL, &error));
  REFUSED(levada_scan_stream(bad, &stream, &error));
  CHECK(stream.release == NULL);
  levada_server_free(bad);
  CHECK(levada_server_bootstrap(bad) == NULL);
  CHECK(levada_server_connections(bad) == 0);
  REFUSED(levada_server_stop(bad, 0, &error));
}

static void bad_small_ones(void *bad) {
  levada_delivery_free(bad);
  REFUSED(levada_delivery_wait(bad, 0, &error));
  CHECK(!levada_delivery_is_done(bad));
  CHECK(levada_delivery_partition(bad) == -1);
  CHECK(levada_delivery_offset(bad) == -1 && levada_delivery_timestamp(bad) == -1);
  levada_commit_free(bad);
  REFUSED(levada_commit_wait(bad, 0, &error));
  CHECK(!levada_commit_is_done(bad));
  levada_positions_free(bad);
  REFUSED(levada_positions_add(bad, "t", 0, 0, &error));
  CHECK(levada_positions_count(bad) == 0 && levada_positions_topic(bad, 0) == NULL);
  CHECK(levada_positions_partition(bad, 0) == -1 && levada_positions_offset(bad, 0) == LEVADA_OFFSET_NONE);
  levada_headers_free(bad);
  levada_headers_clear(bad);
  REFUSED(levada_headers_add(bad, "h", "v", 1, &error));
  CHECK(levada_headers_count(bad) == 0);
}

static void bad_results(void *bad) {
  levada_error_free(bad);
  CHECK(levada_error_status(bad) == LEVADA_OK && levada_error_kafka_code(bad) == 0);
  CHECK(strcmp(levada_error_message(bad), "") == 0 && !levada_error_is_retriable(bad));
  levada_logger_free(bad);
  levada_text_free(bad);
  CHECK(levada_text_data(bad) == NULL && levada_text_size(bad) == 0);
  levada_names_free(bad);
  CHECK(levada_names_count(bad) == 0 && levada_names_get(bad, 0) == NULL);
  levada_settings_free(bad);
  CHECK(levada_settings_count(bad) == 0 && levada_settings_name(bad, 0) == NULL);
  CHECK(levada_settings_value(bad, 0) == NULL && levada_settings_source(bad, 0) == NULL);
  levada_topic_free(bad);
  CHECK(levada_topic_name(bad) == NULL && levada_topic_id(bad) == NULL && levada_topic_created(bad) == -1);
  CHECK(!levada_topic_is_internal(bad) && levada_topic_partition_count(bad) == 0);
  CHECK(levada_topic_start_offset(bad, 0) == LEVADA_OFFSET_NONE);
  CHECK(levada_topic_end_offset(bad, 0) == LEVADA_OFFSET_NONE);
  CHECK(levada_topic_durable_offset(bad, 0) == LEVADA_OFFSET_NONE && levada_topic_size(bad, 0) == -1);
  levada_files_free(bad);
  CHECK(levada_files_count(bad) == 0 && levada_files_path(bad, 0) == NULL && levada_files_size(bad, 0) == -1);
  CHECK(levada_files_partition(bad, 0) == -1);
  CHECK(levada_files_first_offset(bad, 0) == -1 && levada_files_next_offset(bad, 0) == -1);
  levada_reports_free(bad);
  CHECK(levada_reports_count(bad) == 0 && levada_reports_tag(bad, 0) == NULL);
  CHECK(levada_reports_partition(bad, 0) == -1 && levada_reports_offset(bad, 0) == -1);
  CHECK(levada_reports_timestamp(bad, 0) == -1 && levada_reports_error(bad, 0) == NULL);
  levada_group_free(bad);
  CHECK(levada_group_state(bad) == NULL && levada_group_epoch(bad) == -1 && levada_group_member_count(bad) == 0);
  CHECK(levada_group_member_id(bad, 0) == NULL && levada_group_member_client_id(bad, 0) == NULL);
  CHECK(levada_group_member_partitions(bad, 0) == NULL);
}

/* As for writers. */
static void bad_batch(void *bad) {
  size_t size = 77;
  levada_batch_free(bad);
  CHECK(levada_batch_count(bad) == 0 && levada_batch_topic(bad, 0) == NULL && levada_batch_partition(bad, 0) == -1);
  CHECK(levada_batch_offset(bad, 0) == -1 && levada_batch_timestamp(bad, 0) == -1);
  CHECK(levada_batch_key(bad, 0, &size) == NULL && levada_batch_value(bad, 0, &size) == NULL);
  CHECK(levada_batch_header_count(bad, 0) == 0 && levada_batch_header_name(bad, 0, 0, &size) == NULL);
  CHECK(levada_batch_header_value(bad, 0, 0, &size) == NULL && size == 77);
  CHECK(levada_batch_offsets(bad) == NULL && levada_batch_timestamps(bad) == NULL);
  CHECK(levada_batch_partitions(bad) == NULL && levada_batch_keys(bad) == NULL);
  CHECK(levada_batch_values(bad) == NULL && levada_batch_key_sizes(bad) == NULL);
  CHECK(levada_batch_value_sizes(bad) == NULL);
}

static void looked_up(void *bad) {
  bad_database(bad);
  bad_producer(bad);
  bad_consumer(bad);
  bad_scan_or_server(bad);
  bad_small_ones(bad);
  bad_results(bad);
}

static void strays(void) {
  union {
    char bytes[64];
    void *aligned;
  } place = {{0}};
  levada_positions *freed = positions();
  levada_positions_free(freed);
  looked_up(freed);
  looked_up((void *)1);
  looked_up((void *)(uintptr_t)-1);
  looked_up((void *)(uintptr_t)"a constant text");
  looked_up(&place);
  looked_up(&place.bytes[3]);
}

/* Of another kind: an error object stands for all of them, and then a list for the error object. */
static void other_kinds(void) {
  levada_error *live = NULL;
  CHECK(levada_database_close(NULL, &live) == LEVADA_INVALID);
  bad_database(live);
  bad_producer(live);
  bad_consumer(live);
  bad_scan_or_server(live);
  bad_small_ones(live);
  bad_writer(live);
  bad_batch(live);
  CHECK(strstr(levada_error_message(live), "NULL") != NULL);
  levada_error_free(live);
  levada_positions *list = positions();
  bad_results(list);
  CHECK(levada_positions_count(list) == 0);
  levada_positions_free(list);
}

int main(int argc, char **argv) {
  begin(argc, argv);
  says = "NULL";
  looked_up(NULL);
  bad_writer(NULL);
  bad_batch(NULL);
  says = "freed";
  strays();
  other_kinds();
  return end();
}
