#pragma once

/* The ways in which a person is told of a report, besides hooks. Each runs in a process of its own,
 * which is killed when it takes too long. Where there is nobody to be told in that way (no sound
 * card, no terminal, no bus), that is no error. All return 0 or -errno. */

#include "alert/alert.h"

/* Plays the sound theme's "dialog-error" on ALSA's default device. */
int tell_sound(const AlertReport *report);

/* Writes one line to each terminal on which somebody is logged in and lets others write ("mesg y"),
 * but that of standard error. */
int tell_terminals(const AlertReport *report);
/* The same to the terminal DEVICE, a name in /dev, for LIMIT at the most. */
int tell_terminal(const char *device, const char *text, usec_t limit);

/* Shows a notification on the desktop of the user of this process. */
int tell_desktop(const AlertReport *report);
