/// @file
/// A Kafka broker in this process.
#ifndef LEVADA_SERVER_HPP
#define LEVADA_SERVER_HPP

#include <chrono>
#include <cstddef>
#include <string_view>

#include "call.hpp"
#include "handle.hpp"
#include "time.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

/// Serves a database to Kafka clients of any language; made by Database::serve(). Threads may share
/// it. What it serves is the same data that producers and consumers of this process see.
class Server : public detail::Handle<levada_server, levada_server_free> {
 public:
  using Handle::Handle;

  /// Where clients connect to: "127.0.0.1:34567". Borrowed from the server.
  std::string_view bootstrap() const noexcept {
    return detail::text_of(levada_server_bootstrap(get()));
  }

  /// How many clients are connected.
  std::size_t connections() const noexcept { return levada_server_connections(get()); }

  /// Takes no more requests, answers what was begun, cuts off what is late, and ends. The database
  /// stays open. Once is enough; a server that is freed stops too.
  Result<void> try_stop(Timeout timeout = std::chrono::seconds(5)) {
    return detail::call(levada_server_stop, get(), timeout.ms());
  }
#ifndef LEVADA_NO_EXCEPTIONS
  /// try_stop(), or throws.
  void stop(Timeout timeout = std::chrono::seconds(5)) { try_stop(timeout).value(); }
#endif
};

LEVADA_INLINE_END
}  // namespace levada

#endif
