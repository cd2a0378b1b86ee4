/*
 * t-state.c - what the supervisor tells others: the note, the lock, and whether a process still is the one that was noted.
 */
#include "base/cleanup.h"
#include "command/files.h"
#include "command/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static char dir[] = "/tmp/t-state-XXXXXX";

static int make_dir(void **state)
{
    char path[PATH_MAX];
    struct fail f = FAIL_INIT;
    (void)state;
    return mkdtemp(dir) && !path_join(&f, dir, "run", path) && !dir_make(&f, path, 0700) ? 0 : -1;
}

static int remove_dir(void **state)
{
    static const char *const names[] = {"run/state", "run/supervisor.lock", "run", ""};
    char path[PATH_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        remove(path);
    }
    return 0;
}

static void test_round_trip(void **state)
{
    struct state in = {.pid = 4711,
                       .generation = 3,
                       .phase = PHASE_FAILED,
                       .since_s = 1700000000,
                       .nginx_files = 18446744073709551615u,
                       .n = 2},
                 out;
    struct fail f = FAIL_INIT;
    (void)state;
    snprintf(in.text, sizeof(in.text), "two lines\nservice x y 1 2 3 4\n");
    in.services[0] = (struct state_service){.name = "mariadb",
                                            .state = "running",
                                            .pid = 12,
                                            .ticks = 34567890123,
                                            .since_s = 1700000001,
                                            .restarts = 2};
    in.services[1] = (struct state_service){.name = "worker", .state = "stopped"};
    assert_int_equal(state_write(&f, dir, &in), E_OK);
    assert_int_equal(state_read(dir, &out), E_OK);
    assert_int_equal(out.pid, 4711);
    assert_int_equal(out.generation, 3);
    assert_int_equal(out.phase, PHASE_FAILED);
    assert_true(out.nginx_files == in.nginx_files);
    assert_int_equal(out.since_s, 1700000000);
    assert_int_equal(out.n, 2);
    assert_string_equal(out.services[0].name, "mariadb");
    assert_string_equal(out.services[0].state, "running");
    assert_int_equal(out.services[0].pid, 12);
    assert_int_equal(out.services[0].ticks, 34567890123);
    assert_int_equal(out.services[0].restarts, 2);
    assert_string_equal(out.services[1].name, "worker");
    assert_string_equal(out.text, in.text);
}

static void test_nonsense(void **state)
{
    static const char *const texts[] = {"",
                                        "supervisor\n",
                                        "supervisor x 1 2 3\n",
                                        "supervisor 1 1 99 1\n",
                                        "supervisor 1 -1 1 1\n",
                                        "supervisor 1 1 1 1\nservice only two\n",
                                        "text\nhello",
                                        "\n\n\n"};
    char path[PATH_MAX];
    struct fail f = FAIL_INIT;
    struct state out;
    (void)state;
    assert_int_equal(path_join(&f, dir, "run/state", path), E_OK);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(file_write(&f, path, str_z(texts[i]), 0600), E_OK);
        assert_int_equal(state_read(dir, &out), E_NO_ROW);
    }
    unlink(path);
    assert_int_equal(state_read(dir, &out), E_NO_ROW);
}

/* A lock of one's own process is no obstacle, so another one asks. */
static void test_lock(void **state)
{
    CLEANUP(fd_close) int fd = -1;
    struct fail f = FAIL_INIT;
    int status = -1;
    (void)state;
    assert_int_equal(state_holder(dir), 0);
    assert_int_equal(state_lock(&f, dir, &fd), E_OK);
    pid_t self = getpid(), pid = fork();
    if (pid == 0) {
        int other = -1;
        bool right = state_holder(dir) == self && state_lock(&f, dir, &other) == E_CONFLICT;
        _exit(right ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(TAKE_FD(fd));
    assert_int_equal(state_holder(dir), 0);
}

static void test_ticks(void **state)
{
    (void)state;
    uint64_t ours = state_ticks(getpid());
    assert_true(ours > 0);
    assert_int_equal(state_ticks(getpid()), ours);
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    close(ends[1]);
    assert_true(read(ends[0], &byte, 1) <= 0); /* it has ended, or is about to */
    close(ends[0]);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(state_ticks(pid), 0); /* dead, not yet collected */
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(state_ticks(pid), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_lock),
        cmocka_unit_test(test_ticks),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
