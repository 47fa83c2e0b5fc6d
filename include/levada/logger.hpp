/// @file
/// What the library says about its work.
#ifndef LEVADA_LOGGER_HPP
#define LEVADA_LOGGER_HPP

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "call.hpp"
#include "handle.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

enum class LogLevel : std::int32_t {
  Error = LEVADA_LOG_ERROR,
  Warn = LEVADA_LOG_WARN,
  Info = LEVADA_LOG_INFO,
  Debug = LEVADA_LOG_DEBUG,
  Trace = LEVADA_LOG_TRACE,
};

/// Level, the part of the library that speaks, and what it says; both texts are valid during the
/// call.
using LogCallback = std::function<void(LogLevel, std::string_view, std::string_view)>;

/// Hands the library's log to a function, as long as it lives. Several stand side by side.
///
/// The function is called on any thread on which the library has something to say, several at once;
/// what it throws is swallowed. It should be quick. It must not make or end a logger, nor wait for
/// the library.
class Logger : public detail::Handle<levada_logger, levada_logger_free> {
 public:
  using Handle::Handle;
  Logger(Logger&&) noexcept = default;
  Logger& operator=(Logger&&) noexcept = default;
  /// When this has returned, the function has ended and is not called again.
  ~Logger() { reset(); }

  /// Begins to log messages of `level` and of what is more urgent. Errors: Invalid (no function).
  static Result<Logger> try_make(LogLevel level, LogCallback callback) {
    if (!callback) return detail::invalid("a logger needs a function to call");
    auto kept = std::make_unique<LogCallback>(std::move(callback));
    Result<Logger> made = detail::make<Logger>(
        levada_logger_new, static_cast<levada_log_level>(level), &Logger::called, kept.get());
    if (made) made->callback_ = std::move(kept);
    return made;
  }

#ifndef LEVADA_NO_EXCEPTIONS
  /// try_make(), or throws.
  Logger(LogLevel level, LogCallback callback)
      : Logger(try_make(level, std::move(callback)).value()) {}
#endif

  /// Gives the C handle away. The function stays in memory until the process ends, since nobody can
  /// tell any more when it was called last.
  [[nodiscard]] levada_logger* release() noexcept {
    static_cast<void>(callback_.release());
    return Handle::release();
  }

 private:
  static void called(void* user_data, levada_log_level level, const char* target,
                     const char* message) {
    const auto& callback = *static_cast<const LogCallback*>(user_data);
    detail::call_back([&] {
      callback(static_cast<LogLevel>(level), detail::text_of(target), detail::text_of(message));
    });
  }

  // On the heap: the library keeps its address, and the logger may be moved.
  std::unique_ptr<LogCallback> callback_;
};

LEVADA_INLINE_END
}  // namespace levada

#endif
