/// @file
/// What a consumer calls, and how it gets there from C.
#ifndef LEVADA_CALLBACKS_HPP
#define LEVADA_CALLBACKS_HPP

#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "call.hpp"
#include "positions.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

/// What happened to partitions of a group's member.
enum class Rebalance : std::int32_t {
  Assigned = LEVADA_ASSIGNED,  ///< They are this member's now.
  Revoked = LEVADA_REVOKED,    ///< They are about to go: the last moment to commit for them.
  Lost = LEVADA_LOST,          ///< The group has put this member out: others may have them already.
};

/// Called when a poll may find something.
using ReadyCallback = std::function<void()>;

namespace detail {

using RebalanceCallback = std::function<Status(Rebalance, PositionsView)>;

/// Makes one callback of those that return nothing, a Status or a Result. What was empty stays so.
template <class Callback>
RebalanceCallback rebalance_callback(Callback&& callback) {
  using Returned = std::invoke_result_t<std::decay_t<Callback>&, Rebalance, PositionsView>;
  std::function<Returned(Rebalance, PositionsView)> own(std::forward<Callback>(callback));
  if (!own) return {};
  return [own = std::move(own)](Rebalance what, PositionsView partitions) {
    if constexpr (std::is_void_v<Returned>) {
      own(what, partitions);
      return Status::Ok;
    } else if constexpr (std::is_same_v<Returned, Status>) {
      return own(what, partitions);
    } else {
      const Result<void> done = own(what, partitions);
      return done ? Status::Ok : done.error().status();
    }
  };
}

/// The rebalance callback of one consumer; its address is what the library knows.
class RebalanceListener {
 public:
  using Shared = std::shared_ptr<const RebalanceCallback>;

  /// Gives back what was there before, for the case that the library refuses the new one.
  Shared set(Shared callback) {
    callback_.swap(callback);
    return callback;
  }

  static std::int32_t called(void* user_data, levada_rebalance what,
                             const levada_positions* partitions) {
    return call_back_for_status([&] {
      // One that replaces itself lives until it has returned.
      const Shared callback = static_cast<const RebalanceListener*>(user_data)->callback_;
      if (callback == nullptr || !*callback) return Status::Ok;
      return (*callback)(static_cast<Rebalance>(what), PositionsView(partitions));
    });
  }

 private:
  Shared callback_;
};

/// Ends with its only call. The library calls it once, at the latest when the consumer is freed,
/// and another thread may still be in it after that: hence it belongs to nobody else.
inline void call_ready(void* user_data) {
  const std::unique_ptr<const ReadyCallback> callback(static_cast<const ReadyCallback*>(user_data));
  call_back([&] { (*callback)(); });
}

}  // namespace detail

LEVADA_INLINE_END
}  // namespace levada

#endif
