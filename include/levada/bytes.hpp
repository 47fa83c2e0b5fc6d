/// @file
/// A view of bytes that may be null, as Kafka's keys and values may be.
#ifndef LEVADA_BYTES_HPP
#define LEVADA_BYTES_HPP

#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "config.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

struct null_t {
  explicit constexpr null_t() noexcept = default;
};

/// Kafka's null: no key, or a value that says "deleted" in a compacted topic.
inline constexpr null_t null{};

/// Bytes that belong to somebody else, or null. Null and empty are two different things.
///
/// As an argument it is made of text, of any contiguous container of byte-sized elements
/// (`std::string`, `std::vector<std::byte>`, `std::span<const unsigned char>`), of a pointer and a
/// size, and of levada::null or std::nullopt. It copies nothing: what it looks at must outlive it.
class bytes {
 public:
  using value_type = std::byte;

  /// Null.
  constexpr bytes() noexcept = default;
  constexpr bytes(null_t) noexcept {}
  constexpr bytes(std::nullopt_t) noexcept {}
  constexpr bytes(std::nullptr_t) noexcept {}

  /// Never null: where there is nothing to look at (`data` is NULL), it is empty.
  bytes(const void* data, std::size_t size) noexcept
      : data_(data == nullptr ? nothing() : static_cast<const std::byte*>(data)),
        size_(data == nullptr ? 0 : size) {}

  bytes(std::string_view text) noexcept : bytes(text.data(), text.size()) {}

  /// Text up to its NUL; a NULL pointer is null.
  bytes(const char* text) noexcept
      : data_(reinterpret_cast<const std::byte*>(text)),
        size_(text == nullptr ? 0 : std::strlen(text)) {}

  /// Of a container. Its elements are one byte each.
  template <
      class Container,
      class Element = std::remove_pointer_t<decltype(std::declval<const Container&>().data())>,
      class = decltype(static_cast<std::size_t>(std::declval<const Container&>().size())),
      class = std::enable_if_t<sizeof(Element) == 1 && std::is_trivially_copyable_v<Element> &&
                               !std::is_same_v<Container, bytes> &&
                               !std::is_convertible_v<const Container&, std::string_view>>>
  bytes(const Container& container) noexcept
      : bytes(static_cast<const void*>(container.data()),
              static_cast<std::size_t>(container.size())) {}

  /// Of text such as std::string. Apart from the constructor above so that it takes one step only.
  template <class Text,
            class = std::enable_if_t<std::is_convertible_v<const Text&, std::string_view> &&
                                     !std::is_convertible_v<const Text&, const char*>>,
            class = void>
  bytes(const Text& text) noexcept : bytes(static_cast<std::string_view>(text)) {}

  /// An optional without a value is null.
  template <class T, class = std::enable_if_t<std::is_constructible_v<bytes, const T&>>>
  bytes(const std::optional<T>& maybe) noexcept : bytes(maybe ? bytes(*maybe) : bytes()) {}

  constexpr bool is_null() const noexcept { return data_ == nullptr; }
  constexpr bool has_value() const noexcept { return data_ != nullptr; }
  /// Whether it is not null, as of an optional.
  explicit constexpr operator bool() const noexcept { return data_ != nullptr; }

  /// NULL if it is null; not NULL if it is empty.
  constexpr const std::byte* data() const noexcept { return data_; }
  constexpr std::size_t size() const noexcept { return size_; }
  constexpr bool empty() const noexcept { return size_ == 0; }
  constexpr const std::byte* begin() const noexcept { return data_; }
  constexpr const std::byte* end() const noexcept { return size_ == 0 ? data_ : data_ + size_; }
  constexpr std::byte operator[](std::size_t index) const noexcept { return data_[index]; }

  /// Itself, or `other` if it is null.
  constexpr bytes value_or(bytes other) const noexcept { return has_value() ? *this : other; }

  /// As characters, empty if it is null; valid as long as the bytes are.
  std::string_view text() const noexcept {
    return size_ == 0 ? std::string_view()
                      : std::string_view(reinterpret_cast<const char*>(data_), size_);
  }
  explicit operator std::string_view() const noexcept { return text(); }

  /// Equal bytes; null equals null alone.
  friend bool operator==(bytes left, bytes right) noexcept {
    return left.is_null() == right.is_null() && left.text() == right.text();
  }
  friend bool operator!=(bytes left, bytes right) noexcept { return !(left == right); }

 private:
  /// Something that is not NULL, for empty bytes that lie nowhere.
  static const std::byte* nothing() noexcept {
    static constexpr std::byte there{};
    return &there;
  }

  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

LEVADA_INLINE_END
}  // namespace levada

#endif
