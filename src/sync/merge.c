#include "sync/merge.h"

#include <sys/stat.h>

/* One property on both sides, now and before. */
typedef struct Property {
        int64_t source, replica, was_source, was_replica;
} Property;

/* Whether the replica's value is the one that stays. */
static bool is_replicas(const MergeSides *sides, Property property) {
        if (property.replica == property.was_replica)
                return false;
        return property.source == property.was_source ||
               sides->replica->ctime > sides->source->ctime;
}

#define PROPERTY(sides, member)                                                                 \
        (Property) {                                                                            \
                (sides)->source->member, (sides)->replica->member, (sides)->was_source->member, \
                        (sides)->was_replica->member                                            \
        }

Stamp merge_stamps(const MergeSides *sides) {
        Stamp merged = sides->is_replicas_content ? *sides->replica : *sides->source;

        if (!sides->was_source)
                return merged;
        const Stamp *mode_of = is_replicas(sides, PROPERTY(sides, mode)) ? sides->replica
                                                                         : sides->source;

        merged.uid = is_replicas(sides, PROPERTY(sides, uid)) ? sides->replica->uid
                                                              : sides->source->uid;
        merged.gid = is_replicas(sides, PROPERTY(sides, gid)) ? sides->replica->gid
                                                              : sides->source->gid;
        merged.mode = mode_type(merged.mode) | (mode_of->mode & 07777);
        if (!sides->is_replicas_content && !S_ISDIR(merged.mode) &&
            is_replicas(sides, PROPERTY(sides, mtime)))
                merged.mtime = sides->replica->mtime;
        return merged;
}
