/// @file
/// Reads records from topics.
#ifndef LEVADA_CONSUMER_HPP
#define LEVADA_CONSUMER_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "arrow.hpp"
#include "batch.hpp"
#include "call.hpp"
#include "callbacks.hpp"
#include "handle.hpp"
#include "positions.hpp"
#include "time.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

/// A commit on its way; empty when nothing was to be committed. Letting it go loses nothing.
class Commit : public detail::Handle<levada_commit, levada_commit_free> {
 public:
  using Handle::Handle;

  /// Whether the outcome is known.
  bool is_done() const noexcept { return levada_commit_is_done(get()); }

  /// Waits until the offsets are durable. Errors: Timeout (wait again), and what the commit failed
  /// with.
  Result<void> try_wait(Timeout timeout = forever) {
    return detail::call(levada_commit_wait, get(), timeout.ms());
  }
#ifndef LEVADA_NO_EXCEPTIONS
  /// try_wait(), or throws.
  void wait(Timeout timeout = forever) { try_wait(timeout).value(); }
#endif
};

/// Reads records; made by Database::consumer(). One call at a time: a second thread gets Conflict,
/// but in wakeup() and close(). With a `group.id` consumers share the partitions of their topics
/// and keep offsets; without one a consumer reads all of them, or those that it is assigned.
class Consumer : public detail::Handle<levada_consumer, levada_consumer_free> {
 public:
  using Handle::Handle;
  Consumer(Consumer&&) noexcept = default;
  Consumer& operator=(Consumer&&) noexcept = default;
  /// One that was not closed leaves its group without a commit. Not to be called by one of its own
  /// callbacks.
  ~Consumer() { reset(); }

  /// Reads these topics from now on: `"orders"` or `{"orders", "returns"}`; those that are not
  /// there yet once they are. Errors: Invalid (a bad name, or none).
  Result<void> try_subscribe(const StringList& topics) {
    return detail::call(levada_consumer_subscribe, get(), detail::Array(topics));
  }

  /// Reads the topics whose whole name matches, as they come and go. Errors: Invalid (no pattern).
  Result<void> try_subscribe_pattern(std::string_view pattern) {
    return detail::call(levada_consumer_subscribe_pattern, get(), detail::Name(pattern));
  }

  /// Gives up what was subscribed or assigned, and leaves the group.
  Result<void> try_unsubscribe() { return detail::call(levada_consumer_unsubscribe, get()); }

  /// Reads these partitions alone, from their offsets; one without an offset from where the group
  /// has committed, or as `auto.offset.reset` says. Errors: NotFound (no such partition; all stays
  /// as it was), OutOfRange (an offset outside of the log; the partitions are assigned).
  Result<void> try_assign(const Positions& partitions) {
    return detail::call(levada_consumer_assign, get(), detail::Needed(partitions));
  }

  /// What is read now, and the next offset of each.
  Result<Positions> try_assignment() {
    return detail::make<Positions>(levada_consumer_assignment, get());
  }

  /// Records as soon as there are some, at most `records_max` (0: `max.poll.records`); an empty
  /// batch when the time is over, or wakeup() was called. Records of a partition come in order.
  /// With `enable.auto.commit` a poll commits what earlier polls gave: deal with a batch before the
  /// next poll.
  ///
  /// Errors: Invalid (nothing is subscribed), OutOfRange (seek), Corrupt, Conflict (a second
  /// thread; or the group has put this member out, once), Closed, and what a rebalance callback
  /// failed with. After the error of one partition the next poll goes on with the others.
  Result<Batch> try_poll(Timeout timeout, std::size_t records_max = 0) {
    return detail::make<Batch>(levada_consumer_poll, get(), records_max, timeout.ms());
  }

  /// The same as Arrow, about `bytes_max` of it (0: `fetch.max.bytes`). Columns: partition, offset,
  /// timestamp, key, value, headers; before them topic, when several may be read. Errors: as
  /// try_poll().
  Result<ArrowStream> try_poll_arrow(Timeout timeout, std::size_t bytes_max = 0,
                                     Layout layout = Layout::View) {
    ArrowArrayStream raw{};
    const Result<void> done = detail::call(levada_consumer_poll_arrow, get(), bytes_max,
                                           timeout.ms(), static_cast<levada_layout>(layout), &raw);
    if (!done) return done.error();
    return ArrowStream(&raw);
  }

  /// Makes a poll that waits, or the next one that would, return empty. From any thread, as long
  /// as the consumer lives; not from a signal handler.
  void wakeup() noexcept { levada_consumer_wakeup(get()); }

  /// Reads on from there. Errors: NotFound (not this consumer's partition), OutOfRange.
  Result<void> try_seek(std::string_view topic, std::int32_t partition, std::int64_t offset) {
    return detail::call(levada_consumer_seek, get(), detail::Name(topic), partition, offset);
  }

  /// Reads on from the first record at or after that time, or from the end. Errors: as try_seek().
  Result<void> try_seek_to_time(std::string_view topic, std::int32_t partition, Timestamp time) {
    return detail::call(levada_consumer_seek_to_time, get(), detail::Name(topic), partition,
                        time.ms());
  }
  /// The same for all that is assigned.
  Result<void> try_seek_to_time(Timestamp time) {
    return detail::call(levada_consumer_seek_to_time, get(), nullptr, any_partition, time.ms());
  }

  /// Reads on from the first record that is there. Errors: as try_seek().
  Result<void> try_seek_to_beginning(std::string_view topic, std::int32_t partition) {
    return detail::call(levada_consumer_seek_to_beginning, get(), detail::Name(topic), partition);
  }
  /// The same for all that is assigned.
  Result<void> try_seek_to_beginning() {
    return detail::call(levada_consumer_seek_to_beginning, get(), nullptr, any_partition);
  }

  /// Reads on from the end: what is there is passed over. Errors: as try_seek().
  Result<void> try_seek_to_end(std::string_view topic, std::int32_t partition) {
    return detail::call(levada_consumer_seek_to_end, get(), detail::Name(topic), partition);
  }
  /// The same for all that is assigned.
  Result<void> try_seek_to_end() {
    return detail::call(levada_consumer_seek_to_end, get(), nullptr, any_partition);
  }

  /// The offset that is read next. Errors: as try_seek().
  Result<std::int64_t> try_position(std::string_view topic, std::int32_t partition) {
    return detail::call_for<std::int64_t>(levada_consumer_position, get(), detail::Name(topic),
                                          partition);
  }

  /// The offset that the group has committed; nothing if it has not, or there is no group.
  Result<std::optional<std::int64_t>> try_committed(std::string_view topic,
                                                    std::int32_t partition) {
    return detail::call_for<std::int64_t>(levada_consumer_committed, get(), detail::Name(topic),
                                          partition)
        .transform(detail::if_there);
  }

  /// How many records each partition that is assigned is behind, in the place of the offset.
  Result<Positions> try_lag() { return detail::make<Positions>(levada_consumer_lag, get()); }

  /// Reads nothing of these for now. Errors: NotFound (not this consumer's).
  Result<void> try_pause(const Positions& partitions) {
    return detail::call(levada_consumer_pause, get(), detail::Needed(partitions));
  }
  /// The same for all that is assigned.
  Result<void> try_pause() { return detail::call(levada_consumer_pause, get(), nullptr); }

  /// Reads these again. Errors: NotFound (not this consumer's).
  Result<void> try_resume(const Positions& partitions) {
    return detail::call(levada_consumer_resume, get(), detail::Needed(partitions));
  }
  /// The same for all that is assigned.
  Result<void> try_resume() { return detail::call(levada_consumer_resume, get(), nullptr); }

  /// Commits where the consumer stands, and waits until that is durable. Errors: Invalid (no
  /// group), Conflict or Fenced (the group has moved on), Timeout.
  Result<void> try_commit() { return detail::call(levada_consumer_commit, get(), nullptr); }
  /// The same with offsets of your own, the next ones to read.
  Result<void> try_commit(const Positions& offsets) {
    return detail::call(levada_consumer_commit, get(), detail::Needed(offsets));
  }

  /// Commits where the consumer stands and does not wait.
  Result<Commit> try_commit_async() {
    return detail::make<Commit>(levada_consumer_commit_async, get(), nullptr);
  }
  /// The same with offsets of your own, the next ones to read.
  Result<Commit> try_commit_async(const Positions& offsets) {
    return detail::make<Commit>(levada_consumer_commit_async, get(), detail::Needed(offsets));
  }

  /// Has `callback` told which partitions come and go: called with a Rebalance and a PositionsView
  /// that is valid during the call, on the thread and within the call that polls, subscribes or
  /// closes. It may seek, commit and pause, not poll. It returns nothing, a Status or a
  /// Result<void>; a failure, or an exception (its status if it is an Error, else Internal), makes
  /// that call fail; its text is lost. The change stands either way.
  ///
  /// It replaces the one before; nullptr ends it. Errors: Invalid (no group), Closed.
  template <class Callback>
  Result<void> try_on_rebalance(Callback&& callback) {
    return listen(detail::rebalance_callback(std::forward<Callback>(callback)));
  }
  Result<void> try_on_rebalance(std::nullptr_t) { return listen({}); }

  /// Has `callback` called once when a poll may find something; for event loops: poll without
  /// waiting, and if that gives nothing, leave a callback and come back. In a group poll every
  /// second all the same. It is called on any thread, also within this call. It should wake the
  /// loop and return; it must not use the consumer, and what it throws is swallowed.
  ///
  /// It is called when the consumer is closed or freed at the latest, and may run on for a moment
  /// on another thread after that: let it own what it touches. Errors: Invalid (no function),
  /// Closed, Conflict (another thread is in a call).
  Result<void> try_on_ready(ReadyCallback callback) {
    if (!callback) return detail::invalid("there is no function to call");
    auto kept = std::make_unique<const ReadyCallback>(std::move(callback));
    void* user_data = const_cast<ReadyCallback*>(kept.get());
    Result<void> done =
        detail::call(levada_consumer_on_ready, get(), &detail::call_ready, user_data);
    // From here on it is its own.
    if (done) static_cast<void>(kept.release());
    return done;
  }

  /// Commits (with `enable.auto.commit`), leaves the group and ends. Wakes and waits for a call
  /// under way in another thread. Once is enough. Errors: Timeout (of the commit), and what a
  /// rebalance callback failed with.
  Result<void> try_close() { return detail::call(levada_consumer_close, get()); }

#ifndef LEVADA_NO_EXCEPTIONS
  // Each does what the one with `try_` before its name does, or throws.

  void subscribe(const StringList& topics) { try_subscribe(topics).value(); }
  void subscribe_pattern(std::string_view pattern) { try_subscribe_pattern(pattern).value(); }
  void unsubscribe() { try_unsubscribe().value(); }
  void assign(const Positions& partitions) { try_assign(partitions).value(); }
  Positions assignment() { return try_assignment().value(); }
  Batch poll(Timeout timeout, std::size_t records_max = 0) {
    return try_poll(timeout, records_max).value();
  }
  ArrowStream poll_arrow(Timeout timeout, std::size_t bytes_max = 0, Layout layout = Layout::View) {
    return try_poll_arrow(timeout, bytes_max, layout).value();
  }
  void seek(std::string_view topic, std::int32_t partition, std::int64_t offset) {
    try_seek(topic, partition, offset).value();
  }
  void seek_to_time(std::string_view topic, std::int32_t partition, Timestamp time) {
    try_seek_to_time(topic, partition, time).value();
  }
  void seek_to_time(Timestamp time) { try_seek_to_time(time).value(); }
  void seek_to_beginning(std::string_view topic, std::int32_t partition) {
    try_seek_to_beginning(topic, partition).value();
  }
  void seek_to_beginning() { try_seek_to_beginning().value(); }
  void seek_to_end(std::string_view topic, std::int32_t partition) {
    try_seek_to_end(topic, partition).value();
  }
  void seek_to_end() { try_seek_to_end().value(); }
  std::int64_t position(std::string_view topic, std::int32_t partition) {
    return try_position(topic, partition).value();
  }
  std::optional<std::int64_t> committed(std::string_view topic, std::int32_t partition) {
    return try_committed(topic, partition).value();
  }
  Positions lag() { return try_lag().value(); }
  void pause(const Positions& partitions) { try_pause(partitions).value(); }
  void pause() { try_pause().value(); }
  void resume(const Positions& partitions) { try_resume(partitions).value(); }
  void resume() { try_resume().value(); }
  void commit() { try_commit().value(); }
  void commit(const Positions& offsets) { try_commit(offsets).value(); }
  Commit commit_async() { return try_commit_async().value(); }
  Commit commit_async(const Positions& offsets) { return try_commit_async(offsets).value(); }
  template <class Callback>
  void on_rebalance(Callback&& callback) {
    try_on_rebalance(std::forward<Callback>(callback)).value();
  }
  void on_ready(ReadyCallback callback) { try_on_ready(std::move(callback)).value(); }
  void close() { try_close().value(); }
#endif

  /// Gives the C handle away. The rebalance callback stays in memory until the process ends, since
  /// nobody can tell any more when it was called last.
  [[nodiscard]] levada_consumer* release() noexcept {
    static_cast<void>(listener_.release());
    return Handle::release();
  }

 private:
  Result<void> listen(detail::RebalanceCallback callback) {
    if (listener_ == nullptr) listener_ = std::make_unique<detail::RebalanceListener>();
    const auto function = callback ? &detail::RebalanceListener::called : nullptr;
    auto before =
        listener_->set(std::make_shared<const detail::RebalanceCallback>(std::move(callback)));
    Result<void> done =
        detail::call(levada_consumer_on_rebalance, get(), function, listener_.get());
    if (!done) listener_->set(std::move(before));
    return done;
  }

  // On the heap: the library keeps its address, and the consumer may be moved.
  std::unique_ptr<detail::RebalanceListener> listener_;
};

LEVADA_INLINE_END
}  // namespace levada

#endif
