#pragma once

/* Writing down what a group of marks is, and taking one over that another process had; for
 * watch-pack.c. */

#include "basic/pack.h"
#include "watch/fanotify-marks.h"

void fanotify_marks_save(const FanotifyMarks *marks, Packer *packer);
/* Without its descriptor as yet. 0, -EBADMSG, -ENOMEM. */
int fanotify_marks_load(Unpacker *unpacker, FanotifyMarks **ret);
/* Takes FD as the group's. */
void fanotify_marks_adopt(FanotifyMarks *marks, int fd);
/* Whether HANDLE is of a file system that is known. */
bool fanotify_marks_has(const FanotifyMarks *marks, const DirectoryHandle *handle);
