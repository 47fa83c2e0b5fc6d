/// @file
/// A topic as it was when it was described.
#ifndef LEVADA_TOPIC_HPP
#define LEVADA_TOPIC_HPP

#include <cstdint>
#include <string_view>

#include "call.hpp"
#include "handle.hpp"
#include "time.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

/// A topic's description; made by Database::topic(). It does not change: describe the topic again
/// for newer numbers. Texts are borrowed from it.
class Topic : public detail::Handle<levada_topic, levada_topic_free> {
 public:
  using Handle::Handle;

  std::string_view name() const noexcept { return detail::text_of(levada_topic_name(get())); }
  /// Its id, as Kafka writes one.
  std::string_view id() const noexcept { return detail::text_of(levada_topic_id(get())); }
  std::int64_t created_ms() const noexcept { return levada_topic_created(get()); }
  time_point created() const noexcept { return time_of(created_ms()); }
  bool is_internal() const noexcept { return levada_topic_is_internal(get()); }
  std::int32_t partition_count() const noexcept { return levada_topic_partition_count(get()); }

  // Of one partition; -1 if there is no such partition.

  /// The first offset that is there.
  std::int64_t start_offset(std::int32_t partition) const noexcept {
    return levada_topic_start_offset(get(), partition);
  }
  /// One after the last offset that readers see.
  std::int64_t end_offset(std::int32_t partition) const noexcept {
    return levada_topic_end_offset(get(), partition);
  }
  /// One after the last offset that is on the disk.
  std::int64_t durable_offset(std::int32_t partition) const noexcept {
    return levada_topic_durable_offset(get(), partition);
  }
  /// In bytes.
  std::int64_t size(std::int32_t partition) const noexcept {
    return levada_topic_size(get(), partition);
  }
};

LEVADA_INLINE_END
}  // namespace levada

#endif
