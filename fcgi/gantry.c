/*
 * gantry.c - the operator's command, and the supervisor of the embedded stack
 * (command/supervisor.h). Its words are rows of command/commands.def.
 */
#include "command/command.h"

#include <signal.h>
#include <unistd.h>
#include <fcntl.h>

int main(int argc, char **argv)
{
    /* A closed standard stream would give its number to a file or socket of ours. */
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    return command_main(argc, argv);
}
