/// @file
/// How long to wait, and points in time: std::chrono for the C layer's milliseconds.
#ifndef LEVADA_TIME_HPP
#define LEVADA_TIME_HPP

#include <chrono>
#include <cstdint>

#include "config.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

/// A point in time as records have it: milliseconds since 1970, UTC. It becomes a
/// `std::chrono::system_clock::time_point` by itself; any number of milliseconds has a place in it.
using time_point = std::chrono::time_point<std::chrono::system_clock,
                                           std::chrono::duration<std::int64_t, std::milli>>;

inline time_point time_of(std::int64_t ms) noexcept { return time_point(time_point::duration(ms)); }

namespace detail {

template <class Count, class Period>
constexpr std::int64_t ms_to_wait(std::chrono::duration<Count, Period> duration) noexcept {
  // In floating point first: hours::max() has no number of milliseconds.
  using Float = std::chrono::duration<double, std::milli>;
  constexpr double longest = 9.0e18;
  if (!(Float(duration).count() > 0)) return 0;
  if (Float(duration).count() >= longest) return -1;
  return std::chrono::ceil<std::chrono::duration<std::int64_t, std::milli>>(duration).count();
}

}  // namespace detail

/// How long a call may wait; any duration becomes one. A part of a millisecond counts as a whole
/// one, and less than nothing as nothing: what is left until a deadline that is over does not wait.
/// Only levada::forever, and a duration too long to count, wait for ever.
class Timeout {
 public:
  template <class Count, class Period>
  constexpr Timeout(std::chrono::duration<Count, Period> duration) noexcept
      : ms_(detail::ms_to_wait(duration)) {}

  /// Waits for ever.
  static constexpr Timeout never() noexcept { return Timeout(-1); }

  /// As C has it: -1 waits for ever.
  constexpr std::int64_t ms() const noexcept { return ms_; }

 private:
  explicit constexpr Timeout(std::int64_t ms) noexcept : ms_(ms) {}

  std::int64_t ms_;
};

/// No end to the waiting.
inline constexpr Timeout forever = Timeout::never();

/// When a record was made, for sending; any time of the system's clock becomes one. A part of a
/// millisecond is cut off.
class Timestamp {
 public:
  /// The moment of sending.
  constexpr Timestamp() noexcept = default;

  template <class Duration>
  constexpr Timestamp(std::chrono::time_point<std::chrono::system_clock, Duration> time) noexcept
      : ms_(std::chrono::floor<time_point::duration>(time.time_since_epoch()).count()) {}

  /// From milliseconds since 1970, UTC.
  static constexpr Timestamp from_ms(std::int64_t ms) noexcept {
    Timestamp time;
    time.ms_ = ms;
    return time;
  }

  constexpr std::int64_t ms() const noexcept { return ms_; }

 private:
  std::int64_t ms_ = LEVADA_TIMESTAMP_NOW;
};

LEVADA_INLINE_END
}  // namespace levada

#endif
