/* A hand-made Arrow stream of one record batch after the other, which counts what is released. */
#ifndef ROWS_STREAM_H
#define ROWS_STREAM_H

#include "support.h"

#define COLUMNS_MAX 5

/* One column of at most a few values: its buffers are those of Arrow, as its format wants them. */
typedef struct column {
  const char *name;
  const char *format;
  int64_t flags;
  int64_t buffer_count;
  const void *buffers[3];
  /* For a list of structs: the offsets are in `buffers`, the two columns of the struct here. */
  const struct column *pair;
  int64_t pair_length;
} column;

typedef struct rows {
  const column *columns;
  int column_count;
  int64_t length;
  int batches;
  /* What is given instead of a batch, or of the schema. */
  int fails_with, schema_fails_with;
  /* So many columns are missing in the arrays. */
  int missing;
  const char *says;
  /* What is alive. */
  int schemas, arrays, streams, released;
} rows;

static inline void release_schema(struct ArrowSchema *schema) {
  rows *of = schema->private_data;
  for (int64_t i = 0; i < schema->n_children; i++) {
    if (schema->children[i]->release != NULL) schema->children[i]->release(schema->children[i]);
    free(schema->children[i]);
  }
  free(schema->children);
  of->schemas--;
  schema->release = NULL;
}

static inline void release_array(struct ArrowArray *array) {
  rows *of = array->private_data;
  for (int64_t i = 0; i < array->n_children; i++) {
    if (array->children[i]->release != NULL) array->children[i]->release(array->children[i]);
    free(array->children[i]);
  }
  free(array->children);
  free(array->buffers);
  of->arrays--;
  array->release = NULL;
}

static inline void make_schema(rows *of, struct ArrowSchema *out, const char *name, const char *format,
                               int64_t flags, int64_t children) {
  static const struct ArrowSchema EMPTY;
  *out = EMPTY;
  out->format = format;
  out->name = name;
  out->flags = flags;
  out->n_children = children;
  out->children = calloc((size_t)children + 1, sizeof *out->children);
  for (int64_t i = 0; i < children; i++) out->children[i] = malloc(sizeof **out->children);
  out->release = release_schema;
  out->private_data = of;
  of->schemas++;
}

static inline void make_array(rows *of, struct ArrowArray *out, int64_t length, int64_t buffers,
                              int64_t children) {
  static const struct ArrowArray EMPTY;
  *out = EMPTY;
  out->length = length;
  out->null_count = -1;
  out->n_buffers = buffers;
  out->buffers = calloc((size_t)buffers + 1, sizeof *out->buffers);
  out->n_children = children;
  out->children = calloc((size_t)children + 1, sizeof *out->children);
  for (int64_t i = 0; i < children; i++) out->children[i] = malloc(sizeof **out->children);
  out->release = release_array;
  out->private_data = of;
  of->arrays++;
}

static inline void column_schema(rows *of, struct ArrowSchema *out, const column *from) {
  make_schema(of, out, from->name, from->format, from->flags, from->pair == NULL ? 0 : 1);
  if (from->pair != NULL) {
    make_schema(of, out->children[0], "element", "+s", 0, 2);
    for (int i = 0; i < 2; i++) column_schema(of, out->children[0]->children[i], &from->pair[i]);
  }
}

static inline void column_array(rows *of, struct ArrowArray *out, const column *from, int64_t length) {
  make_array(of, out, length, from->buffer_count, from->pair == NULL ? 0 : 1);
  for (int64_t i = 0; i < from->buffer_count; i++) out->buffers[i] = from->buffers[i];
  if (from->pair != NULL) {
    make_array(of, out->children[0], from->pair_length, 1, 2);
    for (int i = 0; i < 2; i++) {
      column_array(of, out->children[0]->children[i], &from->pair[i], from->pair_length);
    }
  }
}

static inline int rows_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out) {
  rows *of = stream->private_data;
  if (of->schema_fails_with != 0) return of->schema_fails_with;
  make_schema(of, out, "", "+s", 0, of->column_count);
  for (int i = 0; i < of->column_count; i++) column_schema(of, out->children[i], &of->columns[i]);
  return 0;
}

static inline int rows_next(struct ArrowArrayStream *stream, struct ArrowArray *out) {
  static const struct ArrowArray END;
  rows *of = stream->private_data;
  if (of->batches == 0 && of->fails_with != 0) return of->fails_with;
  *out = END;
  if (of->batches-- <= 0) return 0;
  make_array(of, out, of->length, 1, of->column_count - of->missing);
  for (int i = 0; i < of->column_count - of->missing; i++) column_array(of, out->children[i], &of->columns[i], of->length);
  return 0;
}

static inline const char *rows_error(struct ArrowArrayStream *stream) {
  return ((rows *)stream->private_data)->says;
}

static inline void rows_release(struct ArrowArrayStream *stream) {
  rows *of = stream->private_data;
  of->streams--;
  of->released++;
  stream->release = NULL;
}

static inline struct ArrowArrayStream rows_stream(rows *of) {
  struct ArrowArrayStream stream = {rows_schema, rows_next, rows_error, rows_release, of};
  of->streams++;
  return stream;
}

#endif
