/// @file
/// The way into C: arguments turned into C's, an error object turned into a Result.
#ifndef LEVADA_CALL_HPP
#define LEVADA_CALL_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "options.hpp"
#include "result.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

namespace detail {

// Kafka's INVALID_REQUEST, the code of an Invalid error that has no other.
inline constexpr std::int16_t invalid_request = 42;

inline Error invalid(const char* message) {
  return Error(Status::Invalid, message, invalid_request);
}

/// Texts with a NUL inside would reach C cut short, and name something else.
inline const char* complaint_about(std::string_view text) noexcept {
  return text.find('\0') == std::string_view::npos ? nullptr
                                                   : "a name or a setting has a NUL in it";
}

/// An argument that is checked, and then given to C in another form.
struct Adapted {};

/// A name, which ends in NUL for C.
class Name : public Adapted {
 public:
  explicit Name(std::string_view text) : text_(text) {}
  const char* complaint() const noexcept { return complaint_about(text_); }
  const char* raw() const noexcept { return text_.c_str(); }

 private:
  std::string text_;
};

/// Texts as an array of C's that ends in NULL. It looks into what it was made of.
class Array : public Adapted {
 public:
  explicit Array(const Options& options) : Array(options.flat()) {}
  explicit Array(const StringList& list) : Array(list.texts()) {}

  const char* complaint() const noexcept { return complaint_; }
  const char* const* raw() const noexcept { return texts_.data(); }

 private:
  explicit Array(const std::vector<std::string>& texts) {
    texts_.reserve(texts.size() + 1);
    for (const std::string& text : texts) {
      if (complaint_ == nullptr) complaint_ = complaint_about(text);
      texts_.push_back(text.c_str());
    }
    texts_.push_back(nullptr);
  }

  std::vector<const char*> texts_;
  const char* complaint_ = nullptr;
};

/// A handle as an argument. C takes NULL for "all" or "none" there; an empty handle never means
/// that.
template <class C>
class Needed : public Adapted {
 public:
  template <class HandleOfC>
  explicit Needed(const HandleOfC& handle) noexcept : raw_(handle.get()) {}
  const char* complaint() const noexcept {
    return raw_ == nullptr ? "an argument is an empty handle" : nullptr;
  }
  C* raw() const noexcept { return raw_; }

 private:
  C* raw_;
};
template <class HandleOfC>
Needed(const HandleOfC&) -> Needed<typename HandleOfC::c_type>;

template <class T>
const char* complaint_of(const T& argument) noexcept {
  if constexpr (std::is_base_of_v<Adapted, T>) {
    return argument.complaint();
  } else {
    return nullptr;
  }
}

template <class T>
auto raw_of(const T& argument) noexcept {
  if constexpr (std::is_base_of_v<Adapted, T>) {
    return argument.raw();
  } else {
    return argument;
  }
}

/// Calls a function of C that takes the error last.
template <class Function, class... Arguments>
Result<void> call(Function function, const Arguments&... arguments) {
  const char* complaint = nullptr;
  // The first that complains ends the search.
  static_cast<void>((((complaint = complaint_of(arguments)) != nullptr) || ...));
  if (complaint != nullptr) return invalid(complaint);
  levada_error* error = nullptr;
  const levada_status status = function(raw_of(arguments)..., &error);
  if (status == LEVADA_OK) return {};
  return Error::taken_from(status, error);
}

/// The same for a function that gives a value through its last parameter but one.
template <class Value, class Function, class... Arguments>
Result<Value> call_for(Function function, const Arguments&... arguments) {
  Value value{};
  const Result<void> done = call(function, arguments..., &value);
  if (!done) return done.error();
  return value;
}

/// The same for a function that makes a handle.
template <class Made, class Function, class... Arguments>
Result<Made> make(Function function, const Arguments&... arguments) {
  typename Made::c_type* raw = nullptr;
  const Result<void> done = call(function, arguments..., &raw);
  if (!done) return done.error();
  return Made(raw);
}

/// Text of C's, which may be NULL on a handle that is empty.
inline std::string_view text_of(const char* text) noexcept {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

/// Stands for no offset where C says -1.
inline std::optional<std::int64_t> if_there(std::int64_t offset) noexcept {
  if (offset == LEVADA_OFFSET_NONE) return std::nullopt;
  return offset;
}

/// Calls what the user gave. An exception must not reach the C layer: there it ends the process.
template <class Function>
void call_back(const Function& function) noexcept {
#ifndef LEVADA_NO_EXCEPTIONS
  try {
    function();
  } catch (...) {
    // The library has nowhere to put it, and nobody waits for this callback.
  }
#else
  function();
#endif
}

/// The same for a callback whose failure counts: an exception becomes a status.
template <class Function>
std::int32_t call_back_for_status(const Function& function) noexcept {
#ifndef LEVADA_NO_EXCEPTIONS
  try {
    return static_cast<std::int32_t>(function());
  } catch (const Error& error) {
    return static_cast<std::int32_t>(error.status());
  } catch (...) {
    return static_cast<std::int32_t>(Status::Internal);
  }
#else
  return static_cast<std::int32_t>(function());
#endif
}

}  // namespace detail

LEVADA_INLINE_END
}  // namespace levada

#endif
