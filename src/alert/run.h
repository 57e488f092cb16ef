#pragma once

/* From the command line to the exit status. */
int alert_run(int argc, char **argv);
