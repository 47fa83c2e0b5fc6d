/// @file
/// Headers of records that are sent.
#ifndef LEVADA_HEADERS_HPP
#define LEVADA_HEADERS_HPP

#include <cstddef>
#include <initializer_list>
#include <string_view>

#include "bytes.hpp"
#include "call.hpp"
#include "handle.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

/// A header of a record: a name, which may come several times, and a value that may be null.
struct Header {
  std::string_view name;
  bytes value;
};

/// Headers for sending, in their order. Sending copies them: one list serves for many records. One
/// thread at a time changes it.
class Headers : public detail::Handle<levada_headers, levada_headers_free> {
 public:
  using Handle::Handle;

  /// A new list of these. Names and values are copied.
  static Result<Headers> try_of(std::initializer_list<Header> headers = {}) {
    Result<Headers> made = detail::make<Headers>(levada_headers_new);
    if (!made) return made;
    for (const Header& header : headers) {
      const Result<void> added = made->try_add(header.name, header.value);
      if (!added) return added.error();
    }
    return made;
  }

  /// Adds one at the end. Name and value are copied.
  Result<void> try_add(std::string_view name, bytes value) {
    return detail::call(levada_headers_add, get(), detail::Name(name),
                        static_cast<const void*>(value.data()), value.size());
  }

#ifndef LEVADA_NO_EXCEPTIONS
  /// try_of(), or throws.
  static Headers of(std::initializer_list<Header> headers = {}) { return try_of(headers).value(); }
  /// try_add(), or throws. Gives itself back, so that calls can follow each other.
  Headers& add(std::string_view name, bytes value) {
    try_add(name, value).value();
    return *this;
  }
#endif

  std::size_t size() const noexcept { return levada_headers_count(get()); }
  bool empty() const noexcept { return size() == 0; }

  /// Removes all.
  void clear() noexcept { levada_headers_clear(get()); }
};

LEVADA_INLINE_END
}  // namespace levada

#endif
