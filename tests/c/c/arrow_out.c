/* Scans and polls as Arrow streams, read by nothing but the C structs, in each layout. */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

#define ROWS 6

static const char LONG_TEXT[] = "longer than the twelve bytes that lie in a view itself";
static const char *const KEYS[ROWS] = {"k", NULL, "", LONG_TEXT, NULL, "k"};
static const char *const VALUES[ROWS] = {LONG_TEXT, "one", NULL, "", "four", LONG_TEXT};

static int is_valid(const struct ArrowArray *array, int64_t row) {
  const uint8_t *bits = array->buffers[0];
  int64_t at = array->offset + row;
  return bits == NULL || (bits[at / 8] >> (at % 8) & 1);
}

/* A cell of bytes or text, however it lies; NULL is null. */
static const char *cell(const char *format, const struct ArrowArray *array, int64_t row, size_t *size) {
  int64_t at = array->offset + row;
  if (!is_valid(array, row)) return NULL;
  if (format[0] == 'v') {
    const char *view = (const char *)array->buffers[1] + 16 * at;
    int32_t length, buffer, offset;
    memcpy(&length, view, 4);
    *size = (size_t)length;
    if (length <= 12) return view + 4;
    memcpy(&buffer, view + 8, 4);
    memcpy(&offset, view + 12, 4);
    CHECK(buffer >= 0 && buffer < array->n_buffers - 3);
    CHECK(memcmp((const char *)array->buffers[2 + buffer] + offset, view + 4, 4) == 0);
    return (const char *)array->buffers[2 + buffer] + offset;
  }
  int64_t from, until;
  if (format[0] == 'Z' || format[0] == 'U') {
    from = ((const int64_t *)array->buffers[1])[at];
    until = ((const int64_t *)array->buffers[1])[at + 1];
  } else {
    from = ((const int32_t *)array->buffers[1])[at];
    until = ((const int32_t *)array->buffers[1])[at + 1];
  }
  *size = (size_t)(until - from);
  return until == from ? "" : (const char *)array->buffers[2] + from;
}

static int is_cell(const char *format, const struct ArrowArray *array, int64_t row, const char *text) {
  size_t size = 77;
  const char *bytes = cell(format, array, row, &size);
  return text == NULL ? bytes == NULL : is_text(bytes, size, text);
}

static int column(const struct ArrowSchema *schema, const char *name, const char *format) {
  for (int i = 0; i < schema->n_children; i++) {
    if (strcmp(schema->children[i]->name, name) == 0) {
      CHECK(strncmp(schema->children[i]->format, format, strlen(format)) == 0);
      return i;
    }
  }
  return -1;
}

/* Header n of row n: none of the first, and one more of each that follows up to two. */
static void headers_are(const struct ArrowSchema *schema, const struct ArrowArray *list, int64_t row, int number,
                        const char *bytes, const char *text) {
  const int32_t *ends = list->buffers[1];
  int64_t from = ends[list->offset + row], until = ends[list->offset + row + 1];
  const struct ArrowSchema *const *types = (const struct ArrowSchema *const *)schema->children[0]->children;
  const struct ArrowArray *pairs = list->children[0];
  CHECK(strcmp(types[0]->format, text) == 0 && strcmp(types[1]->format, bytes) == 0);
  CHECK(until - from == number % 3);
  for (int64_t i = from; i < until; i++) {
    CHECK(is_cell(text, pairs->children[0], pairs->offset + i, i == from ? "first" : "second"));
    CHECK(is_cell(bytes, pairs->children[1], pairs->offset + i, i == from ? LONG_TEXT : NULL));
  }
}

static void fill_rows(levada_database *database, const char *topic, int32_t partition) {
  levada_producer *producer = new_producer(database, NULL);
  levada_writer *writer = new_writer(producer, topic);
  levada_headers *headers = NULL;
  OK(levada_headers_new(&headers, &error));
  for (int i = 0; i < ROWS; i++) {
    size_t key = KEYS[i] == NULL ? 0 : strlen(KEYS[i]), value = VALUES[i] == NULL ? 0 : strlen(VALUES[i]);
    levada_headers_clear(headers);
    if (i % 3 > 0) OK(levada_headers_add(headers, "first", LONG_TEXT, strlen(LONG_TEXT), &error));
    if (i % 3 > 1) OK(levada_headers_add(headers, "second", NULL, 0, &error));
    OK(levada_writer_send_record(writer, partition, 1000 + i, headers, KEYS[i], key, VALUES[i], value, NULL, &error));
  }
  flush(producer);
  levada_headers_free(headers);
  levada_writer_free(writer);
  levada_producer_free(producer);
}

static levada_scan *scan_of(levada_database *database, const char *topic) {
  levada_scan *scan = NULL;
  OK(levada_scan_new(database, topic, &scan, &error));
  CHECK(scan != NULL);
  return scan;
}

/* Reads a stream to its end and releases it. What columns there are say what was sent; gives how many rows there
 * were, and in `first` the number of the first. */
static int64_t read_rows(struct ArrowArrayStream *stream, const char *bytes, const char *text, int64_t *first) {
  struct ArrowSchema schema;
  struct ArrowArray batch;
  int64_t count = 0, next[2] = {-1, -1};
  CHECK(stream->get_schema(stream, &schema) == 0);
  CHECK(strcmp(schema.format, "+s") == 0);
  int partition = column(&schema, "partition", "i"), offset = column(&schema, "offset", "l");
  int timestamp = column(&schema, "timestamp", "tsu:"), headers = column(&schema, "headers", "+l");
  int key = column(&schema, "key", bytes), value = column(&schema, "value", bytes);
  CHECK(offset >= 0);
  for (;;) {
    CHECK(stream->get_next(stream, &batch) == 0);
    if (batch.release == NULL) break;
    CHECK(batch.n_children == schema.n_children && batch.offset == 0 && batch.length > 0);
    struct ArrowArray **columns = batch.children;
    for (int64_t row = 0; row < batch.length; row++, count++) {
      const struct ArrowArray *offsets = columns[offset];
      int64_t at = ((const int64_t *)offsets->buffers[1])[offsets->offset + row];
      int32_t which = partition < 0 ? 0 : ((const int32_t *)columns[partition]->buffers[1])[columns[partition]->offset + row];
      CHECK(which == 0 || which == 1);
      CHECK(next[which] < 0 || next[which] == at);
      if (count == 0) *first = at;
      next[which] = at + 1;
      if (key >= 0) CHECK(is_cell(bytes, columns[key], row, KEYS[at]));
      if (value >= 0) CHECK(is_cell(bytes, columns[value], row, VALUES[at]));
      if (headers >= 0) headers_are(schema.children[headers], columns[headers], row, (int)at, bytes, text);
      if (timestamp >= 0) {
        const int64_t *micros = columns[timestamp]->buffers[1];
        CHECK(micros[columns[timestamp]->offset + row] == 1000000 + 1000 * at);
      }
    }
    batch.release(&batch);
    CHECK(batch.release == NULL);
  }
  CHECK(stream->get_next(stream, &batch) == 0 && batch.release == NULL);
  schema.release(&schema);
  stream->release(stream);
  CHECK(stream->release == NULL);
  return count;
}

static int64_t scanned(levada_scan *scan, int64_t *first) {
  struct ArrowArrayStream stream;
  OK(levada_scan_stream(scan, &stream, &error));
  return read_rows(&stream, "vz", "vu", first);
}

static void each_layout(levada_database *database) {
  static const char *const formats[][2] = {{"vz", "vu"}, {"Z", "U"}, {"z", "u"}};
  for (int32_t layout = LEVADA_LAYOUT_VIEW; layout <= LEVADA_LAYOUT_SMALL; layout++) {
    levada_scan *scan = scan_of(database, "t");
    struct ArrowArrayStream stream;
    int64_t first = -1;
    OK(levada_scan_layout(scan, layout, &error));
    OK(levada_scan_stream(scan, &stream, &error));
    CHECK(read_rows(&stream, formats[layout][0], formats[layout][1], &first) == 2 * ROWS && first == 0);
    levada_scan_free(scan);

    levada_consumer *consumer = new_consumer(database, NULL);
    assign(consumer, "t", 0, 0);
    for (int64_t next = 0; next < ROWS;) {
      OK(levada_consumer_poll_arrow(consumer, 0, LONG, layout, &stream, &error));
      int64_t count = read_rows(&stream, formats[layout][0], formats[layout][1], &first);
      CHECK(count > 0 && first == next);
      next += count;
    }
    OK(levada_consumer_poll_arrow(consumer, 0, 0, layout, &stream, &error));
    struct ArrowArray batch;
    CHECK(stream.get_next(&stream, &batch) == 0 && batch.release == NULL);
    CHECK(stream.get_last_error(&stream) == NULL);
    stream.release(&stream);
    levada_consumer_free(consumer);
  }
}

static void what_was_asked_for(levada_database *database) {
  static const char *const two[] = {"offset", "key", NULL};
  levada_scan *scan = scan_of(database, "t");
  struct ArrowArrayStream stream;
  struct ArrowSchema schema;
  int64_t first;
  OK(levada_scan_partition(scan, 1, &error));
  CHECK(scanned(scan, &first) == ROWS);
  OK(levada_scan_from_offset(scan, 1, 2, &error));
  OK(levada_scan_until_offset(scan, 1, 5, &error));
  CHECK(scanned(scan, &first) == 3 && first == 2);
  OK(levada_scan_columns(scan, two, &error));
  OK(levada_scan_stream(scan, &stream, &error));
  CHECK(stream.get_schema(&stream, &schema) == 0);
  CHECK(schema.n_children == 2 && strcmp(schema.children[0]->name, "offset") == 0);
  schema.release(&schema);
  CHECK(read_rows(&stream, "vz", "vu", &first) == 3 && first == 2);
  levada_scan_free(scan);

  scan = scan_of(database, "t");
  OK(levada_scan_from_time(scan, 1004, &error));
  CHECK(scanned(scan, &first) == 4 && first == 4);
  OK(levada_scan_until_time(scan, 1005, &error));
  CHECK(scanned(scan, &first) == 2 && first == 4);
  OK(levada_scan_until_time(scan, 0, &error));
  CHECK(scanned(scan, &first) == 0);
  /* One that is not read to its end. */
  struct ArrowArray batch;
  OK(levada_scan_from_time(scan, 0, &error));
  OK(levada_scan_until_time(scan, INT64_MAX, &error));
  OK(levada_scan_stream(scan, &stream, &error));
  levada_scan_free(scan);
  CHECK(stream.get_next(&stream, &batch) == 0 && batch.length > 0);
  stream.release(&stream);
  CHECK(batch.children[0]->length == batch.length);
  batch.release(&batch);
}

static void several_topics(levada_database *database) {
  static const char *const topics[] = {"t", "aborted", NULL};
  levada_consumer *consumer = new_consumer(database, NULL);
  struct ArrowArrayStream stream;
  struct ArrowSchema schema;
  struct ArrowArray batch;
  int64_t count = 0;
  OK(levada_consumer_subscribe(consumer, topics, &error));
  OK(levada_consumer_seek_to_beginning(consumer, NULL, 0, &error));
  while (count < 2 * ROWS) {
    OK(levada_consumer_poll_arrow(consumer, SIZE_MAX, LONG, LEVADA_LAYOUT_SMALL, &stream, &error));
    CHECK(stream.get_schema(&stream, &schema) == 0);
    CHECK(column(&schema, "topic", "u") == 0);
    for (;;) {
      CHECK(stream.get_next(&stream, &batch) == 0);
      if (batch.release == NULL) break;
      CHECK(is_cell("u", batch.children[0], 0, "t") || is_cell("u", batch.children[0], 0, "aborted"));
      count += batch.length;
      batch.release(&batch);
    }
    schema.release(&schema);
    stream.release(&stream);
  }
  levada_consumer_free(consumer);
}

/* Records of an aborted transaction are read by who asks for them. */
static void aborted(levada_database *database) {
  static const char *const options[] = {"transactional.id", "tx", NULL};
  levada_producer *producer = new_producer(database, options);
  int64_t first;
  make_topic(database, "aborted", 1);
  OK(levada_producer_begin(producer, &error));
  OK(levada_producer_send(producer, "aborted", 0, "k", 1, LONG_TEXT, strlen(LONG_TEXT), &error));
  flush(producer);
  OK(levada_producer_abort(producer, LONG, &error));
  levada_producer_free(producer);
  static const char *const columns[] = {"offset", "value", NULL};
  levada_scan *scan = scan_of(database, "aborted");
  OK(levada_scan_columns(scan, columns, &error));
  CHECK(scanned(scan, &first) == 0);
  OK(levada_scan_committed(scan, false, &error));
  CHECK(scanned(scan, &first) == 1);
  OK(levada_scan_committed(scan, true, &error));
  CHECK(scanned(scan, &first) == 0);
  levada_scan_free(scan);
}

int main(int argc, char **argv) {
  levada_database *database = open_database(begin(argc, argv), "data");
  make_topic(database, "t", 2);
  fill_rows(database, "t", 0);
  fill_rows(database, "t", 1);
  each_layout(database);
  what_was_asked_for(database);
  aborted(database);
  several_topics(database);
  /* The same from the archive. */
  OK(levada_archive_run(database, "t", LEVADA_PARTITION_ANY, true, NULL, &error));
  each_layout(database);
  what_was_asked_for(database);
  close_database(database);
  return end();
}
