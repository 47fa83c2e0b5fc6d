/// @file
/// A consumer group as it was when it was described.
#ifndef LEVADA_GROUP_HPP
#define LEVADA_GROUP_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "call.hpp"
#include "handle.hpp"
#include "positions.hpp"
#include "range.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

/// A member of a group. All of it is borrowed from the Group.
struct Member {
  std::string_view id;
  std::string_view client_id;
  /// The partitions that it reads.
  PositionsView partitions;
};

namespace detail {

struct MembersAccess {
  using value_type = Member;
  const levada_group* raw = nullptr;
  value_type at(std::size_t index) const noexcept {
    return {text_of(levada_group_member_id(raw, index)),
            text_of(levada_group_member_client_id(raw, index)),
            PositionsView(levada_group_member_partitions(raw, index))};
  }
  std::size_t count() const noexcept { return levada_group_member_count(raw); }
};

}  // namespace detail

/// The description of a group, and a range of its Members; made by Database::group(). It does not
/// change: describe the group again for news.
class Group : public detail::Handle<levada_group, levada_group_free>,
              public detail::Range<Group, detail::MembersAccess> {
 public:
  using Handle::Handle;

  /// As Kafka names it: "Stable", "Empty", "Reconciling". Borrowed from the group.
  std::string_view state() const noexcept { return detail::text_of(levada_group_state(get())); }
  /// It grows with each change of members or partitions.
  std::int32_t epoch() const noexcept { return levada_group_epoch(get()); }

  detail::MembersAccess access() const noexcept { return detail::MembersAccess{get()}; }
};

LEVADA_INLINE_END
}  // namespace levada

#endif
