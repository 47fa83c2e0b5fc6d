
/**
 * @file levada.h
 * @brief Levada in the process: topics, producers, consumers, scans, and a broker for every Kafka client.
 *
 * Rules that hold for all functions:
 *
 * - A function that can fail gives a levada_status, LEVADA_OK when it was done. Its last argument, which may be
 *   NULL, is where an error object goes when it was not: free that with levada_error_free(). On success the
 *   place is left alone.
 * - Places for answers (`out_`) are written on success alone.
 * - Handles are opaque. What a function makes belongs to the caller, who frees it with the `_free` of its kind.
 *   Freeing NULL, or the same handle twice, does nothing, as long as its memory was not given to another handle
 *   since. Handles may be freed in any order.
 * - NULL, a freed handle and a handle of another kind give LEVADA_INVALID. Functions that are called for every
 *   record (levada_writer_ and levada_batch_) see that for NULL and for live handles of other kinds alone.
 * - Texts that go in are NUL-terminated UTF-8 and are copied. Texts that come out are borrowed from the handle they
 *   were asked of, and valid until it is freed.
 * - Bytes are a pointer and a size. A NULL pointer with size 0 is Kafka's null, another pointer with size 0 is empty.
 * - Settings are keys and values in turns, closed by NULL: `{"linger.ms", "5", "acks", "all", NULL}`; NULL is none.
 * - Times to wait are milliseconds: 0 does not wait, a negative one waits for ever. Moments are milliseconds since
 *   1970 UTC.
 * - Handles may be used by any number of threads at once, where their type does not say otherwise.
 * - After a fork, the child has no use of handles that its parent made: they give LEVADA_CLOSED. It may open others.
 * - Nothing unwinds into the program, nothing is printed, and no bad call ends the process.
 */

/** The version of this header: major * 65536 + minor * 256 + patch, as levada_version_number() gives it. */
#define LEVADA_VERSION_NUMBER 0x000100

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

/** Arrow's C data interface: a type. Every library that speaks Arrow declares the same. */
struct ArrowSchema {
  const char *format;
  const char *name;
  const char *metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema **children;
  struct ArrowSchema *dictionary;
  void (*release)(struct ArrowSchema *);
  void *private_data;
};

/** Arrow's C data interface: data. Every library that speaks Arrow declares the same. */
struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void **buffers;
  struct ArrowArray **children;
  struct ArrowArray *dictionary;
  void (*release)(struct ArrowArray *);
  void *private_data;
};

#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

/** Arrow's C stream interface: a schema, and arrays one after the other. */
struct ArrowArrayStream {
  int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
  int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
  const char *(*get_last_error)(struct ArrowArrayStream *);
  void (*release)(struct ArrowArrayStream *);
  void *private_data;
};

#endif
