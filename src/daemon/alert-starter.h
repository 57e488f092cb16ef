#pragma once

/* In the foreground there is no unit that would tell a person of alerts, and the daemon, once
 * confined, executes nothing. So a process is forked before, which has nothing but a socket and
 * starts rebackup-alert whenever a report comes in, one after the other. It ends with the daemon,
 * however that ends, after what was sent has been told. */

/* Forks the process; before there are threads, and before rights are given up. CONFIG_ROOT is as in
 * Options and may be NULL. 0 with the socket in *RET, which is the caller's; -ENOENT when
 * rebackup-alert is not installed; another -errno. */
int alert_starter_begin(const char *config_root, int *ret);

/* Has the report TEXT told. Never waits. 0; -EAGAIN when several are waiting already; another
 * -errno. */
int alert_starter_send(int fd, const char *text);
