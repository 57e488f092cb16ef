#pragma once

/* Small things that every file may use; knows nothing of the project. */

#include <assert.h>
#include <errno.h>
#include <stddef.h>

#define _cleanup_(f) __attribute__((__cleanup__(f)))
#define _printf_(format, arguments) __attribute__((__format__(__printf__, format, arguments)))
#define _unused_ __attribute__((__unused__))

/* For a result that the C library wants to be looked at, where nothing follows from it. */
#define ignore_result(call) \
        do {                \
                if (call) { \
                }           \
        } while (0)

#define ELEMENTSOF(array) (sizeof(array) / sizeof((array)[0]))

#define MIN(a, b)                                  \
        ({                                         \
                __typeof__(a) min_a_ = (a);        \
                __typeof__(b) min_b_ = (b);        \
                min_a_ < min_b_ ? min_a_ : min_b_; \
        })
#define MAX(a, b)                                  \
        ({                                         \
                __typeof__(a) max_a_ = (a);        \
                __typeof__(b) max_b_ = (b);        \
                max_a_ > max_b_ ? max_a_ : max_b_; \
        })
#define CLAMP(value, low, high) MIN(MAX((value), (low)), (high))

/* The object of TYPE whose MEMBER is at POINTER. */
#define CONTAINER_OF(pointer, type, member)                                \
        ({                                                                 \
                char *container_p_ = (char *) (pointer);                   \
                (type *) (void *) (container_p_ - offsetof(type, member)); \
        })

/* Hands over what a variable owns and leaves it empty. */
#define TAKE_GENERIC(variable, empty)                        \
        ({                                                   \
                __typeof__(variable) *take_p_ = &(variable); \
                __typeof__(variable) take_v_ = *take_p_;     \
                *take_p_ = (empty);                          \
                take_v_;                                     \
        })
#define TAKE_PTR(pointer) TAKE_GENERIC(pointer, NULL)
#define TAKE_FD(fd) TAKE_GENERIC(fd, -EBADF)

/* The pointer, after asserting that the caller gave one. */
#define ASSERT_PTR(expression)                                   \
        ({                                                       \
                __typeof__(expression) assert_p_ = (expression); \
                assert(assert_p_);                               \
                assert_p_;                                       \
        })

/* Defines FUNCTIONp for _cleanup_() from a destructor that accepts an empty value. */
#define DEFINE_TRIVIAL_CLEANUP_FUNC(type, function)              \
        static inline _unused_ void function##p(type *pointer) { \
                if (*pointer)                                    \
                        (void) function(*pointer);               \
        }
