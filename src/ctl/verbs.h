#pragma once

/* The verbs that have to do with pairs that run, and with making some: what each takes, in one
 * table. Pure. */

#include "ctl/options.h"

/* Reads the N ARGUMENTS, of which the first is the verb, into OPTIONS, whose options are set
 * already. 1; 0: it is no such verb; -EINVAL with *RET_ERROR, the caller's; -ENOMEM. */
int ctl_verb_take(CtlOptions *options, int n, char **arguments, char **ret_error);

/* The verb that is most like TEXT, or NULL. */
const char *ctl_verb_nearest(const char *text);
