/// @file
/// Records that were read, in place.
#ifndef LEVADA_BATCH_HPP
#define LEVADA_BATCH_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "bytes.hpp"
#include "call.hpp"
#include "columns.hpp"
#include "handle.hpp"
#include "headers.hpp"
#include "range.hpp"
#include "time.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

namespace detail {

/// The columns of a batch. Each is asked for once, when it is first wanted, so that a record costs
/// no call. Threads may read a batch together: they ask for the same, and get the same.
class BatchColumns {
 public:
  explicit BatchColumns(const levada_batch* raw) noexcept
      : raw_(raw), count_(levada_batch_count(raw)) {}

  const levada_batch* raw() const noexcept { return raw_; }
  std::size_t count() const noexcept { return count_; }
  const std::int64_t* offsets() const noexcept { return once(offsets_, levada_batch_offsets); }
  const std::int64_t* timestamps() const noexcept {
    return once(timestamps_, levada_batch_timestamps);
  }
  const std::int32_t* partitions() const noexcept {
    return once(partitions_, levada_batch_partitions);
  }
  const void* const* keys() const noexcept { return once(keys_, levada_batch_keys); }
  const std::size_t* key_sizes() const noexcept { return once(key_sizes_, levada_batch_key_sizes); }
  const void* const* values() const noexcept { return once(values_, levada_batch_values); }
  const std::size_t* value_sizes() const noexcept {
    return once(value_sizes_, levada_batch_value_sizes);
  }

 private:
  template <class Column>
  Column once(std::atomic<Column>& known, Column (*ask)(const levada_batch*)) const noexcept {
    Column column = known.load(std::memory_order_acquire);
    if (column == nullptr) {
      column = ask(raw_);
      known.store(column, std::memory_order_release);
    }
    return column;
  }

  const levada_batch* raw_;
  std::size_t count_;
  mutable std::atomic<const std::int64_t*> offsets_{nullptr};
  mutable std::atomic<const std::int64_t*> timestamps_{nullptr};
  mutable std::atomic<const std::int32_t*> partitions_{nullptr};
  mutable std::atomic<const void* const*> keys_{nullptr};
  mutable std::atomic<const std::size_t*> key_sizes_{nullptr};
  mutable std::atomic<const void* const*> values_{nullptr};
  mutable std::atomic<const std::size_t*> value_sizes_{nullptr};
};

struct HeadersAccess {
  using value_type = Header;
  const levada_batch* raw = nullptr;
  std::size_t record = 0;

  value_type at(std::size_t index) const noexcept {
    std::size_t name_size = 0;
    std::size_t value_size = 0;
    const char* name = levada_batch_header_name(raw, record, index, &name_size);
    const void* value = levada_batch_header_value(raw, record, index, &value_size);
    Header header;
    if (name != nullptr) header.name = std::string_view(name, name_size);
    if (value != nullptr) header.value = bytes(value, value_size);
    return header;
  }
  std::size_t count() const noexcept { return levada_batch_header_count(raw, record); }
};

}  // namespace detail

/// The headers of a record: a range of Header, valid as long as its Batch is.
class RecordHeaders : public detail::Range<RecordHeaders, detail::HeadersAccess> {
 public:
  RecordHeaders() = default;
  explicit RecordHeaders(detail::HeadersAccess access) noexcept : access_(access) {}
  detail::HeadersAccess access() const noexcept { return access_; }

 private:
  detail::HeadersAccess access_;
};

/// A record in its Batch: two words, cheap to copy. All that it gives is borrowed from the Batch,
/// and valid as long as that lives, wherever it is moved to.
class Record {
 public:
  Record(const detail::BatchColumns* columns, std::size_t index) noexcept
      : columns_(columns), index_(index) {}

  std::string_view topic() const noexcept {
    return detail::text_of(levada_batch_topic(columns_->raw(), index_));
  }
  std::int32_t partition() const noexcept { return columns_->partitions()[index_]; }
  std::int64_t offset() const noexcept { return columns_->offsets()[index_]; }
  std::int64_t timestamp_ms() const noexcept { return columns_->timestamps()[index_]; }
  time_point timestamp() const noexcept { return time_of(timestamp_ms()); }

  /// Null if it has none.
  bytes key() const noexcept { return view(columns_->keys(), columns_->key_sizes()); }
  /// Null says "deleted" in a compacted topic.
  bytes value() const noexcept { return view(columns_->values(), columns_->value_sizes()); }

  RecordHeaders headers() const noexcept {
    return RecordHeaders(detail::HeadersAccess{columns_->raw(), index_});
  }

 private:
  bytes view(const void* const* data, const std::size_t* sizes) const noexcept {
    const void* there = data[index_];
    return there == nullptr ? bytes() : bytes(there, sizes[index_]);
  }

  const detail::BatchColumns* columns_;
  std::size_t index_;
};

namespace detail {

struct BatchAccess {
  using value_type = Record;
  const BatchColumns* columns = nullptr;
  value_type at(std::size_t index) const noexcept { return Record(columns, index); }
  std::size_t count() const noexcept { return columns == nullptr ? 0 : columns->count(); }
};

}  // namespace detail

/// The records of one poll: a range of Record, empty when nothing came.
///
/// @code
/// for (const levada::Record& r : consumer.poll(1s)) std::cout << r.value().text() << '\n';
/// @endcode
///
/// It keeps its bytes alive by itself, also after its consumer and its database are gone. Threads
/// may read it together.
class Batch : public detail::Handle<levada_batch, levada_batch_free>,
              public detail::Range<Batch, detail::BatchAccess> {
 public:
  constexpr Batch() noexcept = default;
  /// Takes over a handle of the C layer, which may be NULL.
  explicit Batch(levada_batch* taken) : Handle(taken) {
    if (taken != nullptr) columns_ = std::make_unique<detail::BatchColumns>(taken);
  }

  /// All records as columns, for work without a look at each; they belong to the batch. A part of
  /// it can be sent on as it is: see Writer::send_many().
  Columns columns() const noexcept {
    Columns columns;
    if (columns_ == nullptr) return columns;
    columns.count = columns_->count();
    columns.keys = columns_->keys();
    columns.key_sizes = columns_->key_sizes();
    columns.values = columns_->values();
    columns.value_sizes = columns_->value_sizes();
    columns.timestamps = columns_->timestamps();
    return columns;
  }
  /// size() offsets, or NULL if it is empty; the same for partitions.
  const std::int64_t* offsets() const noexcept {
    return columns_ == nullptr ? nullptr : columns_->offsets();
  }
  const std::int32_t* partitions() const noexcept {
    return columns_ == nullptr ? nullptr : columns_->partitions();
  }

  /// Gives the C handle away; its records and columns are not to be looked at through this any
  /// more.
  [[nodiscard]] levada_batch* release() noexcept {
    columns_.reset();
    return Handle::release();
  }
  /// Frees it now.
  void reset() noexcept {
    columns_.reset();
    Handle::reset();
  }

  detail::BatchAccess access() const noexcept { return detail::BatchAccess{columns_.get()}; }

 private:
  // On the heap, so that records find it when the batch is moved.
  std::unique_ptr<detail::BatchColumns> columns_;
};

LEVADA_INLINE_END
}  // namespace levada

#endif
