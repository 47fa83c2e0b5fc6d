/// @file
/// How it went with records that were sent.
#ifndef LEVADA_DELIVERY_HPP
#define LEVADA_DELIVERY_HPP

#include <cstddef>
#include <cstdint>
#include <optional>

#include "call.hpp"
#include "handle.hpp"
#include "lists.hpp"
#include "positions.hpp"
#include "time.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

/// A record, or many, on the way. Letting it go loses nothing: they are delivered all the same. Any
/// thread may look at it and wait.
class Delivery : public detail::Handle<levada_delivery, levada_delivery_free> {
 public:
  using Handle::Handle;

  /// Whether the outcome is known.
  bool is_done() const noexcept { return levada_delivery_is_done(get()); }

  /// Waits until all are delivered. Records may wait `linger.ms` for others: Producer::flush()
  /// hurries them. Errors: Timeout (the outcome is not known yet; wait again), and what the
  /// delivery failed with.
  Result<void> try_wait(Timeout timeout = forever) {
    return detail::call(levada_delivery_wait, get(), timeout.ms());
  }

#ifndef LEVADA_NO_EXCEPTIONS
  /// try_wait(), or throws.
  void wait(Timeout timeout = forever) { try_wait(timeout).value(); }
#endif

  /// Where the record went, of many the last of the batch that was begun last; -1 until it is
  /// delivered, and if it failed.
  std::int32_t partition() const noexcept { return levada_delivery_partition(get()); }
  std::int64_t offset() const noexcept { return levada_delivery_offset(get()); }
  std::int64_t timestamp_ms() const noexcept { return levada_delivery_timestamp(get()); }
  time_point timestamp() const noexcept { return time_of(timestamp_ms()); }
};

/// How it went with one record of Writer::send_record().
class Report {
 public:
  Report() = default;
  Report(void* tag, std::int32_t partition, std::int64_t offset, std::int64_t timestamp_ms,
         const levada_error* error) noexcept
      : tag_(tag),
        offset_(offset),
        timestamp_ms_(timestamp_ms),
        error_(error),
        partition_(partition) {}

  /// What the record was sent with.
  void* tag() const noexcept { return tag_; }

  bool is_delivered() const noexcept { return error_ == nullptr; }

  /// Why it was not delivered; nothing if it was. A copy: only the Report is bound to the callback,
  /// or to the Reports.
  std::optional<Error> error() const {
    if (error_ == nullptr) return std::nullopt;
    return Error::copy_of(LEVADA_INTERNAL, error_);
  }

  /// Where it went; -1 if it was not delivered.
  std::int32_t partition() const noexcept { return partition_; }
  std::int64_t offset() const noexcept { return offset_; }
  std::int64_t timestamp_ms() const noexcept { return timestamp_ms_; }
  time_point timestamp() const noexcept { return time_of(timestamp_ms_); }

 private:
  void* tag_ = nullptr;
  std::int64_t offset_ = no_offset;
  std::int64_t timestamp_ms_ = -1;
  const levada_error* error_ = nullptr;
  std::int32_t partition_ = -1;
};

namespace detail {

struct ReportsAccess {
  using value_type = Report;
  const levada_reports* raw = nullptr;
  value_type at(std::size_t index) const noexcept {
    return {levada_reports_tag(raw, index), levada_reports_partition(raw, index),
            levada_reports_offset(raw, index), levada_reports_timestamp(raw, index),
            levada_reports_error(raw, index)};
  }
  std::size_t count() const noexcept { return levada_reports_count(raw); }
};

}  // namespace detail

/// What Producer::poll() found: a range of Report, which are valid as long as it is.
class Reports : public detail::List<levada_reports, levada_reports_free, detail::ReportsAccess> {
  using List::List;
};

LEVADA_INLINE_END
}  // namespace levada

#endif
