/// @file
/// Lists that calls give back: names, settings, files of the archive.
#ifndef LEVADA_LISTS_HPP
#define LEVADA_LISTS_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "call.hpp"
#include "handle.hpp"
#include "range.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

/// A setting as it is in force. Its texts are borrowed from the Settings.
struct Setting {
  std::string_view name;
  /// Empty where the setting has no value.
  std::optional<std::string_view> value;
  /// Where the value comes from: "DYNAMIC_TOPIC_CONFIG", "DEFAULT_CONFIG" and the like.
  std::string_view source;
};

/// A Parquet file of the archive. Its path is borrowed from the Files.
struct File {
  std::string_view path;
  std::int32_t partition;
  std::int64_t first_offset;
  /// One after the last offset in it.
  std::int64_t next_offset;
  /// In bytes.
  std::int64_t size;
};

namespace detail {

struct NamesAccess {
  using value_type = std::string_view;
  const levada_names* raw = nullptr;
  value_type at(std::size_t index) const noexcept { return text_of(levada_names_get(raw, index)); }
  std::size_t count() const noexcept { return levada_names_count(raw); }
};

struct SettingsAccess {
  using value_type = Setting;
  const levada_settings* raw = nullptr;
  value_type at(std::size_t index) const noexcept {
    Setting setting;
    setting.name = text_of(levada_settings_name(raw, index));
    if (const char* value = levada_settings_value(raw, index)) setting.value = value;
    setting.source = text_of(levada_settings_source(raw, index));
    return setting;
  }
  std::size_t count() const noexcept { return levada_settings_count(raw); }
};

struct FilesAccess {
  using value_type = File;
  const levada_files* raw = nullptr;
  value_type at(std::size_t index) const noexcept {
    return {text_of(levada_files_path(raw, index)), levada_files_partition(raw, index),
            levada_files_first_offset(raw, index), levada_files_next_offset(raw, index),
            levada_files_size(raw, index)};
  }
  std::size_t count() const noexcept { return levada_files_count(raw); }
};

/// A handle that is a list: it owns what its elements look at.
template <class C, void (*Free)(C*), class Access>
class List : public Handle<C, Free>, public Range<List<C, Free, Access>, Access> {
 public:
  using Handle<C, Free>::Handle;
  Access access() const noexcept { return Access{this->get()}; }
};

/// Text that the library made, as a string of its own.
inline Result<std::string> string_of(levada_text* text) {
  const std::unique_ptr<levada_text, void (*)(levada_text*)> freed(text, levada_text_free);
  const char* data = levada_text_data(text);
  return data == nullptr ? std::string() : std::string(data, levada_text_size(text));
}

}  // namespace detail

/// Names, in order: a range of std::string_view, which are valid as long as it is.
class Names : public detail::List<levada_names, levada_names_free, detail::NamesAccess> {
  using List::List;
};

/// A range of Setting, which are valid as long as it is.
class Settings
    : public detail::List<levada_settings, levada_settings_free, detail::SettingsAccess> {
 public:
  using List::List;

  /// The setting of that name; nothing if there is none.
  std::optional<Setting> find(std::string_view name) const& {
    for (const Setting& setting : *this) {
      if (setting.name == name) return setting;
    }
    return std::nullopt;
  }
  /// It would look into settings that are gone.
  std::optional<Setting> find(std::string_view name) && = delete;
};

/// A range of File, which are valid as long as it is.
class Files : public detail::List<levada_files, levada_files_free, detail::FilesAccess> {
  using List::List;
};

LEVADA_INLINE_END
}  // namespace levada

#endif
