/// @file
/// Sends records to topics.
#ifndef LEVADA_PRODUCER_HPP
#define LEVADA_PRODUCER_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include "arrow.hpp"
#include "bytes.hpp"
#include "call.hpp"
#include "consumer.hpp"
#include "delivery.hpp"
#include "handle.hpp"
#include "positions.hpp"
#include "time.hpp"
#include "transaction.hpp"
#include "writer.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

/// Told how it went with each record of Writer::send_record(). The Report is valid during the call.
using DeliveryCallback = std::function<void(const Report&)>;

/// Sends records to topics; made by Database::producer(). Threads may share it.
///
/// Records gather into batches by `batch.size` and `linger.ms`. A delivery that is done is on the
/// disk, unless the topic has `levada.durability=cache`. What was sent before close() is delivered;
/// a producer that is freed without it delivers too, for `max.block.ms` at most, and cannot say
/// what went wrong.
class Producer : public detail::Handle<levada_producer, levada_producer_free> {
 public:
  using Handle::Handle;
  Producer(Producer&&) noexcept = default;
  Producer& operator=(Producer&&) noexcept = default;
  /// Closes it if that was not done. Not to be called by its own delivery callback.
  ~Producer() { reset(); }

  /// A topic to send to, looked up once. Errors: NotFound, Closed.
  Result<Writer> try_writer(std::string_view topic) {
    return detail::make<Writer>(levada_writer_new, get(), detail::Name(topic));
  }

  /// Sends a record to a topic by name; a Writer is faster. Errors: as those of Writer.
  Result<void> try_send(std::string_view topic, bytes key, bytes value,
                        std::int32_t partition = any_partition) {
    return detail::call(levada_producer_send, get(), detail::Name(topic), partition,
                        static_cast<const void*>(key.data()), key.size(),
                        static_cast<const void*>(value.data()), value.size());
  }

  /// Sends the rows of an Arrow stream and gives how many. Columns: `value`, and if wanted `key`,
  /// `timestamp`, `headers`; with `keep_partitions` the column `partition` says where a row goes.
  /// The stream is taken over, also when the call fails. Errors: Invalid (columns or types that are
  /// not understood), what the stream itself says, and as those of Writer.
  Result<std::uint64_t> try_send_arrow(std::string_view topic, ArrowStream stream,
                                       bool keep_partitions = false) {
    return detail::call_for<std::uint64_t>(levada_producer_send_arrow, get(), detail::Name(topic),
                                           stream.get(), keep_partitions);
  }

  /// Waits until all that was sent is delivered, and its callbacks have run. Errors: Timeout, and
  /// the first failed delivery that nobody has looked at.
  Result<void> try_flush(Timeout timeout = forever) {
    return detail::call(levada_producer_flush, get(), timeout.ms());
  }

  /// Flushes and ends; a transaction that is open is aborted. Once is enough. Errors: as
  /// try_flush().
  Result<void> try_close(Timeout timeout = forever) {
    return detail::call(levada_producer_close, get(), timeout.ms());
  }

  /// Bytes that are sent and not delivered.
  std::size_t buffered_bytes() const noexcept { return levada_producer_buffered(get()); }

  /// Has `callback` told of each record of Writer::send_record(), on a thread of the producer's,
  /// one after the other. It may use the library and take its time; it must not free the producer.
  /// What it throws is swallowed. It lives as long as the producer, wherever that is moved to.
  ///
  /// Once, before the first send_record(). Errors: Invalid (no function), Conflict (there is one,
  /// or it is too late), Closed.
  Result<void> try_on_delivery(DeliveryCallback callback) {
    if (!callback) return detail::invalid("there is no function to call");
    auto kept = std::make_unique<DeliveryCallback>(std::move(callback));
    Result<void> done =
        detail::call(levada_producer_on_delivery, get(), &Producer::delivered, kept.get());
    if (done) callback_ = std::move(kept);
    return done;
  }

  /// Reports of Writer::send_record(), where no callback takes them: as soon as there are some,
  /// none when the time is over. Errors: Conflict (there is a callback).
  Result<Reports> try_poll(Timeout timeout) {
    return detail::make<Reports>(levada_producer_poll, get(), timeout.ms());
  }

  /// Begins a transaction. The producer needs a `transactional.id`. Errors: Invalid (it has none),
  /// Conflict (one is open), Fenced.
  Result<void> try_begin() { return detail::call(levada_producer_begin, get()); }

  /// Delivers what was sent in the transaction and commits: then it is durable, and consumers with
  /// `isolation.level=read_committed` see it. Errors: the first failed delivery (abort then),
  /// Fenced, Conflict (none is open), Timeout (commit again: it may have come true).
  Result<void> try_commit(Timeout timeout = forever) {
    return detail::call(levada_producer_commit, get(), timeout.ms());
  }

  /// Gives the transaction up: nothing of it is read by such consumers. Errors: Fenced, Conflict
  /// (none is open), Timeout (abort again).
  Result<void> try_abort(Timeout timeout = forever) {
    return detail::call(levada_producer_abort, get(), timeout.ms());
  }

  /// Commits where `consumer` stands as part of the transaction: what was read counts as read when
  /// what was made of it is there. The consumer needs a group and `enable.auto.commit=false`.
  /// Errors: Invalid, Conflict (no transaction is open, the group has moved on), Fenced.
  Result<void> try_send_offsets(Consumer& consumer) {
    return detail::send_offsets(get(), consumer);
  }
  /// The same with offsets of your own, the next ones to read.
  Result<void> try_send_offsets(Consumer& consumer, const Positions& offsets) {
    return detail::send_offsets(get(), consumer, offsets);
  }

  /// Begins a transaction, calls `body` with a Transaction, and commits. It aborts instead when
  /// `body` returns an error (of a Result), throws, or calls Transaction::abort(), and when the
  /// commit fails. Gives what `body` returned. What `body` throws goes on to the caller.
  ///
  /// `timeout` is for the commit, and once more for an abort. A Timeout of the commit leaves open
  /// whether it has come true.
  template <class Body>
  auto try_transaction(Body&& body, Timeout timeout = forever)
      -> Result<detail::Outcome<std::invoke_result_t<Body, Transaction&>>> {
    return Transaction::run(get(), std::forward<Body>(body), timeout);
  }

#ifndef LEVADA_NO_EXCEPTIONS
  /// try_writer(), or throws.
  Writer writer(std::string_view topic) { return try_writer(topic).value(); }
  /// try_send(), or throws.
  void send(std::string_view topic, bytes key, bytes value,
            std::int32_t partition = any_partition) {
    try_send(topic, key, value, partition).value();
  }
  /// try_send_arrow(), or throws.
  std::uint64_t send_arrow(std::string_view topic, ArrowStream stream,
                           bool keep_partitions = false) {
    return try_send_arrow(topic, std::move(stream), keep_partitions).value();
  }
  /// try_flush(), or throws.
  void flush(Timeout timeout = forever) { try_flush(timeout).value(); }
  /// try_close(), or throws.
  void close(Timeout timeout = forever) { try_close(timeout).value(); }
  /// try_on_delivery(), or throws.
  void on_delivery(DeliveryCallback callback) { try_on_delivery(std::move(callback)).value(); }
  /// try_poll(), or throws.
  Reports poll(Timeout timeout) { return try_poll(timeout).value(); }
  /// try_begin(), or throws.
  void begin() { try_begin().value(); }
  /// try_commit(), or throws.
  void commit(Timeout timeout = forever) { try_commit(timeout).value(); }
  /// try_abort(), or throws.
  void abort(Timeout timeout = forever) { try_abort(timeout).value(); }
  /// try_send_offsets(), or throws.
  void send_offsets(Consumer& consumer) { try_send_offsets(consumer).value(); }
  void send_offsets(Consumer& consumer, const Positions& offsets) {
    try_send_offsets(consumer, offsets).value();
  }
  /// try_transaction(), or throws: what `body` threw, the error that it returned, or that of the
  /// commit.
  ///
  /// @code
  /// producer.transaction([&](levada::Transaction& tx) {
  ///   producer.send("totals", levada::null, total);
  ///   tx.send_offsets(consumer);
  /// });
  /// @endcode
  template <class Body>
  auto transaction(Body&& body, Timeout timeout = forever)
      -> detail::Outcome<std::invoke_result_t<Body, Transaction&>> {
    return try_transaction(std::forward<Body>(body), timeout).value();
  }
#endif

  /// Gives the C handle away. The delivery callback stays in memory until the process ends, since
  /// nobody can tell any more when it was called last.
  [[nodiscard]] levada_producer* release() noexcept {
    static_cast<void>(callback_.release());
    return Handle::release();
  }

 private:
  static void delivered(void* user_data, void* tag, std::int32_t partition, std::int64_t offset,
                        std::int64_t timestamp_ms, const levada_error* error) {
    const auto& callback = *static_cast<const DeliveryCallback*>(user_data);
    detail::call_back([&] { callback(Report(tag, partition, offset, timestamp_ms, error)); });
  }

  // On the heap: the library keeps its address, and the producer may be moved.
  std::unique_ptr<DeliveryCallback> callback_;
};

LEVADA_INLINE_END
}  // namespace levada

#endif
