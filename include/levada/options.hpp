/// @file
/// Settings and lists of names, as arguments.
#ifndef LEVADA_OPTIONS_HPP
#define LEVADA_OPTIONS_HPP

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

/// Names, as an argument: `"orders"`, `{"orders", "returns"}` or any range of texts. It has copies.
class StringList {
 public:
  StringList() = default;

  StringList(std::initializer_list<std::string_view> texts) {
    texts_.reserve(texts.size());
    for (const std::string_view text : texts) texts_.emplace_back(text);
  }

  /// One.
  template <class Text,
            class = std::enable_if_t<std::is_convertible_v<const Text&, std::string_view>>>
  StringList(const Text& text) {
    add(text);
  }

  /// Those of a range.
  template <class Range, class Item = decltype(*std::declval<const Range&>().begin()),
            class = std::enable_if_t<std::is_convertible_v<Item, std::string_view> &&
                                     !std::is_convertible_v<const Range&, std::string_view> &&
                                     !std::is_same_v<Range, StringList>>,
            class = void>
  StringList(const Range& texts) {
    for (const auto& text : texts) add(text);
  }

  StringList& add(std::string_view text) {
    texts_.emplace_back(text);
    return *this;
  }

  const std::vector<std::string>& texts() const noexcept { return texts_; }

 private:
  std::vector<std::string> texts_;
};

/// Settings under Kafka's names: `{{"linger.ms", "5"}, {"acks", "all"}}`, or any map of texts. It
/// has copies. The call that takes it refuses a name that is set twice.
class Options {
 public:
  using Pair = std::pair<std::string_view, std::string_view>;

  Options() = default;

  Options(std::initializer_list<Pair> pairs) {
    for (const Pair& pair : pairs) set(pair.first, pair.second);
  }

  /// Those of a map, or of any other range of pairs.
  template <class Map, class Item = decltype(*std::declval<const Map&>().begin()),
            class = std::enable_if_t<
                std::is_convertible_v<decltype(std::declval<Item>().first), std::string_view> &&
                std::is_convertible_v<decltype(std::declval<Item>().second), std::string_view>>>
  Options(const Map& pairs) {
    for (const auto& pair : pairs) set(pair.first, pair.second);
  }

  /// Adds one; gives itself back, so that calls can follow each other.
  Options& set(std::string_view name, std::string_view value) {
    flat_.emplace_back(name);
    flat_.emplace_back(value);
    return *this;
  }

  std::size_t size() const noexcept { return flat_.size() / 2; }
  bool empty() const noexcept { return flat_.empty(); }

  /// Name, value, name, value.
  const std::vector<std::string>& flat() const noexcept { return flat_; }

 private:
  std::vector<std::string> flat_;
};

LEVADA_INLINE_END
}  // namespace levada

#endif
