/// @file
/// The one error, and a class for each kind of it.
#ifndef LEVADA_ERROR_HPP
#define LEVADA_ERROR_HPP

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "config.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

/// The kind of an error, chosen by what the caller must do.
enum class Status : std::int32_t {
  Ok = LEVADA_OK,
  Invalid = LEVADA_INVALID,          ///< The call is wrong: fix it.
  NotFound = LEVADA_NOT_FOUND,       ///< What was named is not there: create it, or name another.
  Exists = LEVADA_EXISTS,            ///< What should be made is there already.
  OutOfRange = LEVADA_OUT_OF_RANGE,  ///< The offset lies outside of the log: seek.
  Conflict = LEVADA_CONFLICT,        ///< Somebody else was faster: refresh, rejoin or abort.
  Fenced = LEVADA_FENCED,            ///< A newer producer or member took this one's place: stop.
  Denied = LEVADA_DENIED,            ///< Rights are missing.
  Unavailable = LEVADA_UNAVAILABLE,  ///< Not now: retry.
  Timeout = LEVADA_TIMEOUT,          ///< Not within the time given: retry, or allow more.
  Corrupt = LEVADA_CORRUPT,          ///< Stored or received bytes are damaged: restore or repair.
  Closed = LEVADA_CLOSED,            ///< The handle is closed: open again.
  Internal = LEVADA_INTERNAL,        ///< A defect of Levada's own, or of a callback: report it.
};

/// "LEVADA_INVALID" and the like; empty for a number that is none of them.
inline std::string_view name_of(Status status) noexcept {
  const char* name = levada_status_name(static_cast<levada_status>(status));
  return name == nullptr ? std::string_view() : std::string_view(name);
}

/// What went wrong. A Result holds one; functions without `try_` throw it as the class of its kind.
/// A value like any other: it owns its text and belongs to no handle.
class LEVADA_VISIBLE Error : public std::runtime_error {
 public:
  /// An error of your own, for callbacks that fail. `kafka_code` is UNKNOWN_SERVER_ERROR if not
  /// said.
  Error(Status status, const std::string& message, std::int16_t kafka_code = -1,
        bool retriable = false)
      : std::runtime_error(message),
        status_(status),
        kafka_code_(kafka_code),
        retriable_(retriable) {}

  Status status() const noexcept { return status_; }

  /// Kafka's number of the error, as a client on the wire would see it.
  std::int16_t kafka_code() const noexcept { return kafka_code_; }

  /// Whether the same call may succeed later.
  bool retriable() const noexcept { return retriable_; }

  /// The same text as what(): what, where, and what to do. It may change: switch on status().
  std::string_view message() const noexcept { return what(); }

  /// A copy of a C error that stays with its owner. With NULL the status speaks for itself.
  static Error copy_of(levada_status status, const levada_error* error) {
    if (error == nullptr) {
      const auto kind = static_cast<Status>(status);
      return Error(kind, "failed with " + std::string(name_of(kind)));
    }
    const char* message = levada_error_message(error);
    return Error(static_cast<Status>(levada_error_status(error)), message == nullptr ? "" : message,
                 levada_error_kafka_code(error), levada_error_is_retriable(error));
  }

  /// The same, and frees the C error.
  static Error taken_from(levada_status status, levada_error* error) {
    const std::unique_ptr<levada_error, void (*)(levada_error*)> freed(error, levada_error_free);
    return copy_of(status, error);
  }

#ifndef LEVADA_NO_EXCEPTIONS
  /// Throws it as the class of its kind.
  [[noreturn]] inline void raise() const;
#endif

 private:
  Status status_;
  std::int16_t kafka_code_;
  bool retriable_;
};

namespace detail {

template <Status Kind>
class LEVADA_VISIBLE ErrorOf : public Error {
 public:
  explicit ErrorOf(const std::string& message) : Error(Kind, message) {}
  explicit ErrorOf(const Error& error) : Error(error) {}
};

}  // namespace detail

/// The call is wrong: fix it.
class LEVADA_VISIBLE InvalidError : public detail::ErrorOf<Status::Invalid> {
  using ErrorOf::ErrorOf;
};
/// What was named is not there: create it, or name another.
class LEVADA_VISIBLE NotFoundError : public detail::ErrorOf<Status::NotFound> {
  using ErrorOf::ErrorOf;
};
/// What should be made is there already.
class LEVADA_VISIBLE ExistsError : public detail::ErrorOf<Status::Exists> {
  using ErrorOf::ErrorOf;
};
/// The offset lies outside of the log: seek.
class LEVADA_VISIBLE OffsetOutOfRangeError : public detail::ErrorOf<Status::OutOfRange> {
  using ErrorOf::ErrorOf;
};
/// Somebody else was faster: refresh, rejoin or abort.
class LEVADA_VISIBLE ConflictError : public detail::ErrorOf<Status::Conflict> {
  using ErrorOf::ErrorOf;
};
/// A newer producer or member took this one's place: stop.
class LEVADA_VISIBLE FencedError : public detail::ErrorOf<Status::Fenced> {
  using ErrorOf::ErrorOf;
};
/// Rights are missing.
class LEVADA_VISIBLE DeniedError : public detail::ErrorOf<Status::Denied> {
  using ErrorOf::ErrorOf;
};
/// Not now: retry.
class LEVADA_VISIBLE UnavailableError : public detail::ErrorOf<Status::Unavailable> {
  using ErrorOf::ErrorOf;
};
/// It did not happen within the time given: retry, or allow more time.
class LEVADA_VISIBLE TimeoutError : public detail::ErrorOf<Status::Timeout> {
  using ErrorOf::ErrorOf;
};
/// Stored or received bytes are damaged: restore or repair.
class LEVADA_VISIBLE CorruptError : public detail::ErrorOf<Status::Corrupt> {
  using ErrorOf::ErrorOf;
};
/// The handle is closed: open again.
class LEVADA_VISIBLE ClosedError : public detail::ErrorOf<Status::Closed> {
  using ErrorOf::ErrorOf;
};
/// A defect of Levada's own, or a callback that failed: report it.
class LEVADA_VISIBLE InternalError : public detail::ErrorOf<Status::Internal> {
  using ErrorOf::ErrorOf;
};

#ifndef LEVADA_NO_EXCEPTIONS
inline void Error::raise() const {
  switch (status_) {
    case Status::Invalid: throw InvalidError(*this);
    case Status::NotFound: throw NotFoundError(*this);
    case Status::Exists: throw ExistsError(*this);
    case Status::OutOfRange: throw OffsetOutOfRangeError(*this);
    case Status::Conflict: throw ConflictError(*this);
    case Status::Fenced: throw FencedError(*this);
    case Status::Denied: throw DeniedError(*this);
    case Status::Unavailable: throw UnavailableError(*this);
    case Status::Timeout: throw TimeoutError(*this);
    case Status::Corrupt: throw CorruptError(*this);
    case Status::Closed: throw ClosedError(*this);
    case Status::Internal: throw InternalError(*this);
    case Status::Ok: break;
  }
  // A kind that a newer library has and this header does not know.
  throw Error(*this);
}
#endif

LEVADA_INLINE_END
}  // namespace levada

#endif
