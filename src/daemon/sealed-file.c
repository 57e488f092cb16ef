#include "daemon/sealed-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/hash.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

typedef struct SealedHeader {
        char magic[16];
        uint64_t size; /* of what follows */
        Hash hash;     /* of that */
} SealedHeader;

/* The number counts the ways in which what follows has been laid out. */
static const char magic[sizeof(((SealedHeader *) NULL)->magic)] = "rebackup state1";

static int hash_memory(const void *data, size_t size, Hash *ret) {
        _cleanup_(hasher_freep) Hasher *hasher = NULL;
        int r;

        r = hasher_new(&hasher);
        if (r >= 0)
                r = hasher_begin(hasher);
        if (r >= 0)
                r = hasher_update(hasher, data, size);
        return r < 0 ? r : hasher_finish(hasher, ret);
}

/* Writing */

int sealed_file_new(const char *name, Packer *packer) {
        _cleanup_close_ int fd = -EBADF;

        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
                return -errno;
        if (lseek(fd, sizeof(SealedHeader), SEEK_SET) < 0)
                return -errno;
        packer_begin(packer, fd);
        return TAKE_FD(fd);
}

static int hash_content(int fd, size_t size, Hash *ret) {
        void *memory = mmap(NULL, sizeof(SealedHeader) + size, PROT_READ, MAP_SHARED, fd, 0);
        int r;

        if (memory == MAP_FAILED)
                return -errno;
        r = hash_memory((const char *) memory + sizeof(SealedHeader), size, ret);
        (void) munmap(memory, sizeof(SealedHeader) + size);
        return r;
}

int sealed_file_seal(int fd, Packer *packer) {
        SealedHeader header = {};
        int r;

        r = packer_end(packer);
        if (r < 0)
                return r;
        memcpy(header.magic, magic, sizeof magic);
        header.size = packer->n_written;
        r = hash_content(fd, header.size, &header.hash);
        if (r < 0)
                return r;
        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        r = loop_write(fd, &header, sizeof header);
        if (r < 0)
                return r;
        return fcntl(fd, F_ADD_SEALS, SEALS) < 0 ? -errno : 0;
}

/* Reading */

static int check_content(const SealedFile *file) {
        const SealedHeader *header = file->memory;
        Hash hash;
        int r;

        if (memcmp(header->magic, magic, sizeof magic) != 0 ||
            header->size != file->size - sizeof *header)
                return -EBADMSG;
        r = hash_memory(header + 1, header->size, &hash);
        if (r < 0)
                return r;
        return memcmp(&hash, &header->hash, sizeof hash) == 0 ? 0 : -EBADMSG;
}

int sealed_file_open(int fd, SealedFile *ret) {
        SealedFile file = SEALED_FILE_NULL;
        struct stat status;
        int seals, r;

        /* Only what can neither change nor shrink is safe to map. */
        seals = fcntl(fd, F_GET_SEALS);
        if (seals < 0 || (seals & SEALS) != SEALS)
                return -EBADMSG;
        if (fstat(fd, &status) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode) || (uint64_t) status.st_size < sizeof(SealedHeader))
                return -EBADMSG;
        file.size = (size_t) status.st_size;
        file.memory = mmap(NULL, file.size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (file.memory == MAP_FAILED)
                return -errno;
        r = check_content(&file);
        if (r < 0) {
                sealed_file_close(&file);
                return r;
        }
        file.unpacker = (Unpacker) { .at = (const unsigned char *) file.memory +
                                           sizeof(SealedHeader),
                                     .end = (const unsigned char *) file.memory + file.size };
        *ret = file;
        return 0;
}

void sealed_file_close(SealedFile *file) {
        if (file->memory)
                (void) munmap(file->memory, file->size);
        *file = SEALED_FILE_NULL;
}
