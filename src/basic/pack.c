#include "basic/pack.h"

#include <stdlib.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/macros.h"

enum {
        DIGIT_BITS = 7,
        DIGIT_MASK = (1 << DIGIT_BITS) - 1,
        MORE_DIGITS = 1 << DIGIT_BITS,
        NUMBER_BITS = 64,
};

/* Writing */

void packer_begin(Packer *packer, int fd) {
        packer->fd = fd;
        packer->error = 0;
        packer->n_written = 0;
        packer->n_buffered = 0;
}

static void flush(Packer *packer) {
        if (packer->error >= 0)
                packer->error = loop_write(packer->fd, packer->buffer, packer->n_buffered);
        packer->n_buffered = 0;
}

int packer_end(Packer *packer) {
        flush(packer);
        return packer->error;
}

static void put(Packer *packer, const void *bytes, size_t size) {
        const unsigned char *from = bytes;

        packer->n_written += size;
        while (size > 0) {
                size_t n = MIN(size, PACK_BUFFER_SIZE - packer->n_buffered);

                memcpy(packer->buffer + packer->n_buffered, from, n);
                packer->n_buffered += n;
                from += n;
                size -= n;
                if (packer->n_buffered == PACK_BUFFER_SIZE)
                        flush(packer);
        }
}

void pack_number(Packer *packer, uint64_t number) {
        unsigned char digits[NUMBER_BITS / DIGIT_BITS + 1];
        size_t n = 0;

        for (; number > DIGIT_MASK; number >>= DIGIT_BITS)
                digits[n++] = (unsigned char) (number & DIGIT_MASK) | MORE_DIGITS;
        digits[n++] = (unsigned char) number;
        put(packer, digits, n);
}

void pack_bytes(Packer *packer, const void *bytes, size_t size) {
        pack_number(packer, size);
        put(packer, bytes, size);
}

void pack_string(Packer *packer, const char *text) {
        pack_number(packer, text != NULL);
        if (text)
                pack_bytes(packer, text, strlen(text));
}

/* Reading */

int unpack_refuse(Unpacker *unpacker) {
        if (unpacker->error >= 0)
                unpacker->error = -EBADMSG;
        return unpacker->error;
}

uint64_t unpack_number(Unpacker *unpacker, uint64_t max) {
        uint64_t number = 0;
        unsigned char digit = MORE_DIGITS;

        for (unsigned shift = 0; digit & MORE_DIGITS; shift += DIGIT_BITS) {
                if (unpacker->error < 0 || unpacker->at == unpacker->end || shift >= NUMBER_BITS) {
                        (void) unpack_refuse(unpacker);
                        return 0;
                }
                digit = *unpacker->at++;
                number |= (uint64_t) (digit & DIGIT_MASK) << shift;
        }
        if (number > max) {
                (void) unpack_refuse(unpacker);
                return 0;
        }
        return number;
}

bool unpack_flag(Unpacker *unpacker) {
        return unpack_number(unpacker, 1);
}

const void *unpack_bytes(Unpacker *unpacker, size_t length_max, size_t *ret_length) {
        size_t length = unpack_number(unpacker, length_max);
        const void *bytes = unpacker->at;

        if (length > (size_t) (unpacker->end - unpacker->at))
                (void) unpack_refuse(unpacker);
        if (unpacker->error < 0) {
                *ret_length = 0;
                return NULL;
        }
        unpacker->at += length;
        *ret_length = length;
        return bytes;
}

char *unpack_string(Unpacker *unpacker, size_t length_max) {
        const char *bytes;
        size_t length;
        char *text;

        if (!unpack_flag(unpacker))
                return NULL;
        bytes = unpack_bytes(unpacker, length_max, &length);
        if (!bytes)
                return NULL;
        if (memchr(bytes, '\0', length)) {
                (void) unpack_refuse(unpacker);
                return NULL;
        }
        text = strndup(bytes, length);
        if (!text)
                unpacker->error = -ENOMEM;
        return text;
}
