/*
 * rotate_keys.c - the next signing key is there before the current one retires, expired ones go (auth/keyring.h).
 */
#include "auth/keyring.h"
#include "jobs/schedule.h"

enum err job_rotate_keys(struct job *job, struct fail *f)
{
    return keyring_rotate(job->w, f);
}
