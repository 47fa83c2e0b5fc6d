/// @file
/// The fast way to send: a topic that is looked up once.
#ifndef LEVADA_WRITER_HPP
#define LEVADA_WRITER_HPP

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "bytes.hpp"
#include "call.hpp"
#include "columns.hpp"
#include "delivery.hpp"
#include "handle.hpp"
#include "headers.hpp"
#include "positions.hpp"
#include "time.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

/// What a record has besides key and value. In C++20: `{.partition = 3, .headers = &headers}`.
struct SendOptions {
  /// By key, or the producer's choice, if not said.
  std::int32_t partition = any_partition;
  /// Now, if not said.
  Timestamp timestamp{};
  /// None, if not said. Borrowed for the call.
  const Headers* headers = nullptr;
};

/// Sends records to one topic; made by Producer::writer(). Threads may share it. It may outlive its
/// producer, and gives Closed then.
///
/// Sending copies keys, values and headers and returns at once; it waits only while `buffer.memory`
/// is full, for `max.block.ms` at most. Records of one thread to one partition keep their order.
///
/// Errors of all that send: Invalid (too large, no such partition), NotFound (the topic is gone),
/// Timeout (no room in time), Closed. A record that was taken and could not be delivered shows in
/// its Delivery or Report, and in Producer::flush() if nobody has looked there.
class Writer : public detail::Handle<levada_writer, levada_writer_free> {
 public:
  using Handle::Handle;

  /// Sends a record without a key.
  Result<void> try_send(bytes value) { return try_send(null, value); }

  /// Sends a record. A null value says "deleted" in a compacted topic.
  Result<void> try_send(bytes key, bytes value, std::int32_t partition = any_partition) {
    return detail::call(levada_writer_send, get(), partition, pointer(key), key.size(),
                        pointer(value), value.size());
  }

  /// Sends a record whose outcome is reported with `tag`: to the callback of
  /// Producer::on_delivery(), or else through Producer::poll(). Whoever has no callback must poll:
  /// Unavailable once a million reports wait.
  Result<void> try_send_record(bytes key, bytes value, const SendOptions& with,
                               void* tag = nullptr) {
    if (is_lost(with.headers)) return detail::invalid(lost);
    return detail::call(levada_writer_send_record, get(), with.partition, with.timestamp.ms(),
                        raw(with.headers), pointer(key), key.size(), pointer(value), value.size(),
                        tag);
  }

  /// Sends a record and gives what tells its outcome.
  Result<Delivery> try_send_tracked(bytes key, bytes value, const SendOptions& with = {}) {
    if (is_lost(with.headers)) return detail::invalid(lost);
    return detail::make<Delivery>(levada_writer_send_tracked, get(), with.partition,
                                  with.timestamp.ms(), raw(with.headers), pointer(key), key.size(),
                                  pointer(value), value.size());
  }

  /// Sends many records. `*sent` (if not NULL) is how many were taken, also when one was refused:
  /// those before it are on their way.
  Result<void> try_send_many(const Columns& records, std::int32_t partition = any_partition,
                             std::size_t* sent = nullptr) {
    return detail::call(levada_writer_send_many, get(), partition, records.count, records.keys,
                        records.key_sizes, records.values, records.value_sizes, records.timestamps,
                        static_cast<levada_delivery**>(nullptr), sent);
  }

  /// The same, and gives what tells the outcome of all.
  Result<Delivery> try_send_many_tracked(const Columns& records,
                                         std::int32_t partition = any_partition,
                                         std::size_t* sent = nullptr) {
    levada_delivery* delivery = nullptr;
    const Result<void> done = detail::call(
        levada_writer_send_many, get(), partition, records.count, records.keys, records.key_sizes,
        records.values, records.value_sizes, records.timestamps, &delivery, sent);
    if (!done) return done.error();
    return Delivery(delivery);
  }

  /// Sends the values of a range (each whatever `bytes` is made of), without keys.
  template <class Values, class = decltype(bytes(*std::declval<const Values&>().begin()))>
  Result<Delivery> try_send_values(const Values& values, std::int32_t partition = any_partition) {
    std::vector<const void*> data;
    std::vector<std::size_t> sizes;
    for (const auto& value : values) {
      const bytes view(value);
      data.push_back(view.data());
      sizes.push_back(view.size());
    }
    Columns columns;
    columns.count = data.size();
    columns.values = data.data();
    columns.value_sizes = sizes.data();
    return try_send_many_tracked(columns, partition);
  }

#ifndef LEVADA_NO_EXCEPTIONS
  /// try_send(), or throws.
  void send(bytes value) { try_send(value).value(); }
  void send(bytes key, bytes value, std::int32_t partition = any_partition) {
    try_send(key, value, partition).value();
  }
  /// try_send_record(), or throws.
  void send_record(bytes key, bytes value, const SendOptions& with, void* tag = nullptr) {
    try_send_record(key, value, with, tag).value();
  }
  /// try_send_tracked(), or throws.
  Delivery send_tracked(bytes key, bytes value, const SendOptions& with = {}) {
    return try_send_tracked(key, value, with).value();
  }
  /// try_send_many(), or throws; `*sent` is written then too.
  void send_many(const Columns& records, std::int32_t partition = any_partition,
                 std::size_t* sent = nullptr) {
    try_send_many(records, partition, sent).value();
  }
  /// try_send_many_tracked(), or throws; `*sent` is written then too.
  Delivery send_many_tracked(const Columns& records, std::int32_t partition = any_partition,
                             std::size_t* sent = nullptr) {
    return try_send_many_tracked(records, partition, sent).value();
  }
  /// try_send_values(), or throws.
  template <class Values, class = decltype(bytes(*std::declval<const Values&>().begin()))>
  Delivery send_values(const Values& values, std::int32_t partition = any_partition) {
    return try_send_values(values, partition).value();
  }
#endif

 private:
  static constexpr const char* lost = "the headers are an empty handle";

  static const void* pointer(bytes of) noexcept { return of.data(); }
  static const levada_headers* raw(const Headers* headers) noexcept {
    return headers == nullptr ? nullptr : headers->get();
  }
  /// Headers that were moved away would be sent as none.
  static bool is_lost(const Headers* headers) noexcept { return headers != nullptr && !*headers; }
};

LEVADA_INLINE_END
}  // namespace levada

#endif
