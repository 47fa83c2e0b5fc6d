/// @file
/// A data directory that is open.
#ifndef LEVADA_DATABASE_HPP
#define LEVADA_DATABASE_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "call.hpp"
#include "consumer.hpp"
#include "group.hpp"
#include "handle.hpp"
#include "lists.hpp"
#include "positions.hpp"
#include "producer.hpp"
#include "scan.hpp"
#include "server.hpp"
#include "time.hpp"
#include "topic.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

/// A data directory that is open, with its topics, groups and archive. Threads may share it. One
/// process at a time has a directory open; a second gets Conflict.
///
/// What is made of it (producers, consumers, scans, servers) fails with Closed after close(); it
/// may be freed before or after the database.
class Database : public detail::Handle<levada_database, levada_database_free> {
 public:
  using Handle::Handle;

  /// Opens the directory at `path`, or makes it; ":memory:" is one that nothing is left of. Options
  /// are the broker's settings under Kafka's names, and `levada.archive.dir`. Errors: Invalid (a
  /// setting), Conflict (another process has it open), Corrupt, Denied.
  static Result<Database> try_open(std::string_view path, const Options& options = {}) {
    return detail::make<Database>(levada_database_open, detail::Name(path), detail::Array(options));
  }

  /// Ends background work, makes everything durable and closes the directory. Close producers
  /// before: what they have not delivered fails. Once is enough. Without it the directory is closed
  /// when the database and all that was made of it are freed, and nobody hears what went wrong.
  Result<void> try_close() { return detail::call(levada_database_close, get()); }

  /// Numbers about what it did, as JSON.
  Result<std::string> try_stats() {
    levada_text* text = nullptr;
    const Result<void> done = detail::call(levada_database_stats, get(), &text);
    if (!done) return done.error();
    return detail::string_of(text);
  }

  /// Runs a background job now ("roll", "retain", "compact", "archive", ...) and gives how many
  /// bytes it dealt with. Errors: Invalid (no such job).
  Result<std::uint64_t> try_run_job(std::string_view job) {
    return detail::call_for<std::uint64_t>(levada_database_run_job, get(), detail::Name(job));
  }

  // Sending, reading, serving.

  /// A new producer; options are Kafka's producer settings. Errors: Invalid (a setting), Closed.
  Result<Producer> try_producer(const Options& options = {}) {
    return detail::make<Producer>(levada_producer_new, get(), detail::Array(options));
  }
  /// A new consumer; options are Kafka's consumer settings. Errors: as try_producer().
  Result<Consumer> try_consumer(const Options& options = {}) {
    return detail::make<Consumer>(levada_consumer_new, get(), detail::Array(options));
  }
  /// A new scan of a topic. Errors: NotFound, Closed.
  Result<Scan> try_scan(std::string_view topic) {
    return detail::make<Scan>(levada_scan_new, get(), detail::Name(topic));
  }
  /// Serves Kafka clients; options are `listeners` ("127.0.0.1:0" takes a free port) and the
  /// broker's settings. Errors: Invalid (a setting), Unavailable (the address is taken).
  Result<Server> try_serve(const Options& options = {}) {
    return detail::make<Server>(levada_server_start, get(), detail::Array(options));
  }

  // Topics.

  /// Creates a topic. Errors: Exists, Invalid (a name, a setting).
  Result<void> try_create_topic(std::string_view topic, std::int32_t partitions = 1,
                                const Options& settings = {}) {
    return detail::call(levada_topic_create, get(), detail::Name(topic), partitions,
                        detail::Array(settings));
  }
  /// Deletes a topic with all that is in it. Errors: NotFound.
  Result<void> try_delete_topic(std::string_view topic) {
    return detail::call(levada_topic_delete, get(), detail::Name(topic));
  }
  /// The names of all topics.
  Result<Names> try_topics(bool include_internal = false) {
    return detail::make<Names>(levada_topic_list, get(), include_internal);
  }
  /// Describes a topic. Errors: NotFound.
  Result<Topic> try_topic(std::string_view topic) {
    return detail::make<Topic>(levada_topic_describe, get(), detail::Name(topic));
  }
  /// A topic's settings as they are in force. Errors: NotFound.
  Result<Settings> try_topic_settings(std::string_view topic) {
    return detail::make<Settings>(levada_topic_settings, get(), detail::Name(topic));
  }
  /// Changes settings of a topic; those of `reset` go back to their defaults. Errors: NotFound,
  /// Invalid.
  Result<void> try_alter_topic(std::string_view topic, const Options& set,
                               const StringList& reset = {}) {
    return detail::call(levada_topic_alter, get(), detail::Name(topic), detail::Array(set),
                        detail::Array(reset));
  }
  /// Gives a topic so many partitions in all. Errors: NotFound, Invalid (it has more).
  Result<void> try_add_partitions(std::string_view topic, std::int32_t total) {
    return detail::call(levada_topic_add_partitions, get(), detail::Name(topic), total);
  }
  /// The first offset at or after that time; nothing if all is older. Errors: NotFound.
  Result<std::optional<std::int64_t>> try_offset_for_time(std::string_view topic,
                                                          std::int32_t partition, Timestamp time) {
    return detail::call_for<std::int64_t>(levada_topic_offset_for_time, get(), detail::Name(topic),
                                          partition, time.ms())
        .transform(detail::if_there);
  }
  /// Deletes what lies before `before_offset` (-1: all that is there) and gives the new first
  /// offset. Errors: NotFound, OutOfRange.
  Result<std::int64_t> try_delete_records(std::string_view topic, std::int32_t partition,
                                          std::int64_t before_offset) {
    return detail::call_for<std::int64_t>(levada_topic_delete_records, get(), detail::Name(topic),
                                          partition, before_offset);
  }

  // The archive.

  /// Turns sealed segments into Parquet files now, with `newest_too` also the one that is being
  /// written, and gives how many bytes of segments went. Consumers read the same offsets as before.
  /// Errors: NotFound, Invalid (the topic's settings do not go with an archive).
  Result<std::uint64_t> try_archive(std::string_view topic, std::int32_t partition = any_partition,
                                    bool newest_too = true) {
    return detail::call_for<std::uint64_t>(levada_archive_run, get(), detail::Name(topic),
                                           partition, newest_too);
  }
  /// The files of a topic's archive. Errors: NotFound.
  Result<Files> try_archived_files(std::string_view topic) {
    return detail::make<Files>(levada_archive_list, get(), detail::Name(topic));
  }

  // Groups.

  /// The names of all groups.
  Result<Names> try_groups() { return detail::make<Names>(levada_group_list, get()); }
  /// Describes a group. Errors: NotFound.
  Result<Group> try_group(std::string_view group) {
    return detail::make<Group>(levada_group_describe, get(), detail::Name(group));
  }
  /// The offsets that a group has committed. Errors: NotFound.
  Result<Positions> try_group_offsets(std::string_view group) {
    return detail::make<Positions>(levada_group_offsets, get(), detail::Name(group));
  }
  /// Commits these offsets for a group that nobody is in. Errors: Conflict (somebody is), NotFound.
  Result<void> try_reset_group(std::string_view group, const Positions& offsets) {
    return detail::call(levada_group_reset, get(), detail::Name(group), detail::Needed(offsets));
  }
  /// Deletes a group that nobody is in. Errors: Conflict (somebody is), NotFound.
  Result<void> try_delete_group(std::string_view group) {
    return detail::call(levada_group_delete, get(), detail::Name(group));
  }

#ifndef LEVADA_NO_EXCEPTIONS
  // Each does what the one with `try_` before its name does, or throws.

  static Database open(std::string_view path, const Options& options = {}) {
    return try_open(path, options).value();
  }
  void close() { try_close().value(); }
  std::string stats() { return try_stats().value(); }
  std::uint64_t run_job(std::string_view job) { return try_run_job(job).value(); }

  Producer producer(const Options& options = {}) { return try_producer(options).value(); }
  Consumer consumer(const Options& options = {}) { return try_consumer(options).value(); }
  Scan scan(std::string_view topic) { return try_scan(topic).value(); }
  Server serve(const Options& options = {}) { return try_serve(options).value(); }

  void create_topic(std::string_view topic, std::int32_t partitions = 1,
                    const Options& settings = {}) {
    try_create_topic(topic, partitions, settings).value();
  }
  void delete_topic(std::string_view topic) { try_delete_topic(topic).value(); }
  Names topics(bool include_internal = false) { return try_topics(include_internal).value(); }
  Topic topic(std::string_view topic) { return try_topic(topic).value(); }
  Settings topic_settings(std::string_view topic) { return try_topic_settings(topic).value(); }
  void alter_topic(std::string_view topic, const Options& set, const StringList& reset = {}) {
    try_alter_topic(topic, set, reset).value();
  }
  void add_partitions(std::string_view topic, std::int32_t total) {
    try_add_partitions(topic, total).value();
  }
  std::optional<std::int64_t> offset_for_time(std::string_view topic, std::int32_t partition,
                                              Timestamp time) {
    return try_offset_for_time(topic, partition, time).value();
  }
  std::int64_t delete_records(std::string_view topic, std::int32_t partition,
                              std::int64_t before_offset) {
    return try_delete_records(topic, partition, before_offset).value();
  }

  std::uint64_t archive(std::string_view topic, std::int32_t partition = any_partition,
                        bool newest_too = true) {
    return try_archive(topic, partition, newest_too).value();
  }
  Files archived_files(std::string_view topic) { return try_archived_files(topic).value(); }

  Names groups() { return try_groups().value(); }
  Group group(std::string_view group) { return try_group(group).value(); }
  Positions group_offsets(std::string_view group) { return try_group_offsets(group).value(); }
  void reset_group(std::string_view group, const Positions& offsets) {
    try_reset_group(group, offsets).value();
  }
  void delete_group(std::string_view group) { try_delete_group(group).value(); }
#endif
};

LEVADA_INLINE_END
}  // namespace levada

#endif
