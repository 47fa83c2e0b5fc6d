/// @file
/// What the compiler offers: C++17 or newer, exceptions or none.
#ifndef LEVADA_CONFIG_HPP
#define LEVADA_CONFIG_HPP

#include "../levada.h"

#if !defined(_MSVC_LANG) && __cplusplus < 201703L
#error "levada.hpp needs C++17: compile with -std=c++17 or newer"
#elif defined(_MSVC_LANG) && _MSVC_LANG < 201703L
#error "levada.hpp needs C++17: compile with /std:c++17 or newer"
#endif

/// Defined where exceptions are off (-fno-exceptions), or by you before the first include: then
/// only the `try_` form of each function is there.
#if !defined(LEVADA_NO_EXCEPTIONS) && !defined(__cpp_exceptions)
#define LEVADA_NO_EXCEPTIONS 1
#endif

// Without exceptions the classes have other members. An inline namespace gives them other names for
// the linker, so that both kinds of translation unit can be linked into one program.
#ifdef LEVADA_NO_EXCEPTIONS
#define LEVADA_INLINE_BEGIN inline namespace without_exceptions {
#define LEVADA_INLINE_END }
#else
#define LEVADA_INLINE_BEGIN
#define LEVADA_INLINE_END
#endif

// An exception is caught across shared libraries only if its type is visible in both.
#if defined(__GNUC__) && !defined(_WIN32)
#define LEVADA_VISIBLE __attribute__((visibility("default")))
#else
#define LEVADA_VISIBLE
#endif

#endif
