/*
 * clock.c - see clock.h. No locale: names of days and months are our own.
 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

int64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_s(void)
{
    return clock_ms() / 1000;
}

uint64_t clock_mono_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct tm broken_down(int64_t ms, int *ret_ms)
{
    int64_t s = ms / 1000, rest = ms % 1000;
    if (rest < 0) {
        s--;
        rest += 1000;
    }
    time_t t = (time_t)s;
    struct tm tm = {0};
    gmtime_r(&t, &tm);
    *ret_ms = (int)rest;
    return tm;
}

void clock_rfc3339(int64_t ms, char out[static CLOCK_TEXT])
{
    int rest;
    struct tm tm = broken_down(ms, &rest);
    snprintf(out, CLOCK_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, rest);
}

static void with_names(int64_t ms, const char *zone, char *out)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int rest;
    struct tm tm = broken_down(ms, &rest);
    snprintf(out, CLOCK_TEXT, "%s, %02d %s %04d %02d:%02d:%02d %s", days[tm.tm_wday % 7],
             tm.tm_mday, months[tm.tm_mon % 12], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
             tm.tm_sec, zone);
}

void clock_rfc2822(int64_t ms, char out[static CLOCK_TEXT])
{
    with_names(ms, "-0000", out);
}

void clock_http(int64_t ms, char out[static CLOCK_TEXT])
{
    with_names(ms, "GMT", out);
}
