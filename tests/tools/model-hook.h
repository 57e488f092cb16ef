#pragma once

/* Stops the engine amid its work: the calls by which it looks at files and changes them are counted
 * (they are linked with --wrap), and before the one of a given number HANDLER is called in the
 * thread that is about to make it; all other threads go on. */

void hook_arm(unsigned at, void (*handler)(void));
/* Returns how many calls there were since it was armed. */
unsigned hook_disarm(void);
