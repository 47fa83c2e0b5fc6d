/// @file
/// A topic as an Arrow stream, over archive and live log.
#ifndef LEVADA_SCAN_HPP
#define LEVADA_SCAN_HPP

#include <cstdint>
#include <utility>

#include "arrow.hpp"
#include "call.hpp"
#include "handle.hpp"
#include "time.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

/// What is to be read of a topic; made by Database::scan(). By default that is all: every
/// partition, every column, what is committed.
///
/// Functions that narrow it give it back, so that calls can follow each other:
/// `auto stream = database.scan("orders").columns({"offset",
/// "value"}).from_time(yesterday).stream();` One thread at a time.
class Scan : public detail::Handle<levada_scan, levada_scan_free> {
 public:
  using Handle::Handle;

  /// These columns alone.
  Result<void> try_columns(const StringList& names) {
    return detail::call(levada_scan_columns, get(), detail::Array(names));
  }
  /// This partition; each call adds one.
  Result<void> try_partition(std::int32_t partition) {
    return detail::call(levada_scan_partition, get(), partition);
  }
  /// From this offset on. Errors: Invalid (negative, or a time was said).
  Result<void> try_from_offset(std::int32_t partition, std::int64_t offset) {
    return detail::call(levada_scan_from_offset, get(), partition, offset);
  }
  /// Up to this offset, without it. Errors: as try_from_offset().
  Result<void> try_until_offset(std::int32_t partition, std::int64_t offset) {
    return detail::call(levada_scan_until_offset, get(), partition, offset);
  }
  /// From this time on. Errors: Invalid (offsets were said).
  Result<void> try_from_time(Timestamp time) {
    return detail::call(levada_scan_from_time, get(), time.ms());
  }
  /// Up to this time, without it. Errors: as try_from_time().
  Result<void> try_until_time(Timestamp time) {
    return detail::call(levada_scan_until_time, get(), time.ms());
  }
  /// Whether records of transactions that are open or aborted are left out; they are by default.
  Result<void> try_committed(bool committed) {
    return detail::call(levada_scan_committed, get(), committed);
  }
  /// How keys and values lie in Arrow; Layout::View by default.
  Result<void> try_layout(Layout layout) {
    return detail::call(levada_scan_layout, get(), static_cast<levada_layout>(layout));
  }

  /// A stream of what is there now, from the beginning; as often as one likes. It outlives the
  /// scan. Errors: Invalid, NotFound, OutOfRange (columns, partitions or offsets that are not
  /// there), Closed. Those of reading come out of the stream.
  Result<ArrowStream> try_stream() {
    ArrowArrayStream raw{};
    const Result<void> done = detail::call(levada_scan_stream, get(), &raw);
    if (!done) return done.error();
    return ArrowStream(&raw);
  }

#ifndef LEVADA_NO_EXCEPTIONS
  // Each does what the one with `try_` before its name does, or throws.

  Scan& columns(const StringList& names) & { return done(try_columns(names)); }
  Scan& partition(std::int32_t partition) & { return done(try_partition(partition)); }
  Scan& from_offset(std::int32_t partition, std::int64_t offset) & {
    return done(try_from_offset(partition, offset));
  }
  Scan& until_offset(std::int32_t partition, std::int64_t offset) & {
    return done(try_until_offset(partition, offset));
  }
  Scan& from_time(Timestamp time) & { return done(try_from_time(time)); }
  Scan& until_time(Timestamp time) & { return done(try_until_time(time)); }
  Scan& committed(bool committed) & { return done(try_committed(committed)); }
  Scan& layout(Layout layout) & { return done(try_layout(layout)); }

  // Of a scan without a name, so that the end of such a row of calls can be kept.
  Scan&& columns(const StringList& names) && { return std::move(columns(names)); }
  Scan&& partition(std::int32_t partition) && { return std::move(this->partition(partition)); }
  Scan&& from_offset(std::int32_t partition, std::int64_t offset) && {
    return std::move(from_offset(partition, offset));
  }
  Scan&& until_offset(std::int32_t partition, std::int64_t offset) && {
    return std::move(until_offset(partition, offset));
  }
  Scan&& from_time(Timestamp time) && { return std::move(from_time(time)); }
  Scan&& until_time(Timestamp time) && { return std::move(until_time(time)); }
  Scan&& committed(bool committed) && { return std::move(this->committed(committed)); }
  Scan&& layout(Layout layout) && { return std::move(this->layout(layout)); }

  ArrowStream stream() { return try_stream().value(); }

 private:
  Scan& done(const Result<void>& narrowed) {
    narrowed.value();
    return *this;
  }
#endif
};

LEVADA_INLINE_END
}  // namespace levada

#endif
