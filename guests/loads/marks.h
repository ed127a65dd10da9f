/* Running loads as the command line says, with marks for the host to take the time of. */
#pragma once

#include "loads.h"

/*
 * Runs the load that load= names for n= rounds, and prints marks; or a few rounds
 * of each without marks. A null ends the table. Returns how many were run.
 */
unsigned run_loads(const struct load *const *loads, const char *command_line);
