/// @file
/// The owner of an Arrow stream. The structs are those of Arrow's C interface, under its usual
/// guards: any Arrow library takes them as they are.
#ifndef LEVADA_ARROW_HPP
#define LEVADA_ARROW_HPP

#include <cstdint>
#include <utility>

#include "config.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

/// How keys and values lie in Arrow.
enum class Layout : std::int32_t {
  View = LEVADA_LAYOUT_VIEW,    ///< BinaryView: nothing is copied.
  Large = LEVADA_LAYOUT_LARGE,  ///< LargeBinary, for readers that do not know views.
  Small = LEVADA_LAYOUT_SMALL,  ///< Binary, with offsets of 32 bits.
};

/// Owns a stream of Arrow record batches and releases it; can be moved and not copied.
///
/// @code
/// levada::ArrowStream stream = database.scan("orders").stream();
/// auto reader = arrow::ImportRecordBatchReader(stream.get());  // takes it over
/// @endcode
///
/// One thread at a time reads it. It outlives the Scan or Consumer that it came from.
class ArrowStream {
 public:
  /// Empty: nothing to read and nothing to release.
  ArrowStream() noexcept = default;

  /// Takes a stream over; `*taken` counts as released afterwards.
  explicit ArrowStream(ArrowArrayStream* taken) noexcept { take(taken); }

  ArrowStream(ArrowStream&& other) noexcept { take(&other.stream_); }
  ArrowStream& operator=(ArrowStream&& other) noexcept {
    if (this != &other) {
      reset();
      take(&other.stream_);
    }
    return *this;
  }
  ArrowStream(const ArrowStream&) = delete;
  ArrowStream& operator=(const ArrowStream&) = delete;
  ~ArrowStream() { reset(); }

  /// Whether there is a stream that is not released.
  explicit operator bool() const noexcept { return stream_.release != nullptr; }

  /// The stream, for functions of C's; never NULL. Whoever takes it over leaves this object empty,
  /// by the rules of Arrow.
  ArrowArrayStream* get() noexcept { return &stream_; }

  /// Gives the stream away into `*out`, which must not hold another: its owner releases it.
  void release_to(ArrowArrayStream* out) noexcept { *out = std::exchange(stream_, {}); }

  /// Releases it now.
  void reset() noexcept {
    if (stream_.release != nullptr) stream_.release(&stream_);
    stream_ = {};
  }

 private:
  void take(ArrowArrayStream* from) noexcept {
    stream_ = *from;
    from->release = nullptr;
  }

  ArrowArrayStream stream_{};
};

LEVADA_INLINE_END
}  // namespace levada

#endif
