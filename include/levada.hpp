/// @file
/// Levada for C++17 and newer: a Kafka-compatible streaming engine in your process.
///
/// Header-only over levada.h; link with -llevada.
///
/// @code
/// #include <levada.hpp>
/// using namespace std::chrono_literals;
///
/// auto database = levada::Database::open("data");
/// database.create_topic("orders", 4, {{"retention.ms", "604800000"}});
///
/// auto producer = database.producer({{"linger.ms", "5"}});
/// producer.writer("orders").send("key", "value");
/// producer.flush();
///
/// auto consumer = database.consumer({{"group.id", "billing"}, {"auto.offset.reset", "earliest"}});
/// consumer.subscribe("orders");
/// for (const levada::Record& r : consumer.poll(1s)) {
///   std::cout << r.partition() << ' ' << r.offset() << ' ' << r.value().text() << '\n';
/// }
/// consumer.commit();
/// @endcode
///
/// **Ownership.** Every class that ends in a C handle owns it, can be moved and not copied, and
/// frees it when it goes. Moved from or made by default it is empty: calls fail with
/// Status::Invalid. Texts and bytes that come out are views: each says whose they are. What goes in
/// is copied, unless it says otherwise. Handles may go in any order.
///
/// **Errors.** Every function that can fail has two forms. `open()` throws a levada::Error, of the
/// class of its kind (levada::NotFoundError, levada::TimeoutError, ...). `try_open()` does not
/// throw and returns a levada::Result, a value or an Error; out of memory alone (std::bad_alloc)
/// still throws. With -fno-exceptions there are only the forms with `try_`. The documentation of
/// both stands at `try_`.
///
/// **Threads.** Database, Producer, Writer, Delivery and Server may be shared by threads; so may
/// all that does not change (Batch, Topic, ...). The others take one call at a time. Moving,
/// assigning and freeing an object is never safe while another thread uses it.
///
/// **Callbacks** are std::functions, which are kept as long as they may be called, wherever their
/// object is moved to. What they throw never gets into the library: a rebalance callback's
/// exception fails the call that it came from, others are swallowed.
///
/// **Time.** Waiting takes any std::chrono duration; levada::forever has no end.
#ifndef LEVADA_HPP
#define LEVADA_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "levada/arrow.hpp"
#include "levada/batch.hpp"
#include "levada/bytes.hpp"
#include "levada/callbacks.hpp"
#include "levada/columns.hpp"
#include "levada/consumer.hpp"
#include "levada/database.hpp"
#include "levada/delivery.hpp"
#include "levada/error.hpp"
#include "levada/group.hpp"
#include "levada/headers.hpp"
#include "levada/lists.hpp"
#include "levada/logger.hpp"
#include "levada/options.hpp"
#include "levada/positions.hpp"
#include "levada/producer.hpp"
#include "levada/result.hpp"
#include "levada/scan.hpp"
#include "levada/server.hpp"
#include "levada/time.hpp"
#include "levada/topic.hpp"
#include "levada/transaction.hpp"
#include "levada/writer.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

/// The version of the library that is linked: "0.1.0".
inline std::string_view version() noexcept { return detail::text_of(levada_version()); }

/// The same as a number: major << 16 | minor << 8 | patch.
inline std::uint32_t version_number() noexcept { return levada_version_number(); }

/// Whether the library was built with it: "archive", "broker".
inline bool has_feature(const char* name) noexcept { return levada_has_feature(name); }

/// Handles of this process that are not freed yet, for looking for leaks.
inline std::size_t handle_count() noexcept { return levada_handle_count(); }

LEVADA_INLINE_END
}  // namespace levada

#endif
