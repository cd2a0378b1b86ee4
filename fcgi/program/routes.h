/*
 * routes.h - all routes of the house in one table: the rows of oci/routes.def and api/routes.def.
 */
#ifndef GANTRY_PROGRAM_ROUTES_H
#define GANTRY_PROGRAM_ROUTES_H

/* Hands the table to the router. Once, before threads. */
void routes_install(void);

/* One line a route to standard output: methods, path, permission, body, flags, handler; separated by tabs. For tests. */
int routes_print(void);

#endif
