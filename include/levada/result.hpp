/// @file
/// What functions that do not throw return: a value or an Error, in the manner of std::expected.
#ifndef LEVADA_RESULT_HPP
#define LEVADA_RESULT_HPP

#include <cstdlib>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "error.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

namespace detail {

/// Where a value was asked for and there is none.
[[noreturn]] inline void no_value(const Error& error) {
#ifndef LEVADA_NO_EXCEPTIONS
  error.raise();
#else
  static_cast<void>(error);
  std::abort();
#endif
}

}  // namespace detail

/// A value of type T, or what went wrong.
///
/// @code
/// levada::Result<levada::Database> opened = levada::Database::try_open("data");
/// if (!opened) return complain(opened.error().message());
/// levada::Database database = std::move(*opened);
/// @endcode
template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  using error_type = Error;

  Result(T value) noexcept(std::is_nothrow_move_constructible_v<T>)
      : outcome_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) noexcept : outcome_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const noexcept { return outcome_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  /// The value, or throws the error as the class of its kind (without exceptions: ends the
  /// process).
  T& value() & { return checked(), **this; }
  const T& value() const& { return checked(), **this; }
  T value() && { return checked(), *std::move(*this); }

  /// The value; only if has_value(). Of a result without a name it is moved out, so that
  /// `for (auto&& r : *consumer.try_poll(1s))` keeps what it goes over.
  T& operator*() & noexcept { return *std::get_if<0>(&outcome_); }
  const T& operator*() const& noexcept { return *std::get_if<0>(&outcome_); }
  T operator*() && noexcept(std::is_nothrow_move_constructible_v<T>) {
    return std::move(*std::get_if<0>(&outcome_));
  }
  T* operator->() noexcept { return std::get_if<0>(&outcome_); }
  const T* operator->() const noexcept { return std::get_if<0>(&outcome_); }

  /// What went wrong; only if not has_value().
  const Error& error() const noexcept { return *std::get_if<1>(&outcome_); }

  /// The value, or `other`.
  template <class U>
  T value_or(U&& other) const& {
    return has_value() ? **this : static_cast<T>(std::forward<U>(other));
  }
  template <class U>
  T value_or(U&& other) && {
    return has_value() ? *std::move(*this) : static_cast<T>(std::forward<U>(other));
  }

  /// What `next` (which returns a Result) makes of the value; an error stays one.
  template <class F>
  auto and_then(F&& next) && -> std::invoke_result_t<F, T&&> {
    if (!has_value()) return error();
    return std::forward<F>(next)(*std::move(*this));
  }

  /// The same for a `next` that returns a plain value.
  template <class F>
  auto transform(F&& next) && -> Result<std::invoke_result_t<F, T&&>> {
    if (!has_value()) return error();
    return std::forward<F>(next)(*std::move(*this));
  }

 private:
  void checked() const {
    if (!has_value()) detail::no_value(error());
  }

  std::variant<T, Error> outcome_;
};

/// It went well, or what went wrong.
template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  using error_type = Error;

  Result() noexcept = default;
  Result(Error error) noexcept : error_(std::move(error)) {}

  bool has_value() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }

  /// Throws the error, if there is one (without exceptions: ends the process).
  void value() const {
    if (error_) detail::no_value(*error_);
  }

  /// What went wrong; only if not has_value().
  const Error& error() const noexcept { return *error_; }

  /// What `next` (which returns a Result) gives; an error stays one.
  template <class F>
  auto and_then(F&& next) const -> std::invoke_result_t<F> {
    if (error_) return *error_;
    return std::forward<F>(next)();
  }

 private:
  std::optional<Error> error_;
};

LEVADA_INLINE_END
}  // namespace levada

#endif
