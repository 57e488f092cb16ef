#pragma once

/* Writers of a file that is about to be read: those whose stores through a mapping have not moved
 * its times yet, and those in the middle of a write(2), whose times have moved while the data has
 * not arrived. Any thread. */

/* Settles content that may be changing through a mapping. Who has FD's inode open for writing or
 * mapped writable may have stored without moving its mtime; fdatasync(2) makes the next store move
 * it (not on tmpfs, where nothing does). Returns 1 when somebody could write and it was flushed, 0
 * when nobody can or when it cannot be told (not our file, a file system without leases), or
 * -errno. FD is open for reading only. Takes a read lease for an instant: a writer that comes just
 * then makes the kernel send SIGIO, which the process must ignore. Source: fcntl(2). */
int content_settle_mapped(int fd);

/* Waits until a write(2) that is in progress has ended. Called between a stat and the reading: a
 * write that was under way at the stat, with the times moved and the data half in, is over then,
 * and any later one moves the times past what the stat saw. Looking for data takes the inode's
 * lock, which ext4, btrfs and tmpfs writers hold; xfs readers take it by themselves. Source:
 * lseek(2), and the llseek methods of these file systems. */
void content_await_write(int fd);
