/// @file
/// Lists of topic, partition and offset.
#ifndef LEVADA_POSITIONS_HPP
#define LEVADA_POSITIONS_HPP

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "call.hpp"
#include "handle.hpp"
#include "range.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

/// No partition named: the key or the producer chooses; where a function says so, all partitions.
inline constexpr std::int32_t any_partition = LEVADA_PARTITION_ANY;
/// No offset named.
inline constexpr std::int64_t no_offset = LEVADA_OFFSET_NONE;

/// A place in a partition. The topic is borrowed.
struct Position {
  std::string_view topic;
  std::int32_t partition = 0;
  std::int64_t offset = no_offset;
};

namespace detail {

struct PositionsAccess {
  using value_type = Position;
  const levada_positions* raw = nullptr;
  value_type at(std::size_t index) const noexcept {
    return {text_of(levada_positions_topic(raw, index)), levada_positions_partition(raw, index),
            levada_positions_offset(raw, index)};
  }
  std::size_t count() const noexcept { return levada_positions_count(raw); }
};

}  // namespace detail

/// A list that somebody else owns: a range of Position, valid as long as its owner says.
class PositionsView : public detail::Range<PositionsView, detail::PositionsAccess> {
 public:
  using c_type = const levada_positions;

  PositionsView() = default;
  explicit PositionsView(const levada_positions* borrowed) noexcept : raw_(borrowed) {}

  const levada_positions* get() const noexcept { return raw_; }
  detail::PositionsAccess access() const noexcept { return detail::PositionsAccess{raw_}; }

 private:
  const levada_positions* raw_ = nullptr;
};

/// A list of one's own: a range of Position, and an argument of many calls. One thread at a time
/// changes it.
class Positions : public detail::Handle<levada_positions, levada_positions_free>,
                  public detail::Range<Positions, detail::PositionsAccess> {
 public:
  using Handle::Handle;

  /// A new list of these. Topics are copied. Errors: Invalid (a negative partition or offset).
  static Result<Positions> try_of(std::initializer_list<Position> places) {
    Result<Positions> made = detail::make<Positions>(levada_positions_new);
    if (!made) return made;
    for (const Position& place : places) {
      const Result<void> added = made->try_add(place);
      if (!added) return added.error();
    }
    return made;
  }

  /// Adds one at the end. The topic is copied. Errors: as try_of().
  Result<void> try_add(const Position& place) {
    return detail::call(levada_positions_add, get(), detail::Name(place.topic), place.partition,
                        place.offset);
  }

#ifndef LEVADA_NO_EXCEPTIONS
  /// try_of(), or throws.
  static Positions of(std::initializer_list<Position> places) { return try_of(places).value(); }
  /// try_add(), or throws. Gives itself back, so that calls can follow each other.
  Positions& add(const Position& place) {
    try_add(place).value();
    return *this;
  }
#endif

  /// Borrows the list; valid until it is freed.
  operator PositionsView() const noexcept { return PositionsView(get()); }
  detail::PositionsAccess access() const noexcept { return detail::PositionsAccess{get()}; }
};

LEVADA_INLINE_END
}  // namespace levada

#endif
