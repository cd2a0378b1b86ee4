/*
 * session.c - what commands on accounts and repositories work with: command_worker_init() of command.h.
 */
#include "command/command.h"

#include "auth/keyring.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "program/program.h"
#include "storage/store.h"

#include <stdio.h>

enum err command_worker_init(const char *dir, struct fail *f, struct worker *ret)
{
    CLEANUP(config_notes_done) struct config_notes notes = {NULL, 0};
    CLEANUP(config_freep) struct config *config = NULL;
    CLEANUP(store_closep) struct store *store = NULL;
    CLEANUP(keyring_freep) struct keyring *keys = NULL;
    program_init();
    enum err e = config_load(f, dir, &notes, &config);
    for (size_t i = 0; i < notes.n; i++) {
        if (notes.v[i].fatal)
            fprintf(stderr, "gantry: config: %s\n", notes.v[i].text);
    }
    if (!e)
        e = store_open(config, f, &store);
    if (!e && !(keys = keyring_new()))
        e = fail(f, E_NO_MEMORY, "out of memory");
    if (!e)
        e = program_worker_init(ret, f, config, store, keys);
    if (e)
        return e;
    /* All of it belongs to the worker now. */
    (void)TAKE_PTR(config);
    (void)TAKE_PTR(store);
    (void)TAKE_PTR(keys);
    return E_OK;
}

void command_worker_done(struct worker *w)
{
    struct config *config;
    memcpy(&config, &w->config, sizeof(config)); /* ours to end, though workers only read it */
    program_worker_done(w);
    keyring_freep(&w->keys);
    store_closep(&w->store);
    config_freep(&config);
    program_done();
}
