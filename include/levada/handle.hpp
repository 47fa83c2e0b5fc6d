/// @file
/// The owner of a C handle.
#ifndef LEVADA_HANDLE_HPP
#define LEVADA_HANDLE_HPP

#include <utility>

#include "config.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

namespace detail {

/// Owns one C handle and frees it; can be moved and not copied. Made by default, moved from or
/// released, it is empty: calls on it fail with Status::Invalid, what it is asked for is empty or
/// nothing, and nothing is freed.
template <class C, void (*Free)(C*)>
class Handle {
 public:
  /// The handle's type in levada.h.
  using c_type = C;

  /// Empty.
  constexpr Handle() noexcept = default;
  /// Takes over a handle of the C layer, which may be NULL.
  explicit constexpr Handle(C* taken) noexcept : raw_(taken) {}

  Handle(Handle&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      raw_ = std::exchange(other.raw_, nullptr);
    }
    return *this;
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  explicit operator bool() const noexcept { return raw_ != nullptr; }

  /// The C handle, which stays this object's; NULL if it is empty.
  C* get() const noexcept { return raw_; }

  /// Gives the C handle away: the caller frees it.
  [[nodiscard]] C* release() noexcept { return std::exchange(raw_, nullptr); }

  /// Frees it now.
  void reset() noexcept {
    if (C* raw = release()) Free(raw);
  }

 protected:
  ~Handle() { reset(); }

 private:
  C* raw_ = nullptr;
};

}  // namespace detail

LEVADA_INLINE_END
}  // namespace levada

#endif
