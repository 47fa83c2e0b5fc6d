#ifndef LEVADA_H
#define LEVADA_H

/* Made by cbindgen from bindings/c/src: change the functions there, not this file. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/**
 * Stands for "no offset".
 */
#define LEVADA_OFFSET_NONE -1

/**
 * Stands for "whichever partition": by key, or the one that is being filled. Where a call says so, for all.
 */
#define LEVADA_PARTITION_ANY -1

/**
 * Stands for "now".
 */
#define LEVADA_TIMESTAMP_NOW -1

/**
 * What a call came to, and what to do about it. The numbers never change.
 */
enum levada_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * It was done.
   */
  LEVADA_OK = 0,
  /**
   * The call is wrong: fix it.
   */
  LEVADA_INVALID = 1,
  /**
   * What was named is not there: create it, or name another.
   */
  LEVADA_NOT_FOUND = 2,
  /**
   * What should be made is there already.
   */
  LEVADA_EXISTS = 3,
  /**
   * The offset lies outside of the log: seek.
   */
  LEVADA_OUT_OF_RANGE = 4,
  /**
   * Somebody else was faster: refresh, rejoin or abort.
   */
  LEVADA_CONFLICT = 5,
  /**
   * A newer producer or member took this one's place: stop.
   */
  LEVADA_FENCED = 6,
  /**
   * Rights are missing.
   */
  LEVADA_DENIED = 7,
  /**
   * Not now: retry.
   */
  LEVADA_UNAVAILABLE = 8,
  /**
   * It did not happen within the time given: retry, or allow more time.
   */
  LEVADA_TIMEOUT = 9,
  /**
   * Stored or received bytes are damaged: restore or repair.
   */
  LEVADA_CORRUPT = 10,
  /**
   * The handle is closed: open another.
   */
  LEVADA_CLOSED = 11,
  /**
   * A defect of Levada's own: report it.
   */
  LEVADA_INTERNAL = 12,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum levada_status levada_status;
#else
typedef int32_t levada_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How much a logger hears: its level and those before it.
 */
enum levada_log_level
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Something is lost or broken.
   */
  LEVADA_LOG_ERROR = 1,
  /**
   * Something went wrong and was dealt with.
   */
  LEVADA_LOG_WARN = 2,
  /**
   * What a person who runs the program wants to know.
   */
  LEVADA_LOG_INFO = 3,
  /**
   * What a person who looks for a fault wants to know.
   */
  LEVADA_LOG_DEBUG = 4,
  /**
   * Everything.
   */
  LEVADA_LOG_TRACE = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum levada_log_level levada_log_level;
#else
typedef int32_t levada_log_level;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What happened to the partitions that a rebalance callback is told of.
 */
enum levada_rebalance
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * They are this member's from now on; their positions may still be sought.
   */
  LEVADA_ASSIGNED = 1,
  /**
   * They are about to go to others: the last moment to commit for them. With `enable.auto.commit` that was
   * done already.
   */
  LEVADA_REVOKED = 2,
  /**
   * The group put this member out: others may have them already.
   */
  LEVADA_LOST = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum levada_rebalance levada_rebalance;
#else
typedef int32_t levada_rebalance;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How bytes lie in Arrow columns.
 */
enum levada_layout
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * BinaryView: values stay where they lie, for libraries that know it (Arrow 1.4 of the format).
   */
  LEVADA_LAYOUT_VIEW = 0,
  /**
   * LargeBinary, with 64-bit offsets.
   */
  LEVADA_LAYOUT_LARGE = 1,
  /**
   * Binary, with 32-bit offsets: for libraries that know no other. A record batch holds less than 2 GiB then.
   */
  LEVADA_LAYOUT_SMALL = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum levada_layout levada_layout;
#else
typedef int32_t levada_layout;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Records that a poll gave. Read them by their index, from 0 to levada_batch_count(), or as columns. Any
 * number of threads may read one. Free it with levada_batch_free(), also after the consumer or the database.
 *
 * Pointers into a batch are valid until it is freed. The calls that take a batch do not look it up among all
 * handles: hand in one that is not freed before the call has ended.
 */
typedef struct levada_batch levada_batch;

/**
 * A commit on its way. Any thread may wait for it. Free it with levada_commit_free(): nothing is lost by that.
 */
typedef struct levada_commit levada_commit;

/**
 * Reads records from partitions that it was assigned, or that its group gives it. One call at a time: a
 * second thread gets LEVADA_CONFLICT, but for levada_consumer_wakeup(), levada_consumer_close() and
 * levada_consumer_free(). Close it with levada_consumer_close(), free it with levada_consumer_free().
 */
typedef struct levada_consumer levada_consumer;

/**
 * An open data directory: topics, producers, consumers, scans, a broker.
 *
 * Any number of threads may use it at once. Close it with levada_database_close() to learn whether that
 * went well, and free it with levada_database_free(); objects made from it may be freed before or after.
 */
typedef struct levada_database levada_database;

/**
 * A record on its way, or many. Any thread may wait for it. Free it with levada_delivery_free(): nothing is
 * lost by that.
 */
typedef struct levada_delivery levada_delivery;

/**
 * Why a call failed: a status, Kafka's code and a text.
 *
 * A call that fails makes one where its last argument points to, when that is not NULL. It belongs to
 * the caller: free it with levada_error_free(). Its texts live as long as it does.
 */
typedef struct levada_error levada_error;

/**
 * The archive files of a topic at one moment. Free the list with levada_files_free().
 */
typedef struct levada_files levada_files;

/**
 * A group at one moment. Free it with levada_group_free().
 */
typedef struct levada_group levada_group;

/**
 * The headers of one record after the other: names and values, in order, repeats allowed. Free them with
 * levada_headers_free(). One thread at a time.
 */
typedef struct levada_headers levada_headers;

/**
 * Somebody who hears the log of the library. Free it with levada_logger_free().
 */
typedef struct levada_logger levada_logger;

/**
 * Names, in order. Free them with levada_names_free().
 */
typedef struct levada_names levada_names;

/**
 * A list of partitions, each with a topic, a number and an offset (or LEVADA_OFFSET_NONE).
 *
 * Free it with levada_positions_free(). One thread at a time adds; any may read meanwhile.
 */
typedef struct levada_positions levada_positions;

/**
 * Sends records to topics. Any number of threads may use one; records of one thread to one partition keep
 * their order. Close it with levada_producer_close(), free it with levada_producer_free().
 *
 * Sending is quick and does not wait for the disk: records gather in batches, which are written when they
 * are full or `linger.ms` is over. Whoever wants to know that a record is safe flushes, waits for its
 * delivery, or takes reports.
 */
typedef struct levada_producer levada_producer;

/**
 * Outcomes of records. Free them with levada_reports_free().
 */
typedef struct levada_reports levada_reports;

/**
 * What to read of a topic as Arrow. Set what is wanted, then take a stream, as often as one likes. One thread at
 * a time. Free it with levada_scan_free(); streams may outlive it.
 */
typedef struct levada_scan levada_scan;

/**
 * A broker: every Kafka client sees the topics of the database, while this process uses them without a
 * socket. Stop it with levada_server_stop(), free it with levada_server_free(). Any thread may use it.
 */
typedef struct levada_server levada_server;

/**
 * Settings: name, value and where the value comes from. Free them with levada_settings_free().
 */
typedef struct levada_settings levada_settings;

/**
 * A text that the library made. Free it with levada_text_free().
 */
typedef struct levada_text levada_text;

/**
 * A topic as it was at one moment. Free it with levada_topic_free().
 */
typedef struct levada_topic levada_topic;

/**
 * A topic to send to, looked up once: the fast way. Any number of threads may use one. Free it with
 * levada_writer_free(); it may outlive its producer, and gives LEVADA_CLOSED then.
 *
 * The calls that take a writer do not look it up among all handles: hand in one that is not freed before the
 * call has ended.
 */
typedef struct levada_writer levada_writer;

/**
 * Called for each line of the log, on whichever thread it comes up on: be quick, and call nothing of the
 * library that waits. `target` says which part speaks, `message` is one line of UTF-8; both end with the
 * call. What the callback itself makes the library say is not given to anybody.
 */
typedef void (*levada_log_callback)(void *user_data,
                                    levada_log_level level,
                                    const char *target,
                                    const char *message);

/**
 * Called with the outcome of a record: `tag` is what it was sent with, `error` is NULL when it was
 * delivered, and otherwise says why not; it ends with the call. Partition, offset and timestamp are -1 for a
 * record that failed.
 */
typedef void (*levada_delivery_callback)(void *user_data,
                                         void *tag,
                                         int32_t partition,
                                         int64_t offset,
                                         int64_t timestamp_ms,
                                         const struct levada_error *error);

/**
 * Called once when a poll may find something, on any thread, also within the call that leaves it: only tell an
 * event loop.
 */
typedef void (*levada_ready_callback)(void *user_data);

/**
 * Called on the thread that polls, subscribes or closes, within that call. It may use the consumer: seek,
 * commit, pause; not poll it, not subscribe to something else, not free it. `partitions` ends with the call.
 * Gives LEVADA_OK, or a status that the call it was made from then gives; the change is not undone.
 */
typedef int32_t (*levada_rebalance_callback)(void *user_data,
                                             levada_rebalance what,
                                             const struct levada_positions *partitions);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library that runs, such as `"0.1.0"`. It may be newer than the header that the
 * program was compiled with: functions are added, never changed or removed while the soname is the same.
 *
 * Lives for ever. Since 0.1.
 */
const char *levada_version(void);

/**
 * The same as a number: major * 65536 + minor * 256 + patch. Compare it with LEVADA_VERSION_NUMBER of the
 * header.
 *
 * Since 0.1.
 */
uint32_t levada_version_number(void);

/**
 * Whether this build of the library has a part that can be left out: `"archive"` (archive files, scans,
 * Arrow) or `"broker"`. The functions of a part that was left out are there and give LEVADA_INVALID.
 *
 * Since 0.1.
 */
bool levada_has_feature(const char *name);

/**
 * How many handles of this process are not freed yet: 0 at the end of a tidy program.
 *
 * Since 0.1.
 */
size_t levada_handle_count(void);

/**
 * The name of a status: `"LEVADA_TIMEOUT"`; `""` for a number that is none.
 *
 * Lives for ever. Since 0.1.
 */
const char *levada_status_name(int32_t status);

/**
 * What to do about it. LEVADA_OK when `error` is NULL or freed.
 *
 * Since 0.1.
 */
levada_status levada_error_status(const struct levada_error *error);

/**
 * Kafka's error code, which a client on the wire would see (org.apache.kafka.common.protocol.Errors). 0
 * when `error` is NULL or freed.
 *
 * Since 0.1.
 */
int16_t levada_error_kafka_code(const struct levada_error *error);

/**
 * What happened, where, and what to do; for people, in UTF-8. Programs look at the status.
 *
 * Borrowed: valid until `error` is freed. `""` when `error` is NULL or freed. Since 0.1.
 */
const char *levada_error_message(const struct levada_error *error);

/**
 * Whether the same call may succeed later without a change: LEVADA_UNAVAILABLE and LEVADA_TIMEOUT.
 *
 * Since 0.1.
 */
bool levada_error_is_retriable(const struct levada_error *error);

/**
 * Frees an error. NULL and a second time do nothing.
 *
 * Since 0.1.
 */
void levada_error_free(struct levada_error *error);

/**
 * Has `callback` hear what the library does from now on, up to `level` (one of levada_log_level), with
 * `user_data` each time. Several loggers hear side by side. Without one nothing is said, and nothing is
 * ever printed.
 *
 * The logger belongs to the caller: free it with levada_logger_free(). LEVADA_INVALID: no callback, a level
 * that is none. Since 0.1.
 */
levada_status levada_logger_new(int32_t level,
                                levada_log_callback callback,
                                void *user_data,
                                struct levada_logger **out_logger,
                                struct levada_error **out_error);

/**
 * Frees a logger. When this returns, its callback has ended and is not called again; made from a log callback,
 * calls under way go on. NULL and a second time do nothing.
 *
 * Since 0.1.
 */
void levada_logger_free(struct levada_logger *logger);

/**
 * The text, NUL-terminated UTF-8.
 *
 * Borrowed: valid until `text` is freed. NULL when `text` is NULL or freed. Since 0.1.
 */
const char *levada_text_data(const struct levada_text *text);

/**
 * How many bytes the text has, without its NUL.
 *
 * Since 0.1.
 */
size_t levada_text_size(const struct levada_text *text);

/**
 * Frees a text. NULL and a second time do nothing.
 *
 * Since 0.1.
 */
void levada_text_free(struct levada_text *text);

/**
 * How many names there are.
 *
 * Since 0.1.
 */
size_t levada_names_count(const struct levada_names *names);

/**
 * The name at `index`, from 0 on; NULL beyond the end.
 *
 * Borrowed: valid until `names` is freed. Since 0.1.
 */
const char *levada_names_get(const struct levada_names *names, size_t index);

/**
 * Frees names. NULL and a second time do nothing.
 *
 * Since 0.1.
 */
void levada_names_free(struct levada_names *names);

/**
 * How many settings there are.
 *
 * Since 0.1.
 */
size_t levada_settings_count(const struct levada_settings *settings);

/**
 * The name of the setting at `index`, such as `"retention.ms"`; NULL beyond the end.
 *
 * Borrowed: valid until `settings` is freed. Since 0.1.
 */
const char *levada_settings_name(const struct levada_settings *settings, size_t index);

/**
 * The value of the setting at `index`; NULL where it has none, and beyond the end.
 *
 * Borrowed: valid until `settings` is freed. Since 0.1.
 */
const char *levada_settings_value(const struct levada_settings *settings, size_t index);

/**
 * Where the value at `index` comes from, as Kafka names it: `"DYNAMIC_TOPIC_CONFIG"`,
 * `"STATIC_BROKER_CONFIG"`, `"DEFAULT_CONFIG"`; NULL beyond the end.
 *
 * Borrowed: valid until `settings` is freed. Since 0.1.
 */
const char *levada_settings_source(const struct levada_settings *settings, size_t index);

/**
 * Frees settings. NULL and a second time do nothing.
 *
 * Since 0.1.
 */
void levada_settings_free(struct levada_settings *settings);

/**
 * Makes an empty list.
 *
 * The list belongs to the caller: free it with levada_positions_free(). Since 0.1.
 */
levada_status levada_positions_new(struct levada_positions **out_positions,
                                   struct levada_error **out_error);

/**
 * Adds a partition at the end. `topic` is copied; `offset` may be LEVADA_OFFSET_NONE.
 *
 * LEVADA_INVALID: a negative partition, an offset below LEVADA_OFFSET_NONE. Since 0.1.
 */
levada_status levada_positions_add(struct levada_positions *positions,
                                   const char *topic,
                                   int32_t partition,
                                   int64_t offset,
                                   struct levada_error **out_error);

/**
 * How many partitions the list has.
 *
 * Since 0.1.
 */
size_t levada_positions_count(const struct levada_positions *positions);

/**
 * The topic at `index`, from 0 on; NULL beyond the end.
 *
 * Borrowed: valid until `positions` is freed. Since 0.1.
 */
const char *levada_positions_topic(const struct levada_positions *positions, size_t index);

/**
 * The partition at `index`; -1 beyond the end.
 *
 * Since 0.1.
 */
int32_t levada_positions_partition(const struct levada_positions *positions, size_t index);

/**
 * The offset at `index`, which may be LEVADA_OFFSET_NONE, as it is beyond the end.
 *
 * Since 0.1.
 */
int64_t levada_positions_offset(const struct levada_positions *positions, size_t index);

/**
 * Frees a list. NULL and a second time do nothing.
 *
 * Since 0.1.
 */
void levada_positions_free(struct levada_positions *positions);

/**
 * Opens the data directory at `path`, and makes it when it is not there; `":memory:"` is a database in
 * memory, which ends with it. One process at a time has a directory open; after a crash it is recovered
 * here.
 *
 * `options` are keys and values in turns, closed by NULL, or NULL: broker settings under Kafka's names
 * (`"log.retention.ms"`), and `"levada.archive.dir"` (where archive files go; default: `archive` below
 * `path`).
 *
 * The database belongs to the caller: free it with levada_database_free(). LEVADA_INVALID: not a data
 * directory, a newer format, a bad setting. LEVADA_CONFLICT: open elsewhere; the message names the
 * process. LEVADA_DENIED: not writable. LEVADA_CORRUPT. Since 0.1.
 */
levada_status levada_database_open(const char *path,
                                   const char *const *options,
                                   struct levada_database **out_database,
                                   struct levada_error **out_error);

/**
 * Ends background work, makes everything durable and closes the directory, which another process may open
 * then. Close producers before: what they have not delivered fails. Everything made from the database gives
 * LEVADA_CLOSED from here on. A second close does nothing.
 *
 * Since 0.1.
 */
levada_status levada_database_close(struct levada_database *database,
                                    struct levada_error **out_error);

/**
 * Frees the handle. The directory is closed when nothing made from the database is left, if it was not
 * closed before. NULL and a second time do nothing.
 *
 * Since 0.1.
 */
void levada_database_free(struct levada_database *database);

/**
 * What the database is doing, as JSON: an object with `version`, `cluster_id`, `topics` (each with its
 * partitions: `start`, `end`, `bytes` where they are known without opening an idle partition), `groups`,
 * `appends` and `syncs` (counts and seconds), `jobs` of background work, and `recovery` (what the open did).
 * Keys are added in time, none changes its meaning.
 *
 * The text belongs to the caller: free it with levada_text_free(). Since 0.1.
 */
levada_status levada_database_stats(struct levada_database *database,
                                    struct levada_text **out_json,
                                    struct levada_error **out_error);

/**
 * Runs a job of background work now and waits for it: `"remove"`, `"roll"`, `"retain"`, `"compact"`,
 * `"archive"`, `"checkpoint"`, `"expire_offsets"` or `"expire_producers"`. They also run by themselves.
 *
 * `out_bytes`, when not NULL, gets the bytes that the job dealt with. LEVADA_INVALID: no such job. Since 0.1.
 */
levada_status levada_database_run_job(struct levada_database *database,
                                      const char *job,
                                      uint64_t *out_bytes,
                                      struct levada_error **out_error);

/**
 * Makes a topic with so many partitions, durable when this returns. `settings` are topic settings under
 * Kafka's names, keys and values in turns, closed by NULL, or NULL: `"levada.durability"` is `"disk"` (an
 * acknowledged record survives a power cut; the default) or `"cache"` (it survives a crash of the process).
 *
 * LEVADA_EXISTS; LEVADA_INVALID: a bad name, number or setting. Since 0.1.
 */
levada_status levada_topic_create(struct levada_database *database,
                                  const char *topic,
                                  int32_t partitions,
                                  const char *const *settings,
                                  struct levada_error **out_error);

/**
 * Deletes a topic with its records and its archive files.
 *
 * LEVADA_NOT_FOUND. Since 0.1.
 */
levada_status levada_topic_delete(struct levada_database *database,
                                  const char *topic,
                                  struct levada_error **out_error);

/**
 * Names the topics, sorted; with `include_internal` also those that the engine keeps for itself
 * (`__consumer_offsets`, `__transaction_state`).
 *
 * The names belong to the caller: free them with levada_names_free(). Since 0.1.
 */
levada_status levada_topic_list(struct levada_database *database,
                                bool include_internal,
                                struct levada_names **out_names,
                                struct levada_error **out_error);

/**
 * Describes a topic as it is now. Opens its partitions.
 *
 * The description belongs to the caller: free it with levada_topic_free(). LEVADA_NOT_FOUND. Since 0.1.
 */
levada_status levada_topic_describe(struct levada_database *database,
                                    const char *topic,
                                    struct levada_topic **out_topic,
                                    struct levada_error **out_error);

/**
 * The topic's name.
 *
 * Borrowed: valid until `topic` is freed. NULL when `topic` is NULL or freed. Since 0.1.
 */
const char *levada_topic_name(const struct levada_topic *topic);

/**
 * The topic's id, as Kafka's tools print it (KIP-516): a topic that is made again has another.
 *
 * Borrowed: valid until `topic` is freed. NULL when `topic` is NULL or freed. Since 0.1.
 */
const char *levada_topic_id(const struct levada_topic *topic);

/**
 * When the topic was made, in milliseconds since 1970 UTC; -1 when `topic` is NULL or freed.
 *
 * Since 0.1.
 */
int64_t levada_topic_created(const struct levada_topic *topic);

/**
 * Whether the engine keeps the topic for itself.
 *
 * Since 0.1.
 */
bool levada_topic_is_internal(const struct levada_topic *topic);

/**
 * How many partitions the topic has; they are numbered from 0 on.
 *
 * Since 0.1.
 */
int32_t levada_topic_partition_count(const struct levada_topic *topic);

/**
 * The first offset that can be read; LEVADA_OFFSET_NONE for a partition that is not there.
 *
 * Since 0.1.
 */
int64_t levada_topic_start_offset(const struct levada_topic *topic, int32_t partition);

/**
 * The offset behind the last record that consumers see (the high watermark); LEVADA_OFFSET_NONE for a
 * partition that is not there.
 *
 * Since 0.1.
 */
int64_t levada_topic_end_offset(const struct levada_topic *topic,
                                int32_t partition);

/**
 * The offset behind the last record that is on the disk; LEVADA_OFFSET_NONE for a partition that is not
 * there.
 *
 * Since 0.1.
 */
int64_t levada_topic_durable_offset(const struct levada_topic *topic,
                                    int32_t partition);

/**
 * The bytes of the partition's segments, without its archive; -1 for a partition that is not there.
 *
 * Since 0.1.
 */
int64_t levada_topic_size(const struct levada_topic *topic, int32_t partition);

/**
 * Frees a description. NULL and a second time do nothing.
 *
 * Since 0.1.
 */
void levada_topic_free(struct levada_topic *topic);

/**
 * Every setting of a topic, with the value that counts and where it comes from.
 *
 * The settings belong to the caller: free them with levada_settings_free(). LEVADA_NOT_FOUND. Since 0.1.
 */
levada_status levada_topic_settings(struct levada_database *database,
                                    const char *topic,
                                    struct levada_settings **out_settings,
                                    struct levada_error **out_error);

/**
 * Changes settings of a topic, all or none, durable when this returns. `set` are keys and values in turns,
 * `reset` the names of settings that go back to their defaults; both are closed by NULL or NULL.
 *
 * LEVADA_NOT_FOUND; LEVADA_INVALID: a bad name or value. Since 0.1.
 */
levada_status levada_topic_alter(struct levada_database *database,
                                 const char *topic,
                                 const char *const *set,
                                 const char *const *reset,
                                 struct levada_error **out_error);

/**
 * Gives a topic more partitions: `total` in all. Records with a key may then go elsewhere than before.
 *
 * LEVADA_NOT_FOUND; LEVADA_INVALID: not more than there are. Since 0.1.
 */
levada_status levada_topic_add_partitions(struct levada_database *database,
                                          const char *topic,
                                          int32_t total,
                                          struct levada_error **out_error);

/**
 * Finds the first record at or after a moment: `out_offset` gets its offset, LEVADA_OFFSET_NONE when there
 * is none. Archive files are looked through too.
 *
 * LEVADA_NOT_FOUND. Since 0.1.
 */
levada_status levada_topic_offset_for_time(struct levada_database *database,
                                           const char *topic,
                                           int32_t partition,
                                           int64_t timestamp_ms,
                                           int64_t *out_offset,
                                           struct levada_error **out_error);

/**
 * Removes the records before `before_offset`; -1 removes all there are. `out_start`, when not NULL, gets
 * the new first offset.
 *
 * LEVADA_NOT_FOUND; LEVADA_OUT_OF_RANGE: an offset behind the end. Since 0.1.
 */
levada_status levada_topic_delete_records(struct levada_database *database,
                                          const char *topic,
                                          int32_t partition,
                                          int64_t before_offset,
                                          int64_t *out_start,
                                          struct levada_error **out_error);

/**
 * Turns sealed segments of a topic into Parquet files now, of one partition or, with LEVADA_PARTITION_ANY,
 * of all; with `newest_too` what was written last as well. Background work does the same for topics that
 * have `levada.archive.after.ms`. Consumers read the same offsets as before.
 *
 * `out_bytes`, when not NULL, gets the bytes of segments that went. LEVADA_NOT_FOUND; LEVADA_INVALID: the
 * topic's settings do not go with an archive. Since 0.1.
 */
levada_status levada_archive_run(struct levada_database *database,
                                 const char *topic,
                                 int32_t partition,
                                 bool newest_too,
                                 uint64_t *out_bytes,
                                 struct levada_error **out_error);

/**
 * Lists the archive files of a topic: ordinary Parquet, which DuckDB, Polars and others read as they are.
 *
 * The list belongs to the caller: free it with levada_files_free(). LEVADA_NOT_FOUND. Since 0.1.
 */
levada_status levada_archive_list(struct levada_database *database,
                                  const char *topic,
                                  struct levada_files **out_files,
                                  struct levada_error **out_error);

/**
 * How many files there are.
 *
 * Since 0.1.
 */
size_t levada_files_count(const struct levada_files *files);

/**
 * Where the file at `index` is; NULL beyond the end.
 *
 * Borrowed: valid until `files` is freed. Since 0.1.
 */
const char *levada_files_path(const struct levada_files *files, size_t index);

/**
 * Which partition the file at `index` is of; -1 beyond the end.
 *
 * Since 0.1.
 */
int32_t levada_files_partition(const struct levada_files *files, size_t index);

/**
 * The first offset in the file at `index`; -1 beyond the end.
 *
 * Since 0.1.
 */
int64_t levada_files_first_offset(const struct levada_files *files, size_t index);

/**
 * The offset behind the last in the file at `index`; -1 beyond the end.
 *
 * Since 0.1.
 */
int64_t levada_files_next_offset(const struct levada_files *files, size_t index);

/**
 * The bytes of the file at `index`; -1 beyond the end.
 *
 * Since 0.1.
 */
int64_t levada_files_size(const struct levada_files *files, size_t index);

/**
 * Frees a list of files. NULL and a second time do nothing.
 *
 * Since 0.1.
 */
void levada_files_free(struct levada_files *files);

/**
 * Makes an empty list of headers. One list serves for many records: clear it in between.
 *
 * The list belongs to the caller: free it with levada_headers_free(). Since 0.1.
 */
levada_status levada_headers_new(struct levada_headers **out_headers, struct levada_error **out_error);

/**
 * Adds a header at the end. Name and value are copied; a NULL value is null.
 *
 * LEVADA_INVALID: more than 10,000. Since 0.1.
 */
levada_status levada_headers_add(struct levada_headers *headers,
                                 const char *name,
                                 const void *value,
                                 size_t value_size,
                                 struct levada_error **out_error);

/**
 * Removes all headers from the list. NULL does nothing.
 *
 * Since 0.1.
 */
void levada_headers_clear(struct levada_headers *headers);

/**
 * How many headers the list has.
 *
 * Since 0.1.
 */
size_t levada_headers_count(const struct levada_headers *headers);

/**
 * Frees headers. NULL and a second time do nothing.
 *
 * Since 0.1.
 */
void levada_headers_free(struct levada_headers *headers);

/**
 * Makes a producer. `options` are keys and values in turns, closed by NULL, or NULL: Kafka's producer
 * settings (`"linger.ms"`, `"batch.size"`, `"compression.type"`, `"acks"`, `"transactional.id"`).
 *
 * The producer belongs to the caller: free it with levada_producer_free(). LEVADA_INVALID: a bad setting.
 * Since 0.1.
 */
levada_status levada_producer_new(struct levada_database *database,
                                  const char *const *options,
                                  struct levada_producer **out_producer,
                                  struct levada_error **out_error);

/**
 * Sends one record to `topic`. `partition` may be LEVADA_PARTITION_ANY: by key as Kafka's clients do it, or
 * without a key the partition that is being filled. `key` and `value` are copied; NULL with size 0 is null
 * (no key; a tombstone), another pointer with size 0 is empty. The timestamp is now.
 *
 * Waits for room, up to `max.block.ms`, when more than `buffer.memory` bytes are not delivered. Returns
 * before the record is written: see levada_producer_flush(). For many records to one topic
 * levada_writer_send() costs less.
 *
 * LEVADA_NOT_FOUND: no such topic or partition. LEVADA_INVALID: too large, no key on a compacted topic.
 * LEVADA_TIMEOUT: no room in time. Since 0.1.
 */
levada_status levada_producer_send(struct levada_producer *producer,
                                   const char *topic,
                                   int32_t partition,
                                   const void *key,
                                   size_t key_size,
                                   const void *value,
                                   size_t value_size,
                                   struct levada_error **out_error);

/**
 * Sends the rows of an Arrow stream as records: column `value` (binary or text), and if they are there
 * `key`, `timestamp` (a timestamp, or integers of milliseconds) and `headers` (a list of structs of key and
 * value, or a map). With `keep_partitions` column `partition` says where each goes. Columns `topic`,
 * `partition` and `offset` are otherwise passed over, so that what a scan gave can be sent.
 *
 * The stream is taken over, also when this fails: do not release it. `out_rows`, when not NULL, gets the
 * number of rows that were sent. Returns before they are written: see levada_producer_flush().
 *
 * LEVADA_INVALID: columns that do not fit, a stream that fails. Otherwise as levada_producer_send(). Since
 * 0.1.
 */
levada_status levada_producer_send_arrow(struct levada_producer *producer,
                                         const char *topic,
                                         struct ArrowArrayStream *stream,
                                         bool keep_partitions,
                                         uint64_t *out_rows,
                                         struct levada_error **out_error);

/**
 * Writes all that was sent before and waits until it is delivered: with `levada.durability=disk` it is on
 * the disk then. With a delivery callback, also until that was called for it (unless this is called from
 * the callback); without one, until reports can be polled.
 *
 * LEVADA_TIMEOUT: not all was delivered and reported on in time, it may still be. Otherwise the first failed
 * delivery that nobody has looked at. Since 0.1.
 */
levada_status levada_producer_flush(struct levada_producer *producer,
                                    int64_t timeout_ms,
                                    struct levada_error **out_error);

/**
 * Flushes, aborts a transaction that is open, and ends the producer's threads; later calls give
 * LEVADA_CLOSED. A second close waits for what the first had no time for. Reports that were not polled can still
 * be polled.
 *
 * As levada_producer_flush(). Since 0.1.
 */
levada_status levada_producer_close(struct levada_producer *producer,
                                    int64_t timeout_ms,
                                    struct levada_error **out_error);

/**
 * Closes the producer, for up to `max.block.ms`, and frees it. What was not delivered then is logged. When this
 * returns, the delivery callback has ended and is not called again; made from the callback, this one call of it
 * goes on. NULL and a second time do nothing.
 *
 * Since 0.1.
 */
void levada_producer_free(struct levada_producer *producer);

/**
 * How many bytes were sent and are not delivered yet.
 *
 * Since 0.1.
 */
size_t levada_producer_buffered(const struct levada_producer *producer);

/**
 * Has `callback` called for every record that levada_writer_send_record() sends from now on, once it is
 * delivered or failed, with `user_data`, on one thread of the producer's. The callback may use the library,
 * and may take its time: others do not wait for it. Its `error` ends with the call.
 *
 * LEVADA_INVALID: no callback. LEVADA_CONFLICT: there is one, or records were sent before. Since 0.1.
 */
levada_status levada_producer_on_delivery(struct levada_producer *producer,
                                          levada_delivery_callback callback,
                                          void *user_data,
                                          struct levada_error **out_error);

/**
 * Takes reports on records that levada_writer_send_record() sent: all there are, or waits for some. For
 * programs that want no callback: poll, or sends fail once a million reports wait.
 *
 * `out_reports` gets NULL when none came in time, or the producer is closed and none are left. The reports
 * belong to the caller: free them with levada_reports_free(). LEVADA_CONFLICT: there is a callback. Since
 * 0.1.
 */
levada_status levada_producer_poll(struct levada_producer *producer,
                                   int64_t timeout_ms,
                                   struct levada_reports **out_reports,
                                   struct levada_error **out_error);

/**
 * Makes a writer to `topic`.
 *
 * The writer belongs to the caller: free it with levada_writer_free(). LEVADA_NOT_FOUND. Since 0.1.
 */
levada_status levada_writer_new(struct levada_producer *producer,
                                const char *topic,
                                struct levada_writer **out_writer,
                                struct levada_error **out_error);

/**
 * Frees a writer. What it sent is delivered all the same. NULL and a second time do nothing.
 *
 * Since 0.1.
 */
void levada_writer_free(struct levada_writer *writer);

/**
 * Sends one record, as levada_producer_send() does. Since 0.1.
 */
levada_status levada_writer_send(struct levada_writer *writer,
                                 int32_t partition,
                                 const void *key,
                                 size_t key_size,
                                 const void *value,
                                 size_t value_size,
                                 struct levada_error **out_error);

/**
 * Sends one record with a timestamp (or LEVADA_TIMESTAMP_NOW) and headers (or NULL; they are copied), and
 * has it reported on: `tag` comes back with its outcome, in the delivery callback or from
 * levada_producer_poll(). A record that this call refuses is not reported on.
 *
 * As levada_producer_send(). LEVADA_UNAVAILABLE: a million reports wait to be polled. Since 0.1.
 */
levada_status levada_writer_send_record(struct levada_writer *writer,
                                        int32_t partition,
                                        int64_t timestamp_ms,
                                        const struct levada_headers *headers,
                                        const void *key,
                                        size_t key_size,
                                        const void *value,
                                        size_t value_size,
                                        void *tag,
                                        struct levada_error **out_error);

/**
 * The same with a delivery to wait for instead of a report.
 *
 * The delivery belongs to the caller: free it with levada_delivery_free(), at any time; the record is
 * delivered all the same. As levada_producer_send(). Since 0.1.
 */
levada_status levada_writer_send_tracked(struct levada_writer *writer,
                                         int32_t partition,
                                         int64_t timestamp_ms,
                                         const struct levada_headers *headers,
                                         const void *key,
                                         size_t key_size,
                                         const void *value,
                                         size_t value_size,
                                         struct levada_delivery **out_delivery,
                                         struct levada_error **out_error);

/**
 * Sends `count` records in one call: `values[i]` has `value_sizes[i]` bytes, and so have the keys, which
 * may be NULL for none; a NULL entry with size 0 is null. `timestamps`, or NULL for now, are milliseconds.
 * Everything is copied.
 *
 * `out_sent`, when not NULL, gets how many were sent, also when this fails: the next one is at fault, and the
 * rest was not looked at. `out_delivery`,
 * when not NULL, gets one delivery for all, which belongs to the caller: free it with
 * levada_delivery_free(). As levada_producer_send(). Since 0.1.
 */
levada_status levada_writer_send_many(struct levada_writer *writer,
                                      int32_t partition,
                                      size_t count,
                                      const void *const *keys,
                                      const size_t *key_sizes,
                                      const void *const *values,
                                      const size_t *value_sizes,
                                      const int64_t *timestamps,
                                      struct levada_delivery **out_delivery,
                                      size_t *out_sent,
                                      struct levada_error **out_error);

/**
 * Whether the outcome is known. Does not wait.
 *
 * Since 0.1.
 */
bool levada_delivery_is_done(const struct levada_delivery *delivery);

/**
 * Waits until the record, or all of them, are delivered: with `levada.durability=disk` they are on the disk
 * then. A record may wait `linger.ms` for others: flush to hurry it.
 *
 * LEVADA_TIMEOUT: not known in time. Otherwise why it was not delivered. Since 0.1.
 */
levada_status levada_delivery_wait(struct levada_delivery *delivery,
                                   int64_t timeout_ms,
                                   struct levada_error **out_error);

/**
 * The partition that the record went to; of many, the one of the batch that was begun last. -1 until it is
 * delivered, and when it failed.
 *
 * Since 0.1.
 */
int32_t levada_delivery_partition(const struct levada_delivery *delivery);

/**
 * The record's offset; of many, the one of the last record of that batch. -1 until it is delivered, and when
 * it failed.
 *
 * Since 0.1.
 */
int64_t levada_delivery_offset(const struct levada_delivery *delivery);

/**
 * The record's timestamp in milliseconds since 1970 UTC, its own or the append's (topic setting
 * `message.timestamp.type`). -1 until it is delivered, and when it failed.
 *
 * Since 0.1.
 */
int64_t levada_delivery_timestamp(const struct levada_delivery *delivery);

/**
 * Frees a delivery. The record is delivered all the same. NULL and a second time do nothing.
 *
 * Since 0.1.
 */
void levada_delivery_free(struct levada_delivery *delivery);

/**
 * How many records the reports are on.
 *
 * Since 0.1.
 */
size_t levada_reports_count(const struct levada_reports *reports);

/**
 * What the record at `index` was sent with; NULL beyond the end.
 *
 * Since 0.1.
 */
void *levada_reports_tag(const struct levada_reports *reports, size_t index);

/**
 * The partition that the record at `index` went to; -1 when it failed, and beyond the end.
 *
 * Since 0.1.
 */
int32_t levada_reports_partition(const struct levada_reports *reports, size_t index);

/**
 * The offset of the record at `index`; -1 when it failed, and beyond the end.
 *
 * Since 0.1.
 */
int64_t levada_reports_offset(const struct levada_reports *reports, size_t index);

/**
 * The timestamp of the record at `index`, in milliseconds; -1 when it failed, and beyond the end.
 *
 * Since 0.1.
 */
int64_t levada_reports_timestamp(const struct levada_reports *reports, size_t index);

/**
 * Why the record at `index` was not delivered; NULL when it was, and beyond the end.
 *
 * Borrowed: valid until `reports` is freed; do not free it. Since 0.1.
 */
const struct levada_error *levada_reports_error(const struct levada_reports *reports, size_t index);

/**
 * Frees reports. NULL and a second time do nothing.
 *
 * Since 0.1.
 */
void levada_reports_free(struct levada_reports *reports);

/**
 * Begins a transaction: what is sent from here on is read by consumers with `isolation.level=read_committed`
 * once it is committed, all of it or nothing. The producer needs the option `transactional.id`; one that is
 * made later with the same id fences this one.
 *
 * LEVADA_INVALID: no transactional id. LEVADA_CONFLICT: one is open. LEVADA_FENCED. Since 0.1.
 */
levada_status levada_producer_begin(struct levada_producer *producer,
                                    struct levada_error **out_error);

/**
 * Delivers what was sent in the transaction and commits it. When this returns with LEVADA_OK the decision is
 * durable.
 *
 * The first failed delivery: abort then. LEVADA_FENCED. LEVADA_CONFLICT: none is open. LEVADA_TIMEOUT: commit
 * again, it may have come true. Since 0.1.
 */
levada_status levada_producer_commit(struct levada_producer *producer,
                                     int64_t timeout_ms,
                                     struct levada_error **out_error);

/**
 * Gives the transaction up: nothing of it is ever read by `read_committed` consumers.
 *
 * LEVADA_FENCED. LEVADA_CONFLICT: none is open, or a commit that timed out has come true. LEVADA_TIMEOUT:
 * abort again. Since 0.1.
 */
levada_status levada_producer_abort(struct levada_producer *producer,
                                    int64_t timeout_ms,
                                    struct levada_error **out_error);

/**
 * Commits the offsets of `consumer` as part of the transaction: they count when it commits. `offsets` are the
 * next records to read; NULL is where the consumer stands. The consumer needs a group and
 * `enable.auto.commit` false.
 *
 * LEVADA_INVALID: no group, or it commits by itself. LEVADA_CONFLICT: no transaction is open, the group has
 * moved on. LEVADA_FENCED. LEVADA_NOT_FOUND: no such partition. Since 0.1.
 */
levada_status levada_producer_send_offsets(struct levada_producer *producer,
                                           struct levada_consumer *consumer,
                                           const struct levada_positions *offsets,
                                           struct levada_error **out_error);

/**
 * Makes a consumer that reads nothing yet: subscribe or assign. `options` are keys and values in turns,
 * closed by NULL, or NULL: Kafka's consumer settings (`"group.id"`, `"auto.offset.reset"`,
 * `"enable.auto.commit"`, `"isolation.level"`, `"max.poll.records"`).
 *
 * The consumer belongs to the caller: free it with levada_consumer_free(). LEVADA_INVALID: a bad setting.
 * Since 0.1.
 */
levada_status levada_consumer_new(struct levada_database *database,
                                  const char *const *options,
                                  struct levada_consumer **out_consumer,
                                  struct levada_error **out_error);

/**
 * Reads these topics, an array closed by NULL: with a group its share of them, without one all partitions.
 * Replaces what was read before. Topics that are not there yet are read once they are.
 *
 * LEVADA_INVALID: a bad name, or none. Since 0.1.
 */
levada_status levada_consumer_subscribe(struct levada_consumer *consumer,
                                        const char *const *topics,
                                        struct levada_error **out_error);

/**
 * Reads every topic whose whole name matches a regular expression, new ones too.
 *
 * LEVADA_INVALID: not a regular expression. Since 0.1.
 */
levada_status levada_consumer_subscribe_pattern(struct levada_consumer *consumer,
                                                const char *pattern,
                                                struct levada_error **out_error);

/**
 * Gives up what was assigned or subscribed, and leaves the group.
 *
 * Since 0.1.
 */
levada_status levada_consumer_unsubscribe(struct levada_consumer *consumer,
                                          struct levada_error **out_error);

/**
 * Reads these partitions, all of them and alone: no group shares them out. Each begins at its offset; with
 * LEVADA_OFFSET_NONE where the group has committed, or as `auto.offset.reset` says. Replaces what was read
 * before; partitions that stay and name no offset go on where they are.
 *
 * LEVADA_NOT_FOUND: no such partition; everything is as before. LEVADA_OUT_OF_RANGE: an offset outside of
 * the log; the partitions are assigned. Since 0.1.
 */
levada_status levada_consumer_assign(struct levada_consumer *consumer,
                                     const struct levada_positions *partitions,
                                     struct levada_error **out_error);

/**
 * The partitions that are read now, each with the offset of the next record that a poll gives.
 *
 * The list belongs to the caller: free it with levada_positions_free(). Since 0.1.
 */
levada_status levada_consumer_assignment(struct levada_consumer *consumer,
                                         struct levada_positions **out_positions,
                                         struct levada_error **out_error);

/**
 * Takes up to `records_max` records (0: `max.poll.records`) as soon as there are some. `out_batch` gets NULL
 * when none came in time, or another thread woke the consumer. Records of a partition come in order. A
 * member of a group must poll at least every `max.poll.interval.ms`.
 *
 * With `enable.auto.commit` a poll commits what earlier polls gave: deal with a batch before the next poll.
 *
 * The batch belongs to the caller: free it with levada_batch_free(), on any thread, also after the consumer.
 * LEVADA_OUT_OF_RANGE: with `auto.offset.reset=none`. LEVADA_CORRUPT. LEVADA_CONFLICT: another thread is in
 * a call, or, once, the group has put this member out because it did not poll. LEVADA_INVALID: nothing is
 * subscribed. Since 0.1.
 */
levada_status levada_consumer_poll(struct levada_consumer *consumer,
                                   size_t records_max,
                                   int64_t timeout_ms,
                                   struct levada_batch **out_batch,
                                   struct levada_error **out_error);

/**
 * The same as an Arrow stream of about `bytes_max` bytes (0: `fetch.max.bytes`), one record batch a partition;
 * without records when none came in time. Values are not copied where they lie uncompressed. Columns:
 * `topic` (when the consumer reads several), `partition`, `offset`, `timestamp`, `key`, `value`, `headers`.
 * `layout` is one of levada_layout.
 *
 * The stream belongs to the caller: call its `release`. As levada_consumer_poll(). Since 0.1.
 */
levada_status levada_consumer_poll_arrow(struct levada_consumer *consumer,
                                         size_t bytes_max,
                                         int64_t timeout_ms,
                                         int32_t layout,
                                         struct ArrowArrayStream *out_stream,
                                         struct levada_error **out_error);

/**
 * Makes a poll that waits, or the next one that would, return at once without records. From any thread. NULL
 * does nothing.
 *
 * Since 0.1.
 */
void levada_consumer_wakeup(struct levada_consumer *consumer);

/**
 * Has `callback` called once, with `user_data`, when a poll may find something: records, a change in the
 * group, a wake-up; at the latest when the consumer is closed or freed. For event loops: poll without waiting,
 * and if that gives nothing, leave a callback and come back. Poll at least every second in a group, and where
 * subscribed topics have yet to be made.
 *
 * LEVADA_INVALID: no callback. LEVADA_CONFLICT: another thread is in a call. Since 0.1.
 */
levada_status levada_consumer_on_ready(struct levada_consumer *consumer,
                                       levada_ready_callback callback,
                                       void *user_data,
                                       struct levada_error **out_error);

/**
 * Commits where the consumer stands (with `enable.auto.commit`), leaves the group and ends; later calls give
 * LEVADA_CLOSED. Wakes and waits for a call under way in another thread. A second close does nothing. Batches
 * stay valid.
 *
 * LEVADA_TIMEOUT: the commit. Since 0.1.
 */
levada_status levada_consumer_close(struct levada_consumer *consumer,
                                    struct levada_error **out_error);

/**
 * Frees a consumer. One that was not closed leaves its group without a commit. NULL and a second time do
 * nothing. Batches stay valid.
 *
 * Since 0.1.
 */
void levada_consumer_free(struct levada_consumer *consumer);

/**
 * Gives no records of these partitions until levada_consumer_resume(); NULL is all.
 *
 * LEVADA_NOT_FOUND: one is not this consumer's. Since 0.1.
 */
levada_status levada_consumer_pause(struct levada_consumer *consumer,
                                    const struct levada_positions *partitions,
                                    struct levada_error **out_error);

/**
 * Gives records of these partitions again; NULL is all.
 *
 * LEVADA_NOT_FOUND: one is not this consumer's. Since 0.1.
 */
levada_status levada_consumer_resume(struct levada_consumer *consumer,
                                     const struct levada_positions *partitions,
                                     struct levada_error **out_error);

/**
 * Goes on at `offset`, which must lie within the log, its end included.
 *
 * LEVADA_OUT_OF_RANGE. LEVADA_NOT_FOUND: not this consumer's partition. Since 0.1.
 */
levada_status levada_consumer_seek(struct levada_consumer *consumer,
                                   const char *topic,
                                   int32_t partition,
                                   int64_t offset,
                                   struct levada_error **out_error);

/**
 * Goes on at the first record at or after a moment, at the end where there is none. A NULL topic is all
 * partitions of the consumer; `partition` does not matter then.
 *
 * LEVADA_NOT_FOUND: not this consumer's partition. Since 0.1.
 */
levada_status levada_consumer_seek_to_time(struct levada_consumer *consumer,
                                           const char *topic,
                                           int32_t partition,
                                           int64_t timestamp_ms,
                                           struct levada_error **out_error);

/**
 * Goes on at the first record there is. A NULL topic is all partitions of the consumer.
 *
 * LEVADA_NOT_FOUND: not this consumer's partition. Since 0.1.
 */
levada_status levada_consumer_seek_to_beginning(struct levada_consumer *consumer,
                                                const char *topic,
                                                int32_t partition,
                                                struct levada_error **out_error);

/**
 * Goes on behind the last record there is. A NULL topic is all partitions of the consumer.
 *
 * LEVADA_NOT_FOUND: not this consumer's partition. Since 0.1.
 */
levada_status levada_consumer_seek_to_end(struct levada_consumer *consumer,
                                          const char *topic,
                                          int32_t partition,
                                          struct levada_error **out_error);

/**
 * The offset of the next record that a poll gives of a partition.
 *
 * LEVADA_NOT_FOUND: not this consumer's partition. Since 0.1.
 */
levada_status levada_consumer_position(struct levada_consumer *consumer,
                                       const char *topic,
                                       int32_t partition,
                                       int64_t *out_offset,
                                       struct levada_error **out_error);

/**
 * What the group has committed for a partition: the offset of the next record to read, LEVADA_OFFSET_NONE
 * when nothing, or without a group.
 *
 * Since 0.1.
 */
levada_status levada_consumer_committed(struct levada_consumer *consumer,
                                        const char *topic,
                                        int32_t partition,
                                        int64_t *out_offset,
                                        struct levada_error **out_error);

/**
 * How far each assigned partition is behind: the offsets of the list are the numbers of offsets between the
 * position and the end.
 *
 * The list belongs to the caller: free it with levada_positions_free(). Since 0.1.
 */
levada_status levada_consumer_lag(struct levada_consumer *consumer,
                                  struct levada_positions **out_lags,
                                  struct levada_error **out_error);

/**
 * Commits where the consumer stands (NULL), or `offsets` (the next records to read), and waits until that is
 * durable, for `default.api.timeout.ms` at most.
 *
 * LEVADA_INVALID: no group, a partition without an offset. LEVADA_CONFLICT, LEVADA_FENCED: the group has moved
 * on. LEVADA_TIMEOUT. Since 0.1.
 */
levada_status levada_consumer_commit(struct levada_consumer *consumer,
                                     const struct levada_positions *offsets,
                                     struct levada_error **out_error);

/**
 * The same without waiting. `out_commit`, when not NULL, gets the commit to wait for, or NULL when there was
 * nothing to commit.
 *
 * The commit belongs to the caller: free it with levada_commit_free(). As levada_consumer_commit(). Since 0.1.
 */
levada_status levada_consumer_commit_async(struct levada_consumer *consumer,
                                           const struct levada_positions *offsets,
                                           struct levada_commit **out_commit,
                                           struct levada_error **out_error);

/**
 * Whether the outcome is known. Does not wait.
 *
 * Since 0.1.
 */
bool levada_commit_is_done(const struct levada_commit *commit);

/**
 * Waits until the offsets are durable.
 *
 * LEVADA_TIMEOUT: not known in time. Otherwise why they were not committed. Since 0.1.
 */
levada_status levada_commit_wait(struct levada_commit *commit,
                                 int64_t timeout_ms,
                                 struct levada_error **out_error);

/**
 * Frees a commit. The offsets are committed all the same. NULL and a second time do nothing.
 *
 * Since 0.1.
 */
void levada_commit_free(struct levada_commit *commit);

/**
 * Has `callback` told, with `user_data`, which partitions come and go; NULL ends that. Replaces the one
 * before.
 *
 * LEVADA_INVALID: a consumer without a group. LEVADA_CONFLICT: another thread is in a call. Since 0.1.
 */
levada_status levada_consumer_on_rebalance(struct levada_consumer *consumer,
                                           levada_rebalance_callback callback,
                                           void *user_data,
                                           struct levada_error **out_error);

/**
 * How many records the batch has: 1 at least.
 *
 * Since 0.1.
 */
size_t levada_batch_count(const struct levada_batch *batch);

/**
 * The topic of the record at `index`; NULL beyond the end. Within a batch the same topic is the same pointer.
 *
 * Borrowed: valid until `batch` is freed. Since 0.1.
 */
const char *levada_batch_topic(const struct levada_batch *batch,
                               size_t index);

/**
 * The partition of the record at `index`; -1 beyond the end.
 *
 * Since 0.1.
 */
int32_t levada_batch_partition(const struct levada_batch *batch, size_t index);

/**
 * The offset of the record at `index`; -1 beyond the end.
 *
 * Since 0.1.
 */
int64_t levada_batch_offset(const struct levada_batch *batch, size_t index);

/**
 * The timestamp of the record at `index`, in milliseconds since 1970 UTC; -1 beyond the end.
 *
 * Since 0.1.
 */
int64_t levada_batch_timestamp(const struct levada_batch *batch, size_t index);

/**
 * The key of the record at `index`, and its size where `out_size`, when not NULL, points to. NULL is null (no
 * key), and also what is given beyond the end.
 *
 * Borrowed: valid until `batch` is freed. Since 0.1.
 */
const void *levada_batch_key(const struct levada_batch *batch,
                             size_t index,
                             size_t *out_size);

/**
 * The value of the record at `index`, and its size where `out_size`, when not NULL, points to. NULL is null (a
 * tombstone), and also what is given beyond the end.
 *
 * Borrowed: valid until `batch` is freed. Since 0.1.
 */
const void *levada_batch_value(const struct levada_batch *batch,
                               size_t index,
                               size_t *out_size);

/**
 * How many headers the record at `index` has.
 *
 * Since 0.1.
 */
size_t levada_batch_header_count(const struct levada_batch *batch, size_t index);

/**
 * The name of a header of the record at `index`, `header` counted from 0 on, and its size where `out_size`,
 * when not NULL, points to. Any bytes, without a closing NUL. NULL beyond the end.
 *
 * Borrowed: valid until `batch` is freed. Since 0.1.
 */
const char *levada_batch_header_name(const struct levada_batch *batch,
                                     size_t index,
                                     size_t header,
                                     size_t *out_size);

/**
 * The value of a header, and its size where `out_size`, when not NULL, points to. NULL is null, and also what
 * is given beyond the end.
 *
 * Borrowed: valid until `batch` is freed. Since 0.1.
 */
const void *levada_batch_header_value(const struct levada_batch *batch,
                                      size_t index,
                                      size_t header,
                                      size_t *out_size);

/**
 * The offsets of all records, an array of levada_batch_count().
 *
 * Borrowed: valid until `batch` is freed. NULL when `batch` is NULL. Since 0.1.
 */
const int64_t *levada_batch_offsets(const struct levada_batch *batch);

/**
 * The timestamps of all records in milliseconds, an array of levada_batch_count().
 *
 * Borrowed: valid until `batch` is freed. NULL when `batch` is NULL. Since 0.1.
 */
const int64_t *levada_batch_timestamps(const struct levada_batch *batch);

/**
 * The partitions of all records, an array of levada_batch_count().
 *
 * Borrowed: valid until `batch` is freed. NULL when `batch` is NULL. Since 0.1.
 */
const int32_t *levada_batch_partitions(const struct levada_batch *batch);

/**
 * Pointers to the keys of all records, an array of levada_batch_count(); NULL is null. Their sizes are in
 * levada_batch_key_sizes().
 *
 * Borrowed: valid until `batch` is freed. NULL when `batch` is NULL. Since 0.1.
 */
const void *const *levada_batch_keys(const struct levada_batch *batch);

/**
 * The sizes of the keys of all records, an array of levada_batch_count().
 *
 * Borrowed: valid until `batch` is freed. NULL when `batch` is NULL. Since 0.1.
 */
const size_t *levada_batch_key_sizes(const struct levada_batch *batch);

/**
 * Pointers to the values of all records, an array of levada_batch_count(); NULL is null. Their sizes are in
 * levada_batch_value_sizes().
 *
 * Borrowed: valid until `batch` is freed. NULL when `batch` is NULL. Since 0.1.
 */
const void *const *levada_batch_values(const struct levada_batch *batch);

/**
 * The sizes of the values of all records, an array of levada_batch_count().
 *
 * Borrowed: valid until `batch` is freed. NULL when `batch` is NULL. Since 0.1.
 */
const size_t *levada_batch_value_sizes(const struct levada_batch *batch);

/**
 * Frees a batch, and lets go of the bytes that it holds. NULL and a second time do nothing.
 *
 * Since 0.1.
 */
void levada_batch_free(struct levada_batch *batch);

/**
 * Makes a scan of all of a topic: every partition, all columns, from the first record to the end of the moment
 * at which a stream is taken, without records of aborted transactions.
 *
 * The scan belongs to the caller: free it with levada_scan_free(). LEVADA_NOT_FOUND. LEVADA_INVALID: this build
 * has no archive. Since 0.1.
 */
levada_status levada_scan_new(struct levada_database *database,
                              const char *topic,
                              struct levada_scan **out_scan,
                              struct levada_error **out_error);

/**
 * Reads these columns alone, an array of names closed by NULL: `"partition"`, `"offset"`, `"timestamp"`,
 * `"key"`, `"value"`, `"headers"` and the facts of batches (see docs/archive-format.md).
 *
 * LEVADA_INVALID: none; when a stream is taken: no such column. Since 0.1.
 */
levada_status levada_scan_columns(struct levada_scan *scan,
                                  const char *const *names,
                                  struct levada_error **out_error);

/**
 * Reads one partition more; without a call of this all are read.
 *
 * LEVADA_NOT_FOUND when a stream is taken: no such partition. Since 0.1.
 */
levada_status levada_scan_partition(struct levada_scan *scan,
                                    int32_t partition,
                                    struct levada_error **out_error);

/**
 * Begins a partition at this offset.
 *
 * LEVADA_INVALID: negative, or a time was set. LEVADA_OUT_OF_RANGE when a stream is taken. Since 0.1.
 */
levada_status levada_scan_from_offset(struct levada_scan *scan,
                                      int32_t partition,
                                      int64_t offset,
                                      struct levada_error **out_error);

/**
 * Ends a partition before this offset.
 *
 * LEVADA_INVALID: negative, or a time was set. Since 0.1.
 */
levada_status levada_scan_until_offset(struct levada_scan *scan,
                                       int32_t partition,
                                       int64_t offset,
                                       struct levada_error **out_error);

/**
 * Reads records of this moment and later, in milliseconds since 1970 UTC.
 *
 * LEVADA_INVALID: offsets were set. Since 0.1.
 */
levada_status levada_scan_from_time(struct levada_scan *scan,
                                    int64_t timestamp_ms,
                                    struct levada_error **out_error);

/**
 * Reads records before this moment alone, in milliseconds since 1970 UTC.
 *
 * LEVADA_INVALID: offsets were set. Since 0.1.
 */
levada_status levada_scan_until_time(struct levada_scan *scan,
                                     int64_t timestamp_ms,
                                     struct levada_error **out_error);

/**
 * Whether records of transactions that were aborted, or are still open, are left out; they are by default.
 *
 * Since 0.1.
 */
levada_status levada_scan_committed(struct levada_scan *scan,
                                    bool committed,
                                    struct levada_error **out_error);

/**
 * How bytes lie in the columns, one of levada_layout; LEVADA_LAYOUT_VIEW by default.
 *
 * LEVADA_INVALID: none of them. Since 0.1.
 */
levada_status levada_scan_layout(struct levada_scan *scan,
                                 int32_t layout,
                                 struct levada_error **out_error);

/**
 * Gives the records as an Arrow stream: partition by partition, in offset order, each offset once, also while
 * segments move to the archive meanwhile. Its batches are read as they are asked for, on any one thread at a
 * time.
 *
 * The stream belongs to the caller: call its `release`. LEVADA_INVALID, LEVADA_NOT_FOUND, LEVADA_OUT_OF_RANGE:
 * what was asked for is not there. Since 0.1.
 */
levada_status levada_scan_stream(struct levada_scan *scan,
                                 struct ArrowArrayStream *out_stream,
                                 struct levada_error **out_error);

/**
 * Frees a scan. NULL and a second time do nothing.
 *
 * Since 0.1.
 */
void levada_scan_free(struct levada_scan *scan);

/**
 * Serves `database` to Kafka clients. When this returns the ports are open.
 *
 * `options` are keys and values in turns, closed by NULL, or NULL: broker settings under Kafka's names, before
 * those of the database. `"listeners"` says where: `"127.0.0.1:0"` takes any free port, the default is
 * `127.0.0.1:9092`.
 *
 * The server belongs to the caller: free it with levada_server_free(). LEVADA_INVALID: a bad setting.
 * LEVADA_UNAVAILABLE, LEVADA_DENIED: an address that cannot be listened on. Since 0.1.
 */
levada_status levada_server_start(struct levada_database *database,
                                  const char *const *options,
                                  struct levada_server **out_server,
                                  struct levada_error **out_error);

/**
 * `host:port` of the first listener, as clients take it for `bootstrap.servers`.
 *
 * Borrowed: valid until `server` is freed. NULL when `server` is NULL or freed. Since 0.1.
 */
const char *levada_server_bootstrap(const struct levada_server *server);

/**
 * How many connections are open; 0 once the server ends.
 *
 * Since 0.1.
 */
size_t levada_server_connections(const struct levada_server *server);

/**
 * Takes no more connections and requests, answers what was begun for at most `timeout_ms` (negative: as
 * long as it takes), and closes the ports. A second stop does nothing. The database stays open.
 *
 * Since 0.1.
 */
levada_status levada_server_stop(struct levada_server *server,
                                 int64_t timeout_ms,
                                 struct levada_error **out_error);

/**
 * Stops the server, for up to 5 seconds, if it was not stopped before, and frees it. NULL and a second time
 * do nothing.
 *
 * Since 0.1.
 */
void levada_server_free(struct levada_server *server);

/**
 * Names the groups.
 *
 * The names belong to the caller: free them with levada_names_free(). Since 0.1.
 */
levada_status levada_group_list(struct levada_database *database,
                                struct levada_names **out_names,
                                struct levada_error **out_error);

/**
 * Describes a group as it is now.
 *
 * The description belongs to the caller: free it with levada_group_free(). LEVADA_NOT_FOUND. Since 0.1.
 */
levada_status levada_group_describe(struct levada_database *database,
                                    const char *group,
                                    struct levada_group **out_group,
                                    struct levada_error **out_error);

/**
 * The group's state, as Kafka names it: `"Stable"`, `"Empty"`, `"Reconciling"`.
 *
 * Borrowed: valid until `group` is freed. NULL when `group` is NULL or freed. Since 0.1.
 */
const char *levada_group_state(const struct levada_group *group);

/**
 * How often the group has changed (KIP-848: the group epoch; of a classic group its generation); -1 when
 * `group` is NULL or freed.
 *
 * Since 0.1.
 */
int32_t levada_group_epoch(const struct levada_group *group);

/**
 * How many members the group has.
 *
 * Since 0.1.
 */
size_t levada_group_member_count(const struct levada_group *group);

/**
 * The id of a member, from 0 on; NULL beyond the end.
 *
 * Borrowed: valid until `group` is freed. Since 0.1.
 */
const char *levada_group_member_id(const struct levada_group *group, size_t index);

/**
 * What a member calls itself (`client.id`); NULL beyond the end.
 *
 * Borrowed: valid until `group` is freed. Since 0.1.
 */
const char *levada_group_member_client_id(const struct levada_group *group, size_t index);

/**
 * The partitions of a member, without offsets; NULL beyond the end.
 *
 * Borrowed: valid until `group` is freed; do not free it. Since 0.1.
 */
const struct levada_positions *levada_group_member_partitions(const struct levada_group *group,
                                                              size_t index);

/**
 * Frees a description. NULL and a second time do nothing.
 *
 * Since 0.1.
 */
void levada_group_free(struct levada_group *group);

/**
 * What a group has committed: the offset of the next record to read, by partition. A group that nobody knows
 * has committed nothing.
 *
 * The list belongs to the caller: free it with levada_positions_free(). Since 0.1.
 */
levada_status levada_group_offsets(struct levada_database *database,
                                   const char *group,
                                   struct levada_positions **out_positions,
                                   struct levada_error **out_error);

/**
 * Sets the committed offsets of a group that has no members, durable when this returns.
 *
 * LEVADA_CONFLICT: it has members. LEVADA_NOT_FOUND: no such partition. LEVADA_INVALID: a partition
 * without an offset. Since 0.1.
 */
levada_status levada_group_reset(struct levada_database *database,
                                 const char *group,
                                 const struct levada_positions *offsets,
                                 struct levada_error **out_error);

/**
 * Forgets a group that has no members, and what it has committed.
 *
 * LEVADA_NOT_FOUND; LEVADA_CONFLICT: it has members. Since 0.1.
 */
levada_status levada_group_delete(struct levada_database *database,
                                  const char *group,
                                  struct levada_error **out_error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* LEVADA_H */
