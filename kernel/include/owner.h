/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A process as the owner of a socket: how it is read, from the current task or from any. */
#ifndef WEIR_OWNER_H
#define WEIR_OWNER_H

#include "kernel_types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/* A constant when the object is loaded: the verifier never sees the branch that is not taken. */
#define HAS_SOCKET_STORAGE \
	bpf_core_enum_value_exists(enum bpf_func_id___weir, BPF_FUNC_sock_from_file___weir)

struct owner {
	__u32 tgid;
	__u32 uid;
	char comm[16]; /* of the thread group leader */
};

static __always_inline __u32 current_tgid(void)
{
	return bpf_get_current_pid_tgid() >> 32;
}

static __always_inline void copy_name(char *to, char *from)
{
	((__u64 *)to)[0] = ((__u64 *)from)[0];
	((__u64 *)to)[1] = ((__u64 *)from)[1];
}

/* The current task's process. Never from softirq. False = a kernel thread, which only works for a process
 * (delayed close, io workers of a file system). */
static __always_inline bool owner_current(struct owner *o, bool even_kernel)
{
	struct task_struct *task;

	if (HAS_SOCKET_STORAGE) {
		task = bpf_get_current_task_btf();
		if (!even_kernel && task->flags & PF_KTHREAD)
			return false;
		copy_name(o->comm, task->group_leader->comm);
		o->uid = task->cred->uid.val;
	} else {
		task = (void *)bpf_get_current_task();
		if (!even_kernel && BPF_CORE_READ(task, flags) & PF_KTHREAD)
			return false;
		BPF_CORE_READ_INTO(&o->comm, task, group_leader, comm);
		o->uid = (__u32)bpf_get_current_uid_gid();
	}
	o->tgid = current_tgid();
	return true;
}

static __always_inline void owner_of(struct owner *o, struct task_struct *task)
{
	o->tgid = task->tgid;
	o->uid = BPF_CORE_READ(task, cred, uid.val);
	BPF_CORE_READ_INTO(&o->comm, task, group_leader, comm);
}

#endif
