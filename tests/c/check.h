/* What the test programs of C and C++ share: a check that names its place and ends the program. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>

/* Variadic, so that a condition may have commas in it. */
#define CHECK(...)                                                                    \
  do {                                                                                \
    if (!(__VA_ARGS__)) {                                                             \
      fprintf(stderr, "%s:%d: CHECK(%s) failed\n", __FILE__, __LINE__, #__VA_ARGS__); \
      exit(1);                                                                        \
    }                                                                                 \
  } while (0)

#endif
