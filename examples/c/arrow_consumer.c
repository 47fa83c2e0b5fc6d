/* Arrow without an Arrow library: its C structs are in levada.h, and columns are arrays.
 *
 *   cc -std=c99 arrow_consumer.c $(pkg-config --cflags --libs levada) -o arrow_consumer
 *   ./arrow_consumer DIRECTORY TOPIC
 *
 * Scans a topic and prints one line of JSON: how many records it has, and what their values add up to that are
 * numbers as text, such as those of sensor_logger.c.
 */
#include <inttypes.h>
#include <levada.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A number as text, and its NUL. */
#define TEXT_SIZE 32

struct totals {
  int64_t records;
  /* Values that are no number: null among them. */
  int64_t others;
  double sum;
};

/* One bit a row, the lowest first; no bitmap at all says that no row is null. `offset` is where the array begins
 * within its buffers: a slice of another has one. */
static bool is_null(const struct ArrowArray *column, int64_t row) {
  const uint8_t *bits = column->buffers[0];
  int64_t at = column->offset + row;

  return bits != NULL && (bits[at / 8] >> (at % 8) & 1) == 0;
}

/* A binary column is bytes one after the other, and where each row of them begins and ends. */
static bool number_of(const struct ArrowArray *column, int64_t row, double *out_number) {
  const int64_t *ends = (const int64_t *)column->buffers[1] + column->offset;
  const char *bytes = column->buffers[2];
  int64_t size = ends[row + 1] - ends[row];
  char text[TEXT_SIZE];
  char *end = NULL;

  if (is_null(column, row) || size == 0 || size >= TEXT_SIZE) return false;
  memcpy(text, bytes + ends[row], (size_t)size);
  text[size] = '\0';
  *out_number = strtod(text, &end);
  return *end == '\0';
}

static void add(const struct ArrowArray *batch, struct totals *totals) {
  /* A record batch is a struct: one child a column, in the order that was asked for. */
  const struct ArrowArray *values = batch->children[0];
  double number;
  int64_t row;

  for (row = 0; row < batch->length; row++) {
    if (number_of(values, row, &number)) {
      totals->sum += number;
    } else {
      totals->others++;
    }
  }
  totals->records += batch->length;
}

/* Reads a stream to its end. Its functions give 0 or a number of errno, and the text says the rest. */
static bool add_all(struct ArrowArrayStream *stream, struct totals *totals) {
  struct ArrowArray batch;

  for (;;) {
    if (stream->get_next(stream, &batch) != 0) {
      fprintf(stderr, "reading: %s\n", stream->get_last_error(stream));
      return false;
    }
    /* A released array is the end. */
    if (batch.release == NULL) return true;
    add(&batch, totals);
    batch.release(&batch);
  }
}

static levada_status open_stream(levada_database *database, const char *topic, struct ArrowArrayStream *out_stream,
                                 levada_error **out_error) {
  static const char *const columns[] = {"value", NULL};
  levada_scan *scan = NULL;
  levada_status status;

  status = levada_scan_new(database, topic, &scan, out_error);
  if (status != LEVADA_OK) goto done;
  status = levada_scan_columns(scan, columns, out_error);
  if (status != LEVADA_OK) goto done;
  /* Views, the default, need no copy and more code here. */
  status = levada_scan_layout(scan, LEVADA_LAYOUT_LARGE, out_error);
  if (status != LEVADA_OK) goto done;
  status = levada_scan_stream(scan, out_stream, out_error);

done:
  /* The stream outlives it. */
  levada_scan_free(scan);
  return status;
}

int main(int argc, char **argv) {
  struct ArrowArrayStream stream = {NULL, NULL, NULL, NULL, NULL};
  struct totals totals = {0, 0, 0};
  levada_database *database = NULL;
  levada_error *error = NULL;
  int result = EXIT_FAILURE;

  if (argc != 3) {
    fprintf(stderr, "usage: %s DIRECTORY TOPIC\n", argv[0]);
    return 2;
  }
  if (levada_database_open(argv[1], NULL, &database, &error) != LEVADA_OK) goto done;
  if (open_stream(database, argv[2], &stream, &error) != LEVADA_OK) goto done;
  if (!add_all(&stream, &totals)) goto done;
  printf("{\"records\": %" PRId64 ", \"others\": %" PRId64 ", \"sum\": %.3f}\n", totals.records, totals.others,
         totals.sum);
  result = EXIT_SUCCESS;

done:
  if (stream.release != NULL) stream.release(&stream);
  levada_database_free(database);
  if (error != NULL) fprintf(stderr, "%s\n", levada_error_message(error));
  levada_error_free(error);
  return result;
}
