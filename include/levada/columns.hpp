/// @file
/// Many records at once, as C takes and gives them.
#ifndef LEVADA_COLUMNS_HPP
#define LEVADA_COLUMNS_HPP

#include <cstddef>
#include <cstdint>

#include "config.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

/// Many records as columns of `count` entries, borrowed for the call. A NULL entry is null, its
/// size 0. Batch::columns() gives them of records that were read.
struct Columns {
  std::size_t count = 0;
  /// NULL: no record has a key.
  const void* const* keys = nullptr;
  const std::size_t* key_sizes = nullptr;
  const void* const* values = nullptr;
  const std::size_t* value_sizes = nullptr;
  /// Milliseconds since 1970, UTC. NULL: now.
  const std::int64_t* timestamps = nullptr;
};

LEVADA_INLINE_END
}  // namespace levada

#endif
