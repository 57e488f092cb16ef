#pragma once

/* rebackupctl as a whole; returns the exit status. */
int run(int argc, char **argv);
