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

static __always_inline void copy_name(char *to, const void *from)
{
	((__u64 *)to)[0] = ((const __u64 *)from)[0];
	((__u64 *)to)[1] = ((const __u64 *)from)[1];
}

/* "MainThre": Node (24 and later) calls its main thread MainThread, so all its programs would have one name. */
#define NAMELESS 0x657268546e69614dULL

static __always_inline bool is_nameless(const struct owner *o)
{
	return *(const __u64 *)o->comm == NAMELESS;
}

/* A longer name of a file lies elsewhere than in its entry, and is left alone: the agent reads it in /proc. */
#define INLINE_NAME 32

/*
 * The file name of the program, as far as it fits. By offsets: a load from the array itself is refused where the
 * kernel's array has another length (32 octets up to 6.8, 40 later), because libbpf takes that for another type.
 */
static __always_inline void name_by_program(struct owner *o, struct task_struct *task)
{
	struct dentry *entry = task->mm->exe_file->f_path.dentry;
	const void *octets = entry;

	if (entry->d_name.len >= INLINE_NAME)
		return;
	if (bpf_core_field_exists(struct dentry___since_6_14, d_shortname))
		copy_name(o->comm, octets + bpf_core_field_offset(struct dentry___since_6_14, d_shortname));
	else
		copy_name(o->comm, octets + bpf_core_field_offset(struct dentry, d_iname));
	o->comm[15] = 0;
}

static __always_inline void name_by_program_old(struct owner *o, struct task_struct *task)
{
	struct dentry *entry = BPF_CORE_READ(task, mm, exe_file, f_path.dentry);

	if (BPF_CORE_READ(entry, d_name.len) >= INLINE_NAME)
		return;
	BPF_CORE_READ_INTO(&o->comm, entry, d_iname);
	o->comm[15] = 0;
}

/* A subflow of MPTCP: a kernel thread may have connected it, for a process. */
static __always_inline bool is_subflow(struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	return tp && bpf_core_field_exists(tp->is_mptcp) && tp->is_mptcp;
}

/* The current task's process. Never from softirq. False = a kernel thread, unless `connecting` is a socket of its own. */
static __always_inline bool owner_current(struct owner *o, struct sock *connecting)
{
	struct task_struct *task;

	if (HAS_SOCKET_STORAGE) {
		task = bpf_get_current_task_btf();
		if (task->flags & PF_KTHREAD && (!connecting || is_subflow(connecting)))
			return false;
		copy_name(o->comm, task->group_leader->comm);
		o->uid = task->cred->uid.val;
		if (is_nameless(o))
			name_by_program(o, task);
	} else {
		task = (void *)bpf_get_current_task();
		if (BPF_CORE_READ(task, flags) & PF_KTHREAD && (!connecting || is_subflow(connecting)))
			return false;
		BPF_CORE_READ_INTO(&o->comm, task, group_leader, comm);
		o->uid = (__u32)bpf_get_current_uid_gid();
		if (is_nameless(o))
			name_by_program_old(o, task);
	}
	o->tgid = current_tgid();
	return true;
}

static __always_inline void owner_of(struct owner *o, struct task_struct *task)
{
	o->tgid = task->tgid;
	o->uid = BPF_CORE_READ(task, cred, uid.val);
	BPF_CORE_READ_INTO(&o->comm, task, group_leader, comm);
	if (!is_nameless(o))
		return;
	if (HAS_SOCKET_STORAGE)
		name_by_program(o, task);
	else
		name_by_program_old(o, task);
}

#endif
