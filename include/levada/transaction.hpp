/// @file
/// A transaction as a block: it commits when the block is left, and aborts when that goes wrong.
#ifndef LEVADA_TRANSACTION_HPP
#define LEVADA_TRANSACTION_HPP

#include <type_traits>
#include <utility>

#include "call.hpp"
#include "consumer.hpp"
#include "positions.hpp"
#include "time.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

class Producer;

namespace detail {

template <class Returned>
struct OutcomeOf {
  using type = Returned;
};
template <class T>
struct OutcomeOf<Result<T>> {
  using type = T;
};
/// What a body gives: its value, be it in a Result or not.
template <class Returned>
using Outcome = typename OutcomeOf<Returned>::type;

inline Result<void> send_offsets(levada_producer* producer, Consumer& consumer) {
  return call(levada_producer_send_offsets, producer, Needed(consumer),
              static_cast<const levada_positions*>(nullptr));
}
inline Result<void> send_offsets(levada_producer* producer, Consumer& consumer,
                                 const Positions& offsets) {
  return call(levada_producer_send_offsets, producer, Needed(consumer), Needed(offsets));
}

}  // namespace detail

/// A transaction that is open, as the body of Producer::transaction() sees it; not to be kept.
class Transaction {
 public:
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  /// As Producer::try_send_offsets().
  Result<void> try_send_offsets(Consumer& consumer) {
    return detail::send_offsets(producer_, consumer);
  }
  Result<void> try_send_offsets(Consumer& consumer, const Positions& offsets) {
    return detail::send_offsets(producer_, consumer, offsets);
  }

  /// Gives it up now: nothing is committed when the body returns. Errors: as Producer::try_abort();
  /// then it is tried once more when the body returns.
  Result<void> try_abort() {
    Result<void> done = detail::call(levada_producer_abort, producer_, timeout_.ms());
    if (done) is_over_ = true;
    is_given_up_ = true;
    return done;
  }

#ifndef LEVADA_NO_EXCEPTIONS
  /// try_send_offsets(), or throws.
  void send_offsets(Consumer& consumer) { try_send_offsets(consumer).value(); }
  void send_offsets(Consumer& consumer, const Positions& offsets) {
    try_send_offsets(consumer, offsets).value();
  }
  /// try_abort(), or throws.
  void abort() { try_abort().value(); }
#endif

 private:
  friend class Producer;

  Transaction(levada_producer* producer, Timeout timeout) noexcept
      : producer_(producer), timeout_(timeout) {}

  /// Whatever way the body is left: what was not committed is aborted. That this fails too changes
  /// nothing for the caller, who has an error already; the transaction then times out.
  ~Transaction() {
    if (!is_over_) levada_producer_abort(producer_, timeout_.ms(), nullptr);
  }

  Result<void> commit() {
    if (is_given_up_) return {};
    Result<void> done = detail::call(levada_producer_commit, producer_, timeout_.ms());
    if (done) is_over_ = true;
    return done;
  }

  template <class Body>
  static auto run(levada_producer* producer, Body&& body, Timeout timeout)
      -> Result<detail::Outcome<std::invoke_result_t<Body, Transaction&>>> {
    using Returned = std::invoke_result_t<Body, Transaction&>;
    using Value = detail::Outcome<Returned>;
    const Result<void> begun = detail::call(levada_producer_begin, producer);
    if (!begun) return begun.error();
    Transaction transaction(producer, timeout);
    if constexpr (std::is_void_v<Returned>) {
      std::forward<Body>(body)(transaction);
      return transaction.commit();
    } else {
      Result<Value> outcome = std::forward<Body>(body)(transaction);
      if (!outcome) return outcome;
      const Result<void> done = transaction.commit();
      if (!done) return done.error();
      return outcome;
    }
  }

  levada_producer* producer_;
  Timeout timeout_;
  bool is_given_up_ = false;
  bool is_over_ = false;
};

LEVADA_INLINE_END
}  // namespace levada

#endif
