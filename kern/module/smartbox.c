// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * smartbox.ko: the companion module. It knows which zone a task belongs to.
 *
 * Theory of operation
 *
 * A zone has a pid namespace of its own. Whoever boots a zone registers it here by the pid of the
 * zone's init; from then on a task's zone is the one registered for its pid namespace, or for the
 * nearest ancestor of it (a container inside a zone belongs to the zone); 0, the global zone, when none
 * is. Nothing is stored in tasks and nothing is hooked: a fork costs the same with and without us.
 *
 *	/proc/smartbox/zones	ID NAME INIT-PID, a line per zone		root reads
 *	/proc/smartbox/register	"ID NAME PID" adds a zone, "-ID" removes it	root writes
 *	/proc/smartbox/tasks	PID ZONE-ID, a line per process			root reads
 *	/proc/smartbox/self	the zone id of whoever reads it			anybody reads
 *
 * Invariants:
 *  1. An entry holds a reference on its pid namespace, so a namespace's address is not reused
 *     while it is listed.
 *  2. A zone whose init has ended is not listed: the namespace stops handing out pids at that moment,
 *     and every look removes such entries first. So a supervisor that was killed leaves nothing here.
 *  3. The list changes under zones_lock and is read under RCU. Nothing sleeps inside RCU.
 *  4. No state lives only here: user space can register everything again after a reload.
 *
 * /proc files of ours appear in the zones' /proc too; their owner is the real root, who is nobody there.
 */
#include <linux/ctype.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#define ZONE_NAME_MAX 63

struct zone_entry {
	struct list_head link;
	struct rcu_head rcu;
	struct pid_namespace *ns; /* held: invariant 1 */
	int id;
	pid_t init_pid;
	char name[ZONE_NAME_MAX + 1];
};

static LIST_HEAD(zones);
static DEFINE_MUTEX(zones_lock);

static bool zone_is_dead(const struct zone_entry *z)
{
	return !(READ_ONCE(z->ns->pid_allocated) & PIDNS_ADDING);
}

static void zone_free(struct rcu_head *rcu)
{
	struct zone_entry *z = container_of(rcu, struct zone_entry, rcu);

	put_pid_ns(z->ns);
	kfree(z);
}

/* Unlink an entry; the rest goes after the readers (invariant 1 holds for them too). Under zones_lock. */
static void zone_remove(struct zone_entry *z)
{
	list_del_rcu(&z->link);
	call_rcu(&z->rcu, zone_free);
}

/* Invariant 2. Under zones_lock. */
static void zones_prune(void)
{
	struct zone_entry *z, *next;

	list_for_each_entry_safe(z, next, &zones, link)
		if (zone_is_dead(z))
			zone_remove(z);
}

/* The zone of a namespace or of its nearest registered ancestor. Under RCU. */
static int zone_of_ns(const struct pid_namespace *ns)
{
	const struct zone_entry *z;

	for (; ns && ns->parent; ns = ns->parent)
		list_for_each_entry_rcu(z, &zones, link)
			if (z->ns == ns)
				return z->id;
	return 0;
}

static int zone_add(int id, const char *name, pid_t pid)
{
	struct task_struct *task;
	struct zone_entry *z, *other;
	int rc = 0;

	z = kzalloc(sizeof(*z), GFP_KERNEL);
	if (!z)
		return -ENOMEM;
	z->id = id;
	z->init_pid = pid;
	strscpy(z->name, name, sizeof(z->name));

	rcu_read_lock();
	task = pid_task(find_vpid(pid), PIDTYPE_PID);
	if (task && task_active_pid_ns(task) && task_active_pid_ns(task)->parent)
		z->ns = get_pid_ns(task_active_pid_ns(task));
	rcu_read_unlock();
	if (!z->ns) {
		kfree(z);
		return -ESRCH; /* no such task, or one of the global zone */
	}

	mutex_lock(&zones_lock);
	zones_prune();
	list_for_each_entry(other, &zones, link)
		if (other->id == id || other->ns == z->ns || !strcmp(other->name, name))
			rc = -EEXIST;
	if (!rc)
		list_add_tail_rcu(&z->link, &zones);
	mutex_unlock(&zones_lock);
	if (rc) {
		put_pid_ns(z->ns);
		kfree(z);
	}
	return rc;
}

static int zone_drop(int id)
{
	struct zone_entry *z, *next;
	int rc = -ENOENT;

	mutex_lock(&zones_lock);
	list_for_each_entry_safe(z, next, &zones, link) {
		if (z->id == id) {
			zone_remove(z);
			rc = 0;
		}
	}
	mutex_unlock(&zones_lock);
	return rc;
}

static bool zone_name_is_valid(const char *name)
{
	if (!isalnum(*name))
		return false;
	for (; *name; name++)
		if (!isalnum(*name) && !strchr("_.-", *name))
			return false;
	return true;
}

/* One order per write(2). */
static ssize_t register_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	char order[128], name[ZONE_NAME_MAX + 1];
	int id, pid, used = 0, rc;

	if (len >= sizeof(order))
		return -E2BIG;
	if (copy_from_user(order, from, len))
		return -EFAULT;
	order[len] = '\0';
	strim(order);
	if (sscanf(order, "-%d%n", &id, &used) == 1 && !order[used] && id > 0)
		rc = zone_drop(id);
	else if (sscanf(order, "%d %63s %d%n", &id, name, &pid, &used) == 3 && !order[used] &&
		 id > 0 && pid > 0 && zone_name_is_valid(name))
		rc = zone_add(id, name, pid);
	else
		rc = -EINVAL;
	return rc ? rc : len;
}

static int zones_show(struct seq_file *m, void *v)
{
	const struct zone_entry *z;

	mutex_lock(&zones_lock);
	zones_prune();
	list_for_each_entry(z, &zones, link)
		seq_printf(m, "%d %s %d\n", z->id, z->name, z->init_pid);
	mutex_unlock(&zones_lock);
	return 0;
}

static int tasks_show(struct seq_file *m, void *v)
{
	struct task_struct *task;

	rcu_read_lock();
	for_each_process(task)
		seq_printf(m, "%d %d\n", task_pid_nr(task), zone_of_ns(task_active_pid_ns(task)));
	rcu_read_unlock();
	return 0;
}

static int self_show(struct seq_file *m, void *v)
{
	rcu_read_lock();
	seq_printf(m, "%d\n", zone_of_ns(task_active_pid_ns(current)));
	rcu_read_unlock();
	return 0;
}

static const struct proc_ops register_ops = {
	.proc_write = register_write,
};

static void zones_drop_all(void)
{
	struct zone_entry *z, *next;

	mutex_lock(&zones_lock);
	list_for_each_entry_safe(z, next, &zones, link)
		zone_remove(z);
	mutex_unlock(&zones_lock);
	rcu_barrier(); /* zone_free is our code: it must have run before we are unloaded */
}

static int __init smartbox_init(void)
{
	struct proc_dir_entry *dir = proc_mkdir("smartbox", NULL);

	if (!dir)
		return -ENOMEM;
	if (proc_create("register", 0200, dir, &register_ops) &&
	    proc_create_single("zones", 0400, dir, zones_show) &&
	    proc_create_single("tasks", 0400, dir, tasks_show) &&
	    proc_create_single("self", 0444, dir, self_show))
		return 0;
	proc_remove(dir);
	return -ENOMEM;
}

static void __exit smartbox_exit(void)
{
	/* Waits for readers and writers that are inside. */
	remove_proc_subtree("smartbox", NULL);
	zones_drop_all();
}

module_init(smartbox_init);
module_exit(smartbox_exit);
MODULE_DESCRIPTION("zones for smartbox: which task belongs to which zone");
MODULE_LICENSE("Dual MIT/GPL");
