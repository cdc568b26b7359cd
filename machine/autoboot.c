/* SPDX-License-Identifier: MIT */
/*
 * All zones of a machine at once.
 *
 * Booting a zone is a conversation with its supervisor that takes some milliseconds and may take
 * seconds (a dataset to mount, a link to wait for). So each zone gets a child process, which writes the
 * reason of a failure into a pipe; at most AUTOBOOT_WIDTH run at the same time. A child that crashes is
 * a failed zone, not a failed boot.
 */
#include "smartbox/machine/autoboot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smartbox/core/file.h"
#include "smartbox/kern/zone_run.h"
#include "smartbox/kern/zonecfg.h"
#include "smartbox/machine/image.h"
#include "smartbox/machine/vm.h"

enum { AUTOBOOT_WIDTH = 32 };

struct job {
	pid_t pid;
	int why; /* the child's sentence comes out here */
	char zone[ZONE_NAME_MAX + 1];
};

/* One zone's work, in the child. 0 or -errno with a sentence. */
typedef int work_fn(const struct zone_env *env, const char *zone, unsigned timeout_s, struct err *e);

struct crew {
	const struct zone_env *env;
	work_fn *work;
	unsigned timeout_s;
	autoboot_fn *report;
	void *arg;
	struct job jobs[AUTOBOOT_WIDTH];
	int failed;
};

static int
boot_one(const struct zone_env *env, const char *zone, unsigned timeout_s, struct err *e)
{
	(void)timeout_s;
	return (zone_boot(env, zone, NULL, e));
}

static int
stop_one(const struct zone_env *env, const char *zone, unsigned timeout_s, struct err *e)
{
	return (zone_shutdown(env, zone, false, NULL, timeout_s, e));
}

static void
report_failure(struct crew *c, const struct job *j, const char *why)
{
	c->failed++;
	if (c->report != NULL)
		c->report(j->zone, why, c->arg);
}

/* Wait for a job and free its place. */
static void
job_finish(struct crew *c, struct job *j)
{
	char why[1024] = "";
	ssize_t n;
	int status;

	if (j->pid == 0)
		return;
	n = read(j->why, why, sizeof(why) - 1);
	why[n > 0 ? n : 0] = '\0';
	(void)close(j->why);
	while (waitpid(j->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		report_failure(c, j, *why != '\0' ? why : "the helper process ended unexpectedly");
	j->pid = 0;
}

static _Noreturn void
job_child(const struct crew *c, const char *zone, int why)
{
	struct err e = ERR_INIT;
	int rc = c->work(c->env, zone, c->timeout_s, &e);

	if (rc == 0 || rc == -EALREADY)
		_exit(0);
	(void)io_write_full(why, e.msg, strlen(e.msg));
	_exit(1);
}

static void
job_start(struct crew *c, struct job *j, const char *zone)
{
	int p[2];

	job_finish(c, j);
	(void)snprintf(j->zone, sizeof(j->zone), "%s", zone);
	if (pipe2(p, O_CLOEXEC) != 0) {
		report_failure(c, j, strerror(errno));
		return;
	}
	if ((j->pid = fork()) == 0)
		job_child(c, zone, p[1]);
	(void)close(p[1]);
	j->why = p[0];
	if (j->pid < 0) {
		report_failure(c, j, strerror(errno));
		(void)close(p[0]);
		j->pid = 0;
	}
}

static bool
wants_boot(const struct zone_env *env, const struct zone_info *z)
{
	struct zonecfg *cfg;
	bool wants;

	if (z->state != ZONE_INSTALLED || zonecfg_load(env, z->name, &cfg, NULL) != 0)
		return (false);
	wants = zonecfg_get_bool(cfg, "autoboot");
	zonecfg_free(cfg);
	return (wants);
}

static bool
is_live(const struct zone_env *env, const struct zone_info *z)
{
	(void)env;
	return (z->state >= ZONE_READY);
}

static int
crew_run(struct crew *c, bool (*choose)(const struct zone_env *, const struct zone_info *),
    struct err *e)
{
	struct zone_list zones;
	size_t next = 0;
	int rc;

	if ((rc = zone_list_all(c->env, &zones, e)) != 0)
		return (rc);
	for (size_t i = 0; i < zones.n; i++)
		if (choose(c->env, &zones.zones[i]))
			job_start(c, &c->jobs[next++ % AUTOBOOT_WIDTH], zones.zones[i].name);
	for (size_t i = 0; i < AUTOBOOT_WIDTH; i++)
		job_finish(c, &c->jobs[i]);
	zone_list_free(&zones);
	return (c->failed);
}

/* What a power cut left half made must not boot, and should not stay. */
static void
recover(const struct zone_env *env)
{
	struct machine m;

	machine_init(&m);
	m.zenv = *env;
	(void)vm_recover(&m, NULL);
	if (m.ds->pool_is_imported(m.ds_ctx, m.pool))
		(void)image_recover(&m, NULL);
}

int
autoboot_start(const struct zone_env *env, autoboot_fn *fn, void *arg, struct err *e)
{
	struct crew c = {.env = env, .work = boot_one, .report = fn, .arg = arg};

	recover(env);
	return (crew_run(&c, wants_boot, e));
}

int
autoboot_stop(const struct zone_env *env, unsigned timeout_s, autoboot_fn *fn, void *arg,
    struct err *e)
{
	struct crew c = {
	    .env = env, .work = stop_one, .timeout_s = timeout_s, .report = fn, .arg = arg};

	return (crew_run(&c, is_live, e));
}
