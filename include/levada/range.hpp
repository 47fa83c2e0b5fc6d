/// @file
/// Iterators over what the C layer gives by index.
#ifndef LEVADA_RANGE_HPP
#define LEVADA_RANGE_HPP

#include <cstddef>
#include <iterator>

#include "config.hpp"

namespace levada {
LEVADA_INLINE_BEGIN

namespace detail {

/// An iterator over `access.at(0)`, `access.at(1)`, ... It gives values, not references; `Access`
/// is as cheap to copy as a pointer.
template <class Access>
class IndexIterator {
 public:
  using value_type = typename Access::value_type;
  using reference = value_type;
  using difference_type = std::ptrdiff_t;
  using iterator_category = std::random_access_iterator_tag;

  /// Keeps the value alive while a member of it is looked at.
  class pointer {
   public:
    explicit pointer(value_type value) : value_(value) {}
    const value_type* operator->() const noexcept { return &value_; }

   private:
    value_type value_;
  };

  IndexIterator() = default;
  IndexIterator(Access access, std::size_t index) : access_(access), index_(index) {}

  reference operator*() const { return access_.at(index_); }
  pointer operator->() const { return pointer(**this); }
  reference operator[](difference_type by) const { return *(*this + by); }

  IndexIterator& operator++() { return ++index_, *this; }
  IndexIterator& operator--() { return --index_, *this; }
  IndexIterator operator++(int) {
    IndexIterator before = *this;
    ++index_;
    return before;
  }
  IndexIterator operator--(int) {
    IndexIterator before = *this;
    --index_;
    return before;
  }
  IndexIterator& operator+=(difference_type by) {
    // Unsigned numbers wrap around, so that this goes back too.
    index_ += static_cast<std::size_t>(by);
    return *this;
  }
  IndexIterator& operator-=(difference_type by) {
    index_ -= static_cast<std::size_t>(by);
    return *this;
  }
  friend IndexIterator operator+(IndexIterator it, difference_type by) { return it += by; }
  friend IndexIterator operator+(difference_type by, IndexIterator it) { return it += by; }
  friend IndexIterator operator-(IndexIterator it, difference_type by) { return it -= by; }
  friend difference_type operator-(const IndexIterator& a, const IndexIterator& b) {
    return static_cast<difference_type>(a.index_ - b.index_);
  }

  friend bool operator==(const IndexIterator& a, const IndexIterator& b) {
    return a.index_ == b.index_;
  }
  friend bool operator!=(const IndexIterator& a, const IndexIterator& b) { return !(a == b); }
  friend bool operator<(const IndexIterator& a, const IndexIterator& b) {
    return a.index_ < b.index_;
  }
  friend bool operator>(const IndexIterator& a, const IndexIterator& b) { return b < a; }
  friend bool operator<=(const IndexIterator& a, const IndexIterator& b) { return !(b < a); }
  friend bool operator>=(const IndexIterator& a, const IndexIterator& b) { return !(a < b); }

 private:
  Access access_{};
  std::size_t index_ = 0;
};

/// What makes a range of a class that has `access()`.
template <class Derived, class Access>
class Range {
 public:
  using value_type = typename Access::value_type;
  using const_iterator = IndexIterator<Access>;
  using iterator = const_iterator;

  std::size_t size() const { return access().count(); }
  bool empty() const { return size() == 0; }
  /// The index is not checked.
  value_type operator[](std::size_t index) const { return access().at(index); }
  const_iterator begin() const { return const_iterator(access(), 0); }
  const_iterator end() const { return const_iterator(access(), size()); }

 private:
  Access access() const { return static_cast<const Derived&>(*this).access(); }
};

}  // namespace detail

LEVADA_INLINE_END
}  // namespace levada

#endif
