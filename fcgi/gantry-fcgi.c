/*
 * gantry-fcgi - answers FastCGI requests. One process tree is one pool; nginx sends each kind of
 * request to its own. What happens is in program/pool.c; here are only the words of the command
 * line.
 */
#include "program/pool.h"
#include "program/program.h"
#include "program/routes.h"

#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static int usage(FILE *to)
{
    fputs(
        "usage: gantry-fcgi --dir DIR --pool registry|upload|api\n"
        "       gantry-fcgi --routes\n"
        "       gantry-fcgi --version\n"
        "\n"
        "  --dir DIR    the directory that holds config/config.yaml and run/\n"
        "  --pool NAME  which pool this is; it listens on DIR/run/NAME.sock\n"
        "  --routes     print methods, path, permission, body, flags and handler of every route\n",
        to);
    return to == stdout ? EXIT_SUCCESS : 2;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"dir", required_argument, NULL, 'd'}, {"pool", required_argument, NULL, 'p'},
        {"routes", no_argument, NULL, 'r'},    {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},      {NULL, 0, NULL, 0},
    };
    const char *dir = NULL, *pool = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'd':
            dir = optarg;
            break;
        case 'p':
            pool = optarg;
            break;
        case 'r':
            return routes_print();
        case 'v':
            puts("gantry-fcgi " PACKAGE_VERSION);
            return EXIT_SUCCESS;
        case 'h':
            return usage(stdout);
        default:
            return usage(stderr);
        }
    }
    if (!dir || !pool || optind != argc)
        return usage(stderr);
    program_init();
    int status = pool_main(dir, pool);
    program_done();
    return status;
}
